"""One file per technique."""
