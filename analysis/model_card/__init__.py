"""How well does a model answer? Accuracies on held-out scenes, and the bundled model's card."""
