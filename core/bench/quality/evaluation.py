"""Accuracy against labels and fidelity to the baseline, out of saved predictions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt

import numpy as np

from core.bench.quality.accumulation import Floats, Tally, layout, tally
from core.bench.quality.collapse import collapse
from core.bench.quality.detection_accuracy import detection_accuracy
from core.bench.quality.detection_fidelity import DetectionFidelity, detection_fidelity
from core.bench.quality.judged_output import Labels, accuracy, fitting
from core.bench.quality.predictions import alike
from core.bench.quality.saved_outputs import Output
from core.domain.measurement import Interval
from core.domain.quality import Accuracy, Fidelity, OutputFidelity, Quality
from core.errors import RuntimeFailed
from core.metrics.betting import sequential_mean
from core.metrics.clusters import effective, ratio
from core.metrics.detection.outputs import detection_outputs
from core.metrics.judging import percent
from core.metrics.proportions import wilson
from core.metrics.sqnr import decibel

APART = 10.0
"""Channels are judged apart where their scales have a gap of this factor between them."""
SHARE_OF_CHANNELS = 16
CONSTANT = 1e-12
CHANGING_BYTES = 256 * 1024**2
SAME = Interval(100.0, 100.0, 100.0)
NONE = Interval(0.0, 0.0, 0.0)


def compare(
    candidate: Sequence[Output],
    baseline: Sequence[Output],
    labels: Labels | None,
    classes: int | None,
    changing: bool = False,
    names: Sequence[str] = (),
    itself: bool = False,
    sequential: bool = False,
    detects: bool = False,
    canvas: tuple[int, int] | None = None,
) -> Quality:
    """Compare two sets of predictions on the same samples, every output by itself, detections as one.

    Args:
        candidate: One array (samples, ...) per output.
        baseline: The same of the baseline.
        labels: What belongs to the first output that they fit, or None.
        classes: Size of the class axis of the outputs that have one, or None where none has.
        changing: Sizes change from call to call: the smaller of two outputs is filled up with zeros.
        names: Of the outputs; numbers stand in where there are none.
        itself: The candidate is the baseline, so that no figure between the two is in doubt.
        sequential: The samples ended where the figures were clear: intervals of the drop and of the agreement
            hold at every number of samples.
        detects: Outputs may be lists of detections, see `detection_outputs`; where they are none beyond
            doubt, every output is compared by itself.
        canvas: Height and width of the input picture.

    Returns:
        Accuracy by the metric, None without labels, and fidelity.

    Raises:
        RuntimeFailed: Different outputs, or outputs that are not finite where the baseline's are.
    """
    if len(candidate) != len(baseline):
        raise _unlike(candidate, baseline)
    names = names if len(names) == len(baseline) else [f"output {index}" for index in range(len(baseline))]
    found = detection_outputs(names, baseline, canvas) if detects else None
    judged: Accuracy | str | None = None
    if labels is not None and labels.about.boxes:
        judged, labels = detection_accuracy(found, candidate, baseline, labels, itself), None
    lists = None if found is None else detection_fidelity(found, candidate, baseline, itself, sequential)
    if found is not None:
        kept = found.beside(baseline)
        names = [names[index] for index in kept]
        candidate, baseline = ([each[index] for index in kept] for each in (candidate, baseline))
    if changing:
        candidate, baseline = _filled(candidate, baseline)
    _check_same(candidate, baseline)
    tallies = []
    for name, ours, theirs in zip(names, candidate, baseline, strict=True):
        tallies.append(tally(ours, theirs, layout(theirs, min(ours.shape[0], theirs.shape[0]), classes)))
        if labels is not None and judged is None and fitting(theirs, labels):
            judged = accuracy(name, ours, theirs, labels, itself, sequential)
    told = None if isinstance(judged, str) else judged
    fidelity = _fidelity(names, tallies, told is not None, itself, sequential, lists)
    return Quality(told, fidelity, judged if isinstance(judged, str) else "")


def _fidelity(
    names: Sequence[str],
    tallies: Sequence[Tally],
    labelled: bool,
    itself: bool,
    sequential: bool,
    lists: DetectionFidelity | None,
) -> Fidelity:
    reasons = [collapse(name, found, labelled) for name, found in zip(names, tallies, strict=True)]
    outputs = tuple(
        _output(name, found, itself, sequential, not (reason and reason.answers))
        for name, found, reason in zip(names, tallies, reasons, strict=True)
    )
    classes = [output for output, found in zip(outputs, tallies, strict=True) if found.layout.classes]
    answers = classes or (outputs if all(found.layout.whole for found in tallies) else ())
    sentences = [reason.sentence for reason in reasons if reason]
    samples = max((found.layout.shape[0] for found in tallies), default=0)
    if lists is not None:
        outputs, answers, samples = (lists.output, *outputs), (lists.output,), lists.samples
        sentences = [lists.little, *sentences] if lists.little else sentences
    agreement = next((output.top1_agreement for output in answers), None)
    signals = [output for output in outputs if output.top1_agreement is None] or outputs
    worst = max(signals, key=lambda output: output.loss.value)
    return Fidelity(
        top1_agreement=agreement,
        sqnr_db=worst.sqnr_db,
        max_abs_error=max(output.max_abs_error for output in outputs),
        samples=samples,
        outputs=outputs,
        collapsed=next(iter(sentences), ""),
    )


def _output(name: str, found: Tally, itself: bool, sequential: bool, answers: bool) -> OutputFidelity:
    power, error = float(found.power.sum()), float(found.noise.sum())
    told = answers and (found.layout.classes or found.layout.whole) and found.layout.shape[0] > 0
    agreement = None if not told else SAME if itself else _agreement(found, sequential)
    noise = None if found.layout.whole else percent(_noise(found))
    relative = found.largest / found.peak if found.peak else None
    rated = (found.largest, agreement, noise, None, relative, _cosine(power, error, found.product))
    return OutputFidelity(name, decibel(power, error), *rated)


def _cosine(power: float, error: float, product: float) -> float | None:
    """Return the cosine between all values of two outputs, out of sums over these."""
    own = error - power + 2 * product
    return min(1.0, product / sqrt(power * own)) if power > 0 and own > 0 else None


def _agreement(found: Tally, sequential: bool) -> Interval:
    shares = found.same / max(found.layout.places, 1)
    if sequential:
        return percent(sequential_mean(shares, 0.0, 1.0))
    value = float(shares.mean())
    held = effective(shares, found.layout.places, value * (1 - value))
    return percent(wilson(value * held, held))


def _noise(found: Tally) -> Interval:
    """Return the noise by the signal: of all channels together, or of those that lost most."""
    shares = [_share(found, slice(None)), *(_share(found, group) for group in _groups(found))]
    return max(shares, key=lambda share: share.value)


def _share(found: Tally, channels: slice | list[int]) -> Interval:
    noise, samples = found.noise[:, channels].sum(axis=1), found.layout.shape[0]
    spread, power = (sums[:, channels].sum(axis=1) for sums in (found.spread, found.power))
    constant = samples < 2 or spread.sum() <= CONSTANT * power.sum()
    signal = power if constant else spread * samples / (samples - 1)
    if not noise.sum():
        return NONE
    return ratio(noise, np.maximum(signal, np.finfo(np.float64).tiny))


def _groups(found: Tally) -> list[list[int]]:
    """Return channels of one scale together, such as the scores beside the coordinates of boxes.

    Groups of few among many channels, and channels that never change, are nothing of their own.
    """
    spread, power = found.spread.sum(axis=0), found.power.sum(axis=0)
    varying = np.flatnonzero(spread > CONSTANT * power)
    if varying.size < 2 or found.layout.shape[0] < 2:
        return []
    scales: Floats = np.sqrt(spread[varying])
    order = np.argsort(scales)
    gaps = np.flatnonzero(scales[order][1:] > APART * scales[order][:-1]) + 1
    groups = np.split(varying[order], gaps)
    return [group.tolist() for group in groups if group.size * SHARE_OF_CHANNELS >= varying.size]


def _filled(
    candidate: Sequence[Output], baseline: Sequence[Output]
) -> tuple[Sequence[Output], Sequence[Output]]:
    ours, theirs = [], []
    for one, other in zip(candidate, baseline, strict=True):
        if one.shape[1:] == other.shape[1:]:
            ours.append(one)
            theirs.append(other)
            continue
        _check_room(one, other)
        filled = alike([one[:], other[:]])
        ours.append(filled[0])
        theirs.append(filled[1])
    return ours, theirs


def _check_room(one: Output, other: Output) -> None:
    sizes = [max(pair) for pair in zip(one.shape[::-1], other.shape[::-1], strict=False)]
    if prod(sizes) * max(one.dtype.itemsize, other.dtype.itemsize) > CHANGING_BYTES:
        raise RuntimeFailed(
            "The outputs change their size from call to call and are too large to be compared.",
            hint="Leave the selection step at the model's end out, or fix its output shapes.",
        )


def _check_same(candidate: Sequence[Output], baseline: Sequence[Output]) -> None:
    for one, other in zip(candidate, baseline, strict=True):
        numbers = [output.dtype.kind == "f" for output in (one, other)]
        if one.shape[1:] != other.shape[1:] or numbers[0] != numbers[1]:
            raise _unlike(candidate, baseline)


def _unlike(candidate: Sequence[Output], baseline: Sequence[Output]) -> RuntimeFailed:
    ours, theirs = (
        ", ".join(f"{output.dtype} {output.shape[1:]}" for output in each) for each in (candidate, baseline)
    )
    return RuntimeFailed(
        f"The outputs have the shapes {ours} where the original's have {theirs}.",
        hint="Try another technique or runtime.",
    )
