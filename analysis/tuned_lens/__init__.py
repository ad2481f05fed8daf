"""A tuned lens for a model: trained, judged on held-out scenes, and written for others to use."""
