"""The serving core: everything between a request's bytes and the model, without a web framework."""
