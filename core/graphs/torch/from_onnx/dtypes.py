"""Element types of ONNX as NumPy's and PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from onnx import TensorProto

from core.errors import UnsupportedModel

TORCH: dict[int, torch.dtype] = {
    TensorProto.FLOAT: torch.float32, TensorProto.DOUBLE: torch.float64, TensorProto.FLOAT16: torch.float16,
    TensorProto.BFLOAT16: torch.bfloat16, TensorProto.INT8: torch.int8, TensorProto.INT16: torch.int16,
    TensorProto.INT32: torch.int32, TensorProto.INT64: torch.int64, TensorProto.UINT8: torch.uint8,
    TensorProto.BOOL: torch.bool,
}  # fmt: skip


def torch_dtype(number: int) -> torch.dtype:
    """Return PyTorch's element type of an ONNX one.

    Raises:
        UnsupportedModel: It has none that networks compute in.
    """
    if number not in TORCH:
        name = TensorProto.DataType.Name(number) if number in TensorProto.DataType.values() else number
        raise UnsupportedModel(
            f"The model casts to {name}, which PyTorch does not compute in.",
            hint="Use techniques that work on ONNX files.",
        )
    return TORCH[number]


def numpy_dtype(number: int) -> Any:
    """Return NumPy's element type of an ONNX one."""
    from onnx import helper

    return np.dtype(helper.tensor_dtype_to_np_dtype(number))
