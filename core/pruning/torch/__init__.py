"""Structured pruning of exported PyTorch programs."""
