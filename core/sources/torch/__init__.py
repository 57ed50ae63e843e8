"""PyTorch uploads: state dicts, exported programs, TorchScript, and weights with their own code."""
