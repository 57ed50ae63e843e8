"""AOTInductor packages on the CPU, as `torch._inductor.aoti_load_package` loads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from core.domain.learn import Learn
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Target
from core.errors import RuntimeFailed
from core.protocols import Feed, Idea, LocalArtifact, Runtime
from core.runtimes.availability import check, runtime_errors
from core.runtimes.torch_session import TorchSession, use_threads
from core.sandbox.compilers import compiler


class AotInductorSession(TorchSession):
    """A package with the inputs that it takes, checked before each: it would read beyond the ends of others.

    Args:
        package: Called with one tensor for each input.
        model: Names the inputs with their types and sizes.
        batch: The only one that it takes, other free sizes being those of the example; None for any.
    """

    def __init__(self, package: Any, model: SourceModel, batch: int | None) -> None:
        super().__init__(AotInductorCpu.name, package, tuple(spec.name for spec in model.inputs))
        known: dict[Any, int] = {} if batch is None else {**model.symbols, model.batch_symbol: batch}
        self._taken = {
            spec.name: (spec.dtype, tuple(known.get(size, size) for size in spec.shape))
            for spec in model.inputs
        }

    def _call(self, feed: Feed) -> Callable[[], Any]:
        for name, (dtype, sizes) in self._taken.items():
            shape = feed[name].shape
            fits = len(shape) == len(sizes) and all(
                isinstance(size, str) or size == found for size, found in zip(sizes, shape, strict=True)
            )
            if not fits or feed[name].dtype != dtype:
                given = f"{feed[name].dtype} {shape}"
                raise RuntimeFailed(
                    f"{AotInductorCpu.name} could not run the model: {name} is {given}, not {dtype} {sizes}.",
                    hint="Give inputs as the model describes them, in the batch that it was compiled for.",
                )
        return super()._call(feed)


class AotInductorCpu(Runtime):
    """Native code in a package; loading it needs no compiler."""

    id: ClassVar[str] = "aotinductor"
    name: ClassVar[str] = "AOTInductor"
    learn: ClassVar[Learn | None] = Learn(
        does="PyTorch loads a library that its compiler made for this processor, and calls it; from C++ "
        "without Python.",
        costs="A package belongs to one kind of processor and one version of PyTorch.",
        choose="When the model stays with PyTorch and eager is too slow. torch.compile runs the same "
        "kernels, and compiles them again at each start.",
        expect="1.2 to 2 times faster than eager in FP32, more with BF16 or INT8",
    )
    formats: ClassVar[frozenset[str]] = frozenset({"aotinductor"})
    options: ClassVar[frozenset[str]] = frozenset({"batch"})
    modules: ClassVar[tuple[str, ...]] = ("torch",)
    start_s: ClassVar[float] = 1.5
    no_profile: ClassVar[str] = "The operators are fused into one library, which keeps no times of its parts."

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        """Return the conversion of what comes from PyTorch, in BF16 and bare, where there is a compiler."""
        if model.format == "onnx" or compiler() is None:
            return ()
        return (Idea(2, 241, self.id, remainder=True), Idea(3, 305, self.id))

    def warm_up(self) -> None:
        """Import PyTorch and what loads a package."""
        import torch.export.pt2_archive._package  # noqa: F401

    def open(self, artifact: LocalArtifact, target: Target, model: SourceModel) -> TorchSession:
        """Load a package.

        Raises:
            RuntimeFailed: Wrong format or option, or PyTorch refuses the file.
        """
        check(self.name, artifact, self.formats, self.options)
        use_threads(target.threads)
        with runtime_errors(self.name, "open"):
            from core.graphs.torch.modules import open_package

            return AotInductorSession(open_package(artifact.path), model, artifact.options.get("batch"))


RUNTIME = AotInductorCpu()
