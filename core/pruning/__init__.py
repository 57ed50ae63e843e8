"""Pruning: which weights and channels a network can spare, on PyTorch and on ONNX graphs."""
