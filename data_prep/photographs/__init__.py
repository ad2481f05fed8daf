"""Photographs and what is known of them: COCO, own folders with labels, data sets of the Hub."""
