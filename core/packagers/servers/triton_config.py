"""`config.pbtxt` of a Triton model: names, types, batches and instances, out of what was measured.

Source: https://github.com/triton-inference-server/common, protobuf/model_config.proto.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.model import TensorSpec
from core.errors import InvalidRequest
from core.packagers.serving.batches import BatchPlan, batches
from core.packagers.serving.options import ServiceParams
from core.protocols import Package

TYPES = {
    **{f"{kind}{bits}": f"{kind.upper()}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{"bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64"},
}


@dataclass(frozen=True)
class Word:
    """A name of the format itself, which stands without quotes."""

    text: str


@dataclass(frozen=True)
class Load:
    """How many requests run at once, and which of them in one call.

    Attributes:
        plan: How rows are put together.
        why_alone: Why requests are not put together; empty where they are.
        instances: Of the model.
        threads: Of each instance.
        why: Where the two come from, in a sentence.
    """

    plan: BatchPlan
    why_alone: str
    instances: int
    threads: int
    why: str

    @property
    def largest(self) -> int:
        """`max_batch_size`: 0 where a request is one whole call."""
        return 0 if self.plan.symbol is None or self.plan.fixed else max(self.plan.sizes)

    @property
    def batches(self) -> str:
        """What is said of batches, without a full stop."""
        if self.why_alone:
            return f"requests run alone; {self.why_alone[:1].lower()}{self.why_alone[1:]}".rstrip(".")
        gain = f" gave {self.plan.gain:.1f} times the throughput of single rows" if self.plan.gain else ""
        return f"measured calls of {max(self.plan.sizes)} rows{gain or ' were chosen'}"


def load_of(package: Package, batching: bool, instances: int | None, own_threads: bool) -> Load:
    """Return what the measured throughput says of batches and instances.

    Args:
        package: Of the candidate.
        batching: Whether requests that wait may be put together.
        instances: That a person wants; None for as many as the cores of the measurement have room for.
        own_threads: Whether the threads of an instance are those that the kit was measured with.
    """
    plan, alone = _plan(package, batching)
    threads = package.candidate.recipe.target.threads
    result = package.candidate.result or package.baseline.result
    cores = result.timing.environment.cores if result is not None else threads
    told = f"{cores} cores where it was measured, {threads} thread(s) an instance"
    swept = package.sweep.settings if package.sweep is not None else ()
    rates = {each.threads: max(s.per_s for s in swept if s.threads == each.threads) for each in swept}
    fit = {count: rate for count, rate in rates.items() if count <= cores}
    if fit and not own_threads:
        threads = max(fit, key=lambda count: (cores // count) * fit[count])
        told = (
            f"{fit[threads]:,.0f} samples/s of one instance with {threads} thread(s), measured alone, "
            f"times the instances that {cores} cores have room for, is the most"
        )
    return Load(plan, alone, instances or max(1, cores // threads), threads, told)


def _plan(package: Package, batching: bool) -> tuple[BatchPlan, str]:
    alone = batches(package, ServiceParams())
    if not batching:
        return alone, "it was not chosen"
    try:
        return batches(package, ServiceParams(batching=True)), ""
    except InvalidRequest as error:
        return alone, error.message


def tensor(spec: TensorSpec, name: str, by_rows: bool, **more: Any) -> dict[str, Any]:
    """Return an input or output; the batch of `by_rows` is not among its sizes."""
    sizes = spec.shape[1:] if by_rows else spec.shape
    dims = [size if isinstance(size, int) else -1 for size in sizes]
    found: dict[str, Any] = {
        "name": name,
        "data_type": Word(f"TYPE_{TYPES[spec.dtype]}"),
        "dims": dims or [1],
    }
    return found | ({} if dims else {"reshape": {"shape": []}}) | more


def batching(load: Load) -> dict[str, Any]:
    """Return the part on dynamic batching; nothing where requests run alone."""
    if load.why_alone:
        return {}
    sizes = [size for size in load.plan.sizes if size > 1]
    return {
        "dynamic_batching": {
            "preferred_batch_size": sizes,
            "max_queue_delay_microseconds": round(1000 * load.plan.delay_ms),
        }
    }


def parameters(values: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return parameters of a backend."""
    return [{"key": key, "value": {"string_value": str(value)}} for key, value in values.items()]


def text(fields: Mapping[str, Any], comments: Sequence[str] = ()) -> str:
    """Return a message in protobuf's text format, with comments in front."""
    return "".join(f"# {line}\n" for line in comments) + "".join(_lines(fields, ""))


def _lines(fields: Mapping[str, Any], indent: str) -> list[str]:
    found: list[str] = []
    for name, value in fields.items():
        for each in value if isinstance(value, list) and value and isinstance(value[0], dict) else [value]:
            if isinstance(each, dict):
                found += [f"{indent}{name} {{\n", *_lines(each, indent + "  "), f"{indent}}}\n"]
            else:
                found.append(f"{indent}{name}: {_value(each)}\n")
    return found


def _value(value: Any) -> str:
    if isinstance(value, Word):
        return value.text
    if isinstance(value, list):
        return f"[ {', '.join(map(_value, value))} ]" if value else "[ ]"
    return json.dumps(value, ensure_ascii=False)
