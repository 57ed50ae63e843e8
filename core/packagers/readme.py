"""Model card of a kit: figures beside the baseline's, inputs and outputs, usage."""

from __future__ import annotations

from collections.abc import Iterable

from core.domain.model import Preprocessing, SourceModel, TensorSpec
from core.domain.run import Candidate, Result
from core.examples import role
from core.packagers.clients import clients_told
from core.protocols import Package
from core.registry import get_format, get_runtime
from core.texts import as_markdown, one_line

SHOWN_CLASSES = 20
MEANINGS = {
    "padding": "true where nothing is to be seen",
    "mask": "1 where something is to be seen, 0 where not",
    "length": "length of the sequence",
    "rate": "samples per second",
    "segment": "which of the texts a token belongs to, from 0",
}
USE = """
## Use it

```
python -m venv .venv && .venv/bin/pip install -r requirements.txt
.venv/bin/python verify.py                          # hashes, outputs, latency
.venv/bin/python predict.py                         # the golden inputs
.venv/bin/python predict.py inputs.npz outputs.npz  # your own: one array per input, by name
```

From Python, in this folder: `from session import load; run = load(); outputs = run({"name": array})`.

`recipe.yaml` says how it was made, and makes it again: `whetstone optimize MODEL --recipe recipe.yaml`.
`results.json` holds all that was measured, `manifest.json` the hashes, and what it was made of and with.
"""


