"""Families of networks, one file each with `FAMILY`, told apart by keys and shapes."""
