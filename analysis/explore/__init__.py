"""A page to look at single items: what is read where in the image, and from which layer on."""
