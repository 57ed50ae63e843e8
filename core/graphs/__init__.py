"""Graph utilities for ONNX and PyTorch, shared by passes, sources and pruning."""
