"""Recipes (steps and target) and the artifacts that they build."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from core.domain.model import FileRef


@dataclass(frozen=True)
class Step:
    """One step of a recipe: a pass with its parameters.

    Attributes:
        pass_id: Id of a registered pass.
        params: Values of the pass's `Params` that differ from its defaults or are worth stating.
    """

    pass_id: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """Target of a recipe: runtime, device, threads, batch, kind of machine.

    Attributes:
        runtime_id: Id of a registered runtime.
        device: Always ``cpu`` for now.
        threads: Threads of the runtime.
        batch: Samples per call when latency is measured.
        machine: Kind of machine that measures it, see `Executor.machines`; empty where the executor chooses.
    """

    runtime_id: str
    device: str = "cpu"
    threads: int = 1
    batch: int = 1
    machine: str = ""


@dataclass(frozen=True)
class Recipe:
    """Steps from the source model to an artifact, and its target."""

    steps: tuple[Step, ...]
    target: Target

    def on(self, machine: str) -> Recipe:
        """Return the same recipe for another kind of machine; for any with an empty name."""
        return replace(self, target=replace(self.target, machine=machine))


@dataclass(frozen=True)
class Artifact:
    """A built model in the store.

    Attributes:
        id: Hash of the parent id, pass id and version, parameters, calibration data, seed and the
            versions of the libraries that the pass used. The source model's id for the source itself.
        parent: Id of the artifact it was made of, None for the source.
        step: The step that made it, None for the source.
        format: ``onnx``, ``pt2``, ``torchscript``, ``state_dict`` or ``openvino``.
        files: Stored files; the first is the one to open.
        options: How a runtime must open it, such as ``{"precision": "bf16"}``.
        details: What the pass did, such as ``{"quantized": 21, "float": 3}``, for explanations.
    """

    id: str
    parent: str | None
    step: Step | None
    format: str
    files: tuple[FileRef, ...]
    options: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)
