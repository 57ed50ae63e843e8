"""Accuracy in detail, out of the outputs that the figures are of."""
