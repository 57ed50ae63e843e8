"""Services: a kit with a small serving core, an adapter of a framework, and what runs it elsewhere."""
