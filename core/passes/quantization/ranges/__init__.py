"""Ranges of activations for static quantization, found from one streaming pass over calibration data."""
