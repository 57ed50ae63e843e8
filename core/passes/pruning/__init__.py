"""Pruning: channels removed, or weights set to zero."""