def readme(package: Package) -> str:
    """Return the kit's README.md; what strangers named is shown as plain text."""
    parts = [
        f"# {plain(package.model.name)}: {plain(package.candidate.name)}",
        _figures(package),
        *_warnings(package),
        _inputs(package),
        _outputs(package),
        USE.strip(),
        get_runtime(package.candidate.recipe.target.runtime_id).kit_use,
        clients_told(package),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def plain(text: object) -> str:
    """Return `text` on one line, with nothing that Markdown would take for a table, a link or a picture."""
    return as_markdown(one_line(str(text))).replace("|", r"\|")


def code(name: str) -> str:
    """Return a name between backticks, in one piece."""
    return "`" + one_line(name).replace("`", "'").replace("|", r"\|") + "`"


def meaning(spec: TensorSpec) -> str:
    """Return what an input's values stand for, as far as its name and type tell."""
    found = MEANINGS.get(role(spec))
    if found is not None:
        return found
    if spec.high is not None:
        return f"whole numbers from 0 to {spec.high - 1:,}"
    return "values"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (header, ("---",) * len(header), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figures(package: Package) -> str:
    ours = package.candidate.result
    if ours is not None:
        return _measured(package.candidate, ours, package.baseline.result)
    error = package.candidate.error
    why = f"{error.message} {error.hint}" if error is not None else "Nothing ran it yet."
    return (
        f"## Not measured yet\n\n{plain(why)}\n\nThe golden outputs are those of the model that it was made "
        "of: `verify.py` compares with them where the model runs, and measures it there."
    )


def _measured(candidate: Candidate, ours: Result, theirs: Result | None) -> str:
    target, timing = candidate.recipe.target, ours.timing
    place = f"On {target.threads} thread(s) of {plain(timing.environment.cpu)}."
    if theirs is None:
        return f"## Measured\n\n{timing.latency.p50:.3f} ms per call of batch {target.batch}. {place}"
    speed, before = timing.speedup, theirs.timing
    rows = [
        (
            f"Latency of batch {target.batch}, median",
            f"{timing.latency.p50:.3f} ms",
            f"{before.latency.p50:.3f} ms",
            f"{speed.value:.2f}x ({speed.low:.2f}–{speed.high:.2f}) the speed",
        ),
        _amount("File", ours.size_bytes / 1e6, theirs.size_bytes / 1e6, "MB"),
        _amount("Memory", timing.memory_bytes / 1e6, before.memory_bytes / 1e6, "MB"),
        _amount("Cold start", timing.load_ms, before.load_ms, "ms"),
        *_quality(ours, theirs),
    ]
    table = _table(("", "this model", "the baseline", "change"), rows)
    return (
        f"## Measured, beside the baseline\n\n{table}\n\n{place} Memory is the peak above the empty runtime."
    )


def _amount(name: str, ours: float, theirs: float, unit: str) -> tuple[str, str, str, str]:
    return (name, f"{ours:,.2f} {unit}", f"{theirs:,.2f} {unit}", change(ours, theirs))


def change(ours: float, theirs: float) -> str:
    """Return by how much `ours` is more or less than `theirs`, such as ``+100 %`` or ``same``."""
    if theirs <= 0:
        return "–"
    percent = round(100 * (ours / theirs - 1))
    return f"{percent:+d} %" if percent else "same"


def _quality(ours: Result, theirs: Result) -> list[tuple[str, str, str, str]]:
    if ours.accuracy is not None and theirs.accuracy is not None:
        change, scale, samples = ours.accuracy.change, ours.accuracy.scale, ours.accuracy.samples
        ends = " to ".join(map(scale.difference, (change.low, change.high)))
        figures = scale.words(ours.accuracy.value, 2), scale.words(theirs.accuracy.value, 2)
        name = "Accuracy, top-1" if ours.accuracy.metric == "top1" else scale.name
        return [(f"{name} of {samples:,} samples", *figures, f"{scale.difference(change.value)} ({ends})")]
    agreement, samples = ours.fidelity.top1_agreement, ours.fidelity.samples
    if agreement is None:
        return []
    figure = f"{agreement.value:.2f} % ({agreement.low:.2f}–{agreement.high:.2f})"
    return [(f"{ours.fidelity.agreement_name} with the baseline, {samples:,} samples", figure, "", "")]


def _warnings(package: Package) -> list[str]:
    found = []
    if fixed := package.artifact.details.get("fixed"):
        listed = ", ".join(f"{code(name)} = {value}" for name, value in fixed.items())
        found.append(f"**Right for {listed} only**: whatever else is given there makes no difference.")
    if warning := get_format(package.artifact.format).warning:
        found.append(warning)
    return found


def _shape(spec: TensorSpec, model: SourceModel) -> str:
    sizes = [size if isinstance(size, int) else plain(size) for size in spec.shape]
    given = {size for each in model.inputs for size in each.shape if size != model.batch_symbol}
    free = [size for size in spec.shape if isinstance(size, str) and size in given]
    measured = ", ".join(f"{plain(size)} = {model.symbols.get(size, 1)}" for size in free)
    return f"({', '.join(map(str, sizes))})" + (f", measured with {measured}" if measured else "")


def _inputs(package: Package) -> str:
    model = package.model
    rows = [(code(spec.name), spec.dtype, _shape(spec, model), plain(meaning(spec))) for spec in model.inputs]
    lines = [f"- {plain(label)}: {plain(value)}" for label, value in _preparation(package)]
    known = "\n".join(lines) or "How raw data becomes these arrays was not stated: no data was given."
    table = _table(("input", "type", "shape", "meaning"), rows)
    return f"## Inputs\n\n{table}\n\nPreprocessing, as in the measurement:\n\n{known}"


def _preparation(package: Package) -> list[tuple[str, str]]:
    given = [] if package.data is None else list(package.data.preparation.items())
    known = package.model.preprocessing
    return given if known is None else [*given, (f"Pixels, as {known.origin} has them", _pixels(known))]


def _pixels(known: Preprocessing) -> str:
    normal = f", then minus {known.mean} and by {known.std} per channel (R, G, B)" if known.mean else ""
    return f"scaled to {known.scale}{normal}; {known.resize} to size, {known.interpolation}"


def _outputs(package: Package) -> str:
    model = package.model
    rows = [(code(spec.name), spec.dtype, _shape(spec, model)) for spec in model.outputs]
    told = _detections(package) or _classes(package)
    return f"## Outputs\n\n{_table(('output', 'type', 'shape'), rows)}\n\n{told}".strip()


def _detections(package: Package) -> str:
    result = package.candidate.result
    outputs = result.fidelity.outputs if result is not None else ()
    found = next((each.name for each in outputs if each.detections is not None), None)
    if found is None:
        return ""
    return (
        f"It finds objects: corners x1, y1, x2, y2 of boxes, scores and class numbers are in {plain(found)}, "
        "as many rows as are found. Corners belong to the picture as it goes in: to draw them on the "
        "original, undo the resizing. Leave out detections of low scores."
    )


def _classes(package: Package) -> str:
    names = package.data.classes if package.data is not None else ()
    if not names:
        count = package.model.classes
        return f"It tells {count:,} classes; their names were not given." if count else ""
    listed = "\n".join(f"{index}. {plain(name)}" for index, name in enumerate(names[:SHOWN_CLASSES]))
    more = len(names) - SHOWN_CLASSES
    rest = f"\n\nand {more:,} more: `classes` in `manifest.json` has all." if more > 0 else ""
    return f"Its classes, by index:\n\n{listed}{rest}"
