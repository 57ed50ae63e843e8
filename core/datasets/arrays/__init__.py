"""NumPy arrays, and their layout as a model takes it."""
