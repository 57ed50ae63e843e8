"""Findings and the recommendation, out of measurements."""
