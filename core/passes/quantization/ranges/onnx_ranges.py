"""Ranges of the tensors of an ONNX model, found once for all quantizations that need the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.graphs.onnx import files as onnx_files
from core.passes.quantization.ranges.clipping import METHODS
from core.passes.quantization.ranges.histogram import Histogram
from core.protocols import Feed

CHUNK = 1 << 20


def ranges_file(
    source: Path, feeds: Iterable[Feed], kind: str, method: str, operators: Sequence[str], folder: Path
) -> Path:
    """Return the file with the ranges that ONNX Runtime's quantizer reads; it is made once in a folder.

    All methods but ``minmax`` choose from the same histograms, which are kept there, too.

    Args:
        source: The model, prepared for quantization.
        feeds: Calibration data; read only if nothing is there yet, one at a time.
        kind: What else the data depend on, such as their number.
        method: ``minmax``, or one of `METHODS`.
        operators: Types of the nodes whose tensors need ranges.
        folder: Shared by what is built of the same model and data.

    Raises:
        ValueError: There is no data.
    """
    from onnxruntime.quantization.calibrate import CalibrationMethod, TensorsData, save_tensors_data

    key = _key(source, kind, operators)
    made = folder / f"{method}-{key}.json"
    if made.exists():
        return made
    if method == "minmax":
        found = _outermost(source, feeds, operators, folder)
    else:
        held = _histograms(source, feeds, operators, folder, folder / f"histograms-{key}.npz")
        chosen = {name: METHODS[method](each) for name, each in held.items()}
        ends = {name: tuple(np.array(end, np.float32) for end in each) for name, each in chosen.items()}
        found = TensorsData(CalibrationMethod.MinMax, ends)
    _put(made, lambda beside: save_tensors_data(found, beside))
    return made


def _key(source: Path, kind: str, operators: Sequence[str]) -> str:
    seen = hashlib.sha256(repr((kind, sorted(operators))).encode())
    for file in sorted(source.parent.glob(source.name + "*")):  # weights beside the graph, too
        with file.open("rb") as opened:
            while part := opened.read(CHUNK):
                seen.update(part)
    return seen.hexdigest()[:24]


def _put(path: Path, write: Callable[[Path], object]) -> None:
    beside = path.with_name(f".{path.name}")
    write(beside)
    beside.replace(path)


class _One:
    """One feed, as the calibrator reads them."""

    def __init__(self, feed: Feed) -> None:
        self._left: Feed | None = feed

    def get_next(self) -> Feed | None:
        feed, self._left = self._left, None
        return feed


def _known(feeds: Iterable[Feed], source: Path) -> Iterator[Feed]:
    names = set(onnx_files.input_names(onnx_files.load(source, weights=False)))
    return ({name: array for name, array in feed.items() if name in names} for feed in feeds)


def _outermost(source: Path, feeds: Iterable[Feed], operators: Sequence[str], folder: Path) -> Any:
    """Return least and largest values, which the graph itself reduces to: the quickest way."""
    from onnxruntime.quantization import CalibrationMethod
    from onnxruntime.quantization.calibrate import create_calibrator

    augmented = folder / ".augmented.onnx"
    calibrator = create_calibrator(
        source,
        list(operators),
        augmented_model_path=str(augmented),
        calibrate_method=CalibrationMethod.MinMax,
        use_external_data_format=_large(source),
    )
    try:
        for feed in _known(feeds, source):
            calibrator.collect_data(_One(feed))
        return calibrator.compute_data()
    finally:
        for file in folder.glob(f"{augmented.name}*"):
            file.unlink()


def _large(source: Path) -> bool:
    return source.stat().st_size > onnx_files.SINGLE_FILE_LIMIT // 2


def _histograms(
    source: Path, feeds: Iterable[Feed], operators: Sequence[str], folder: Path, kept: Path
) -> dict[str, Histogram]:
    if not kept.exists():
        found = _counted(source, feeds, operators, folder)
        arrays: dict[str, Any] = {str(index): each.array() for index, each in enumerate(found.values())}

        def write(beside: Path) -> None:
            with beside.open("wb") as opened:
                np.savez(opened, names=np.array(list(found)), **arrays)

        _put(kept, write)
    with np.load(kept, allow_pickle=False) as held:
        return {str(name): Histogram.of(held[str(index)]) for index, name in enumerate(held["names"])}


def _counted(
    source: Path, feeds: Iterable[Feed], operators: Sequence[str], folder: Path
) -> dict[str, Histogram]:
    from onnxruntime.quantization.calibrate import HistogramCalibrater

    augmented = folder / ".augmented.onnx"
    calibrator = HistogramCalibrater(
        source, list(operators), str(augmented), use_external_data_format=_large(source)
    )
    try:
        calibrator.augment_graph()
        names = list(calibrator.tensors_to_calibrate)
        session = onnx_files.session(augmented, threads=2)
        found = {name: Histogram() for name in names}
        for feed in _known(feeds, source):
            for name, values in zip(names, session.run(names, feed), strict=True):
                found[name].add(values)
    finally:
        for file in folder.glob(f"{augmented.name}*"):
            file.unlink()
    if not any(each.low <= each.high for each in found.values()):
        raise ValueError("No data is collected.")
    return found
