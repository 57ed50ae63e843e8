"""Values between the layers of a model, by the runtime that computes them."""
