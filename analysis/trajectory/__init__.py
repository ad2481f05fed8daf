"""What the model would say at each layer, item by item, and how that changes over layers."""
