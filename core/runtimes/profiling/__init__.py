"""What the runtimes' own profilers say of each layer; one file a runtime."""
