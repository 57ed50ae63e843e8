"""ncnn networks, opened and called through its Python package.

How a file is fed follows from what pnnx wrote beside it, and travels as options of the artifact: ``inputs``
and ``outputs`` hold for each the axis of the batch, the shape for one sample and the type; 233 is ncnn's
number for an axis that is not there. ``largest_batch`` is 1, or 0 for any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.archives.ncnn_params import weights_of
from core.protocols import Array

NO_AXIS = 233
OPTIONS = frozenset({"inputs", "outputs", "largest_batch"})


class Network:
    """A loaded network.

    Args:
        path: The ``.param`` file.
        options: Of the artifact, see above.
        threads: Threads of a call; none of them goes on spinning after it.

    Raises:
        ValueError: ncnn refuses the files.
    """

    def __init__(self, path: Path, options: Mapping[str, Any], threads: int) -> None:
        import ncnn

        self._library, self._net = ncnn, ncnn.Net()
        settings = self._net.opt
        settings.num_threads, settings.openmp_blocktime = threads, 0
        settings.use_vulkan_compute = False
        for name in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
            setattr(settings, f"use_{name}", False)
        if self._net.load_param(str(path)) or self._net.load_model(str(weights_of(path))):
            raise ValueError("ncnn cannot read the layers or the weights")
        self._inputs, self._outputs = list(options["inputs"]), list(options["outputs"])
        self.largest_batch = int(options["largest_batch"])

    def prepare(self, arrays: Sequence[Array]) -> Callable[[], list[Any]]:
        """Return a call on `arrays`, in the order of the inputs, that returns ncnn's own outputs.

        Raises:
            ValueError: They are another number of arrays, or a batch that the network does not take.
        """
        if len(arrays) != len(self._inputs):
            raise ValueError(f"it takes {len(self._inputs)} inputs")
        for array, (axis, shape, _) in zip(arrays, self._inputs, strict=True):
            self._check(array, axis, shape)
        given = [self._mat(each, axis) for each, (axis, *_) in zip(arrays, self._inputs, strict=True)]
        return lambda: self._call(given)

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Return the outputs on `arrays`, with memory of their own.

        Raises:
            ValueError: See `prepare`, or ncnn could not compute an output.
        """
        found = self.prepare(arrays)()
        return [self._array(mat, *told) for mat, told in zip(found, self._outputs, strict=True)]

    def _check(self, array: Array, axis: int, shape: Sequence[int]) -> None:
        """Refuse what ncnn would compute something of all the same: it looks at no sizes."""
        found = [1 if at == axis else size for at, size in enumerate(array.shape)]
        if found != list(shape):
            raise ValueError(f"an input has the shape {array.shape}, and the network takes {tuple(shape)}")
        if axis < array.ndim and array.shape[axis] > (self.largest_batch or array.shape[axis]):
            raise ValueError(f"in ncnn this network takes one sample a call, not {array.shape[axis]}")

    def _mat(self, array: Array, axis: int) -> Any:
        dtype = np.float32 if array.dtype.kind == "f" else np.int32
        shaped = np.ascontiguousarray(array if array.ndim else array.reshape(1), dtype)
        return self._library.Mat(shaped, batch_index=axis if axis < array.ndim else NO_AXIS).clone()

    def _call(self, given: Sequence[Any]) -> list[Any]:
        extractor, found = self._net.create_extractor(), []
        for index, mat in enumerate(given):
            if extractor.input(f"in{index}", mat):
                raise ValueError(f"it has no input {index}")
        for index in range(len(self._outputs)):
            failed, mat = extractor.extract(f"out{index}")
            if failed:
                raise ValueError(f"ncnn could not compute output {index} ({failed})")
            found.append(mat)
        return found

    def _array(self, mat: Any, axis: int, shape: Sequence[int], dtype: str) -> Array:
        whole = np.dtype(dtype).kind != "f"
        found = np.array(mat.numpy("i" if whole else "f", batch_index=axis))
        # Axes of one are dropped and added on the way; what is in their order stays.
        wanted = (len(found), *shape[1:]) if axis == 0 and shape else tuple(shape)
        return found.reshape(wanted) if found.size == np.prod(wanted) else found
