"""One file per upload format."""
