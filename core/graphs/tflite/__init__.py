"""LiteRT (TFLite) files: their inputs and outputs, their layers, and a run of them."""
