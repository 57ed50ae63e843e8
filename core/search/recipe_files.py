"""Recipe files: a recipe as YAML, for any model. Threads and batch are those of the run.

```yaml
steps:
- pass: prune_channels
  params: {ratio: 0.3}
- pass: int8_static_nncf
runtime: openvino
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import yaml

from core.complaints import complaint
from core.domain.model import SourceModel
from core.domain.recipe import Recipe, Step, Target
from core.errors import InvalidRequest, TooLarge, WhetstoneError
from core.params import make
from core.registry import get_pass, get_runtime, passes, runtimes
from core.search.paths import path_to
from core.search.spelling import MOST_STEPS
from core.serde import to_plain

LARGEST = 64 * 1024
SUFFIXES = (".yaml", ".yml", ".json")
HINT = "Download one from a candidate's page and edit that, or see: whetstone recipe --schema"


class _Step(msgspec.Struct, forbid_unknown_fields=True, rename={"pass_id": "pass"}):
    pass_id: str
    params: dict[str, Any] = {}


class _File(msgspec.Struct, forbid_unknown_fields=True):
    runtime: str
    steps: list[_Step] = []


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML's safe subset without references, which blow up, and without keys that are stated twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="references (*name) are not allowed", problem_mark=self.peek_event().start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for at, key in enumerate(keys) if key in keys[:at]), None)
        if twice is not None:
            raise yaml.MarkedYAMLError(problem=f"{twice!r} is stated twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep=deep)


def load(text: str, threads: int = 1, batch: int = 1) -> Recipe:
    """Return the recipe that a file says.

    Raises:
        TooLarge: It is longer than any recipe.
        InvalidRequest: It is no YAML, or no recipe; the message says where.
    """
    if len(text) > LARGEST:
        raise TooLarge("The recipe file is larger than 64 KB.", hint=HINT)
    node, data = _read(text)
    try:
        said = msgspec.convert(data, _File)
    except msgspec.ValidationError as error:
        where = str(error).rpartition(" - at `$")[2].rstrip("`") if " - at " in str(error) else ""
        raise _wrong(node, where, str(error).split(" - at ")[0]) from error
    if len(said.steps) > MOST_STEPS:
        raise _wrong(node, ".steps", f"there are more than {MOST_STEPS} steps")
    steps = tuple(_step(node, at, each) for at, each in enumerate(said.steps))
    try:
        get_runtime(said.runtime)
    except WhetstoneError as error:
        raise _wrong(node, ".runtime", error.message, error.hint) from error
    return Recipe(steps, Target(said.runtime, "cpu", threads, batch))


def _read(text: str) -> tuple[Any, Any]:
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            return node, loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark is not None else ""
        raise InvalidRequest(f"The recipe file, {line}{error.problem}.", hint=HINT) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidRequest(f"The recipe file is no YAML: {complaint(error)}.", hint=HINT) from error


def _step(node: Any, at: int, said: _Step) -> Step:
    step, where = Step(said.pass_id, said.params), f".steps[{at}].pass"
    try:
        kind = get_pass(step.pass_id).Params
        where = f".steps[{at}].params"
        named = [field for field in step.params if field in {each.name for each in fields(kind)}]
        for name in named:
            where = f".steps[{at}].params.{name}"
            make(kind, {name: step.params[name]})
        where = f".steps[{at}].params"
        make(kind, step.params)
    except WhetstoneError as error:
        raise _wrong(node, where, error.message, error.hint) from error
    return step


def _wrong(node: Any, where: str, why: str, hint: str = "") -> InvalidRequest:
    line = _line(node, where)
    place = f", line {line}" if line else ""
    named = f" ({where.lstrip('.')})" if where else ""
    return InvalidRequest(f"The recipe file{place}{named}: {why.rstrip('.')}.", hint=hint or HINT)


def _line(node: Any, where: str) -> int | None:
    """Return the line of a place such as ``.steps[1].params``; of the last part of it that is there."""
    if node is None:
        return None
    line = node.start_mark.line + 1
    for part in where.replace("[", ".").replace("]", "").split(".")[1:]:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            found = (node.value[int(part)], node.value[int(part)])
        else:
            found = None
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return int(line)


def read(path: Path, threads: int = 1, batch: int = 1) -> Recipe:
    """Return the recipe in a file.

    Raises:
        TooLarge: It is longer than any recipe.
        InvalidRequest: It cannot be read, or is no recipe.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise InvalidRequest(
            f"The recipe file {path} cannot be read: {error.strerror}.", hint="Correct the path."
        ) from error
    return load(raw.decode("utf-8", errors="replace"), threads, batch)


def dump(recipe: Recipe, filled: bool = False) -> str:
    """Return the file that `load` reads as `recipe`, without the conversions that are put in anyway.

    Args:
        recipe: What to write.
        filled: Whether parameters that were left to their defaults are stated, too.
    """
    used = [(step, _filled(step) if filled else step.params) for step in _own(recipe)]
    steps = [{"pass": step.pass_id, **({"params": params} if params else {})} for step, params in used]
    said = {"steps": steps, "runtime": recipe.target.runtime_id}
    return str(yaml.safe_dump(said, sort_keys=False, allow_unicode=True))


def fitted(recipe: Recipe, model: SourceModel) -> Recipe:
    """Return a recipe with the conversions that it needs for `model`; as it is where no way leads."""
    path = path_to(model.format, tuple(_own(recipe)), get_runtime(recipe.target.runtime_id))
    return recipe if path is None else Recipe(path, recipe.target)


def _filled(step: Step) -> dict[str, Any]:
    params: dict[str, Any] = to_plain(make(get_pass(step.pass_id).Params, step.params))
    return params


def _own(recipe: Recipe) -> Iterator[Step]:
    for step in recipe.steps:
        known = passes().get(step.pass_id)
        if step.params or known is None or not known.bridges:
            yield step


def schema() -> dict[str, Any]:
    """Return the JSON schema of recipe files, made of what the techniques say of their parameters."""
    steps = [
        {
            "title": each.name,
            "description": each.summary,
            "type": "object",
            "properties": {"pass": {"const": key}, "params": _params(each.Params)},
            "required": ["pass"],
            "additionalProperties": False,
        }
        for key, each in sorted(passes().items())
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Whetstone recipe",
        "type": "object",
        "properties": {
            "steps": {"type": "array", "maxItems": MOST_STEPS, "items": {"oneOf": steps}},
            "runtime": {"enum": sorted(runtimes())},
        },
        "required": ["runtime"],
        "additionalProperties": False,
    }


def _params(kind: type[Any]) -> dict[str, Any]:
    made = msgspec.json.schema(kind)
    plain = next(iter(made["$defs"].values()))["properties"] if made.get("$defs") else {}
    found = {}
    for each in fields(kind):
        told, meta = dict(plain.get(each.name, {})), each.metadata
        told |= {"title": meta.get("label", each.name), "description": meta.get("help", "")}
        told |= {"enum": list(meta["choices"])} if meta.get("choices") else {}
        ends = {"minimum": meta.get("low"), "maximum": meta.get("high")}
        told |= {name: value for name, value in ends.items() if value is not None}
        found[each.name] = told
    return {"type": "object", "properties": found, "additionalProperties": False}
