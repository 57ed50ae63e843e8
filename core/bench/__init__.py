"""Benchmarking: latency, throughput and memory with confidence intervals; accuracy and fidelity."""
