"""Plain values that travel through the house; frozen, typed, free of any library."""
