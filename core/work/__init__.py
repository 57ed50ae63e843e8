"""Units of work, and the executors that do them: here, in an environment of their own, or on a cluster."""
