"""Questions about what is not in the image, as studies ask them of a run."""
