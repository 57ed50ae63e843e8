"""Pruning of weights and channels, on PyTorch and ONNX graphs."""
