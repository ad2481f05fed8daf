"""What the figures share: colors, saving, labels, and pictures that several studies draw."""
