"""One runtime a file; each exports `RUNTIME`."""
