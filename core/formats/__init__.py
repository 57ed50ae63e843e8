"""One file per form in which a model lies on disk; each exports `FORMAT`."""
