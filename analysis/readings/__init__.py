"""What each readout says, item by item, under every condition."""
