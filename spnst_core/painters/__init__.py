"""Painters: feed-forward networks, each trained for one style, that paint a content in one pass."""
