"""Triton's tensors as arrays, and back.

Triton that was built for NumPy 1, as nvidia-pytriton 0.7 is, finds no strides in arrays of NumPy 2, so that
these are passed by DLPack.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

NUMPY_2 = int(np.__version__.split(".")[0]) >= 2


def read(request: Any, name: str) -> Any:
    """Return an input as an array of its own."""
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return np.array(np.from_dlpack(tensor)) if NUMPY_2 else tensor.as_numpy()


def write(name: str, value: Any) -> Any:
    """Return an output."""
    array = np.array(value, order="C")
    return pb_utils.Tensor.from_dlpack(name, array) if NUMPY_2 else pb_utils.Tensor(name, array)


def _told(unraisable: Any) -> None:
    """Tell of errors that nobody can catch, but not how Triton names what it took over by DLPack."""
    if "PyCapsule_GetPointer" not in str(unraisable.exc_value):
        sys.__unraisablehook__(unraisable)


sys.unraisablehook = _told
