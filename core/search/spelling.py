"""Recipe syntax of the command line: parse and write.

export_onnx+int8_static_ort:calibration=entropy,per_channel=true@onnxruntime
@onnxruntime
"""

from __future__ import annotations

import json
from typing import Any

from core.domain.recipe import Recipe, Step, Target
from core.errors import InvalidRequest
from core.params import make
from core.registry import get_packager, get_pass, get_runtime, get_strategy

MOST_STEPS = 16
HINT = "Write pass:name=value,name=value+pass@runtime, such as export_onnx+int8_static_ort@onnxruntime."


def value_of(text: str) -> Any:
    """Return the number, truth or text that a parameter is spelled with."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _named(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the parameters in ``name:key=value,key=value``."""
    name, _, settings = text.strip().partition(":")
    pairs = [pair.partition("=") for pair in settings.split(",") if pair]
    if any(not separator for _, separator, _ in pairs):
        raise InvalidRequest(f"{text!r} has a parameter without a value.", hint=HINT)
    return name, {key.strip(): value_of(value.strip()) for key, _, value in pairs}


def _spelled(name: str, params: dict[str, Any]) -> str:
    settings = ",".join(
        f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in params.items()
    )
    return f"{name}:{settings}" if settings else name


def _checked(what: str, kind: type[Any], name: str, params: dict[str, Any]) -> None:
    """Refuse parameters that `kind` does not take, and say what they were meant for.

    Raises:
        InvalidRequest: An unknown name, a wrong type, or a value out of range.
    """
    try:
        make(kind, params)
    except InvalidRequest as error:
        raise InvalidRequest(f"{what} {name}: {error.message}", hint=error.hint) from error


def _step(text: str) -> Step:
    step = Step(*_named(text))
    _checked("Recipe step", get_pass(step.pass_id).Params, step.pass_id, step.params)
    return step


def parse(text: str, threads: int = 1, batch: int = 1) -> Recipe:
    """Return the recipe that `text` spells.

    Raises:
        InvalidRequest: The text does not follow the form, or names what does not exist.
    """
    steps, separator, runtime = text.strip().rpartition("@")
    if not separator or not runtime:
        raise InvalidRequest(f"The recipe {text!r} names no runtime.", hint=HINT)
    get_runtime(runtime)
    if steps.count("+") >= MOST_STEPS:
        raise InvalidRequest(f"The recipe has more than {MOST_STEPS} steps.", hint=HINT)
    made = tuple(_step(step) for step in steps.split("+") if step.strip())
    return Recipe(made, Target(runtime, "cpu", threads, batch))


def spell(recipe: Recipe) -> str:
    """Return the text that `parse` reads as `recipe`, threads and batch aside."""
    steps = (_spelled(step.pass_id, step.params) for step in recipe.steps)
    return f"{'+'.join(steps)}@{recipe.target.runtime_id}"


def parse_packager(text: str) -> tuple[str, dict[str, Any]]:
    """Return the kind of download and the parameters that ``kit`` or ``card:title=Mine`` spells.

    Raises:
        InvalidRequest: The text does not follow the form, or names what does not exist.
    """
    name, params = _named(text)
    _checked("Packager", get_packager(name).Params, name, params)
    return name, params


def spell_packager(name: str, params: dict[str, Any]) -> str:
    """Return the text that `parse_packager` reads."""
    return _spelled(name, params)


def parse_strategy(text: str) -> tuple[str, dict[str, Any]]:
    """Return the strategy and the parameters that ``search:most=8`` spells; nothing for an empty text.

    Raises:
        InvalidRequest: The text does not follow the form, or names what does not exist.
    """
    name, params = _named(text)
    if name:
        _checked("Strategy", get_strategy(name).Params, name, params)
    return name, params


def spell_strategy(name: str, params: dict[str, Any]) -> str:
    """Return the text that `parse_strategy` reads."""
    return _spelled(name, params)
