"""Files of data sets, in a folder or a zip archive, and the images in them. None is trusted."""
