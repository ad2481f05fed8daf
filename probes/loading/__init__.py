"""From a folder or a Hub id to a checked model: source, processor, memory, weights."""
