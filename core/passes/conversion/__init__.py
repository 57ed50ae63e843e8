"""Conversion: exports, formats and graph optimization that keep what a model computes."""
