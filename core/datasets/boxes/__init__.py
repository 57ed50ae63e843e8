"""Images with boxes to find, as object detection is labelled."""
