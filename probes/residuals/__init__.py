"""Residual streams of many items: captured shard by shard, kept on disk, read in parts."""
