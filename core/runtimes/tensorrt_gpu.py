"""TensorRT on NVIDIA GPUs: not measured here, its build kits run where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from core.domain.learn import Learn
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.errors import RuntimeFailed
from core.protocols import LocalArtifact, Runtime, Session
from core.protocols.availability import Availability

DRIVER = Path("/proc/driver/nvidia/version")
KIT = "build_engine.py of the kit builds the engine on the GPU, and verify.py checks and measures it there."


class TensorRt(Runtime):
    """TensorRT, NVIDIA GPU."""

    id: ClassVar[str] = "tensorrt"
    name: ClassVar[str] = "TensorRT"
    learn: ClassVar[Learn | None] = Learn(
        does="NVIDIA's compiler fuses and times kernels for one GPU, and runs the engine that comes of it.",
        costs="Building takes minutes on the GPU itself, and an engine runs on that kind of GPU only.",
        choose="When the model goes to an NVIDIA GPU. Whetstone prepares the file and hands over the "
        "scripts; it has not run them on a GPU.",
        expect="Measure it there: verify.py of the kit does",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"tensorrt"})
    modules: ClassVar[tuple[str, ...]] = ("tensorrt",)
    no_profile: ClassVar[str] = (
        "Whetstone does not measure on GPUs; trtexec --dumpProfile shows the layers there."
    )

    def available(self) -> Availability:
        """Say what is lacking: a GPU, or that Whetstone's processes are confined to processor and memory."""
        if not DRIVER.exists():
            return Availability(False, reason=f"There is no NVIDIA GPU here. {KIT}")
        return Availability(False, reason=f"Whetstone's confined processes may not open the GPU. {KIT}")

    def warm_up(self) -> None:
        """Import TensorRT."""
        import tensorrt  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> Session:
        """Refuse: engines are built and run by the kit.

        Raises:
            RuntimeFailed: Always.
        """
        raise RuntimeFailed(f"{self.name} runs no model in Whetstone: {self.available().reason}", hint=KIT)


RUNTIME = TensorRt()
