"""Architecture matching: networks that a bare state dict can be loaded into."""

from __future__ import annotations

from core.architectures.catalogue import Architecture, identify, names
from core.architectures.loading import build, load
from core.architectures.unwrap import unwrap

__all__ = ["Architecture", "build", "identify", "load", "names", "unwrap"]
