"""ONNX uploads."""
