"""Lists of detections: recognized among outputs, matched with labelled boxes, and held against each other."""
