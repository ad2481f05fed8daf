"""How a folder or a Hub id becomes a checked model: source, processor, memory, weights."""
