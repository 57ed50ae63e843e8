"""Search strategies: what to try next, one file each with `STRATEGY`."""
