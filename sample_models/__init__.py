"""Small trained models to try Whetstone with; `python -m sample_models.train` makes them."""

from __future__ import annotations

from sample_models.catalogue import Sample, by_id, samples

__all__ = ["Sample", "by_id", "samples"]
