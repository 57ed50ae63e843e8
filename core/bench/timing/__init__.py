"""Latency and throughput: interleaved paired measurements with confidence intervals."""
