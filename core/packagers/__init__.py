"""One file per kind of download."""
