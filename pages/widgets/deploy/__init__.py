"""Pieces of the Deploy page."""
