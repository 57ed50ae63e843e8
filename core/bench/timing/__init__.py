"""Latency and throughput: interleaved paired measurements with intervals."""
