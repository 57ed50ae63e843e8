"""Where the time of a call goes, layer by layer, and what the machine can do at most."""
