"""Sizes that an export fixes besides the batch."""

from __future__ import annotations

from typing import Any

from core.domain.model import SourceModel


def fixed_sizes(model: SourceModel) -> dict[str, Any]:
    """Return as a detail the inputs with free sizes other than the batch, which the export takes as given."""
    found = {
        spec.name: " x ".join(
            str(model.symbols.get(size, 1))
            if isinstance(size, str) and size != model.batch_symbol
            else str(size)
            for size in spec.shape
        )
        for spec in model.inputs
        if any(isinstance(size, str) and size != model.batch_symbol for size in spec.shape)
    }
    return {"fixed": found} if found else {}
