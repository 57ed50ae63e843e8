"""Domain model: frozen, typed dataclasses that are passed around and stored, free of any library."""
