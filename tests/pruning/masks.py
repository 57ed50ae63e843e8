"""What a cut must be equal to."""

from __future__ import annotations

import numpy as np

from core.protocols import Array
from core.pruning.dependency_groups import Keep
from core.pruning.propagation import Tracer


def masked(tracer: Tracer, keep: Keep) -> dict[str, Array]:
    """Return the weights of convolutions and products with zeros where channels are removed."""
    result = {}
    for name in tracer.layer_weights:
        array = tracer.constants[name].copy()
        for axis, ids in enumerate(tracer.of(name)):
            if ids is not None:
                shape = [-1 if at == axis else 1 for at in range(array.ndim)]
                array = np.where(keep(ids).reshape(shape), array, 0)
        result[name] = array.astype(np.float32)
    return result
