"""A page on which single items are looked at: where in the image, and from which layer on."""
