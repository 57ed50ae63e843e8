"""Pieces of the Watch page."""
