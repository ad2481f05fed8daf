"""What the figures share: colours, saving, labels, the pictures that several studies draw."""
