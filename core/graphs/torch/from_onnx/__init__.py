"""ONNX graphs as PyTorch networks that can be exported, pruned and trained."""
