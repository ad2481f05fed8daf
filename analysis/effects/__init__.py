"""From readings to rows per scene: the effect of the image, its controls and its emergence."""
