"""Images: reading, decoding, resizing and normalization."""
