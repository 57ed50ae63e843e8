"""Deployment kit: a model with golden samples and a self-check for the machine it is taken to."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from core.domain.measurement import Environment
from core.domain.model import DETECTION
from core.domain.recipe import Artifact
from core.domain.run import Candidate, CandidateStatus
from core.domain.technique import NoParams, Precision
from core.errors import InvalidRequest
from core.optional import distribution, version
from core.packagers.clients import client_text, clients_of
from core.packagers.detections import reading
from core.packagers.golden import golden_json
from core.packagers.layout import opened, root_of
from core.packagers.readme import readme
from core.packagers.streaming import entry
from core.packagers.templating import template
from core.protocols import Package, Packager
from core.registry import get_format, get_pass, get_runtime
from core.serde import to_plain
from core.texts import one_line

COMPRESS_BELOW = 64 * 1024**2
TO_ORIGINAL = MappingProxyType(
    {Precision.FP32: 0.01, Precision.FP16: 0.05, Precision.BF16: 0.1, Precision.INT8: 0.5}
)
"""How far outputs may differ, relative to their range, where the model itself was not run: the golden outputs
are the original's then."""

PROOF = ("recipe.yaml", "results.json", "verify.py")
"""Texts of a kit that stand for themselves, without its model."""


def _tolerance(package: Package) -> float:
    """Return how far outputs may differ, relative to their range, before verify.py calls it a failure."""
    recipe, measured = package.candidate.recipe, package.candidate.result is not None
    left = {get_pass(step.pass_id).leaves(step.params) or Precision.FP32 for step in recipe.steps}
    tolerances = get_runtime(recipe.target.runtime_id).tolerances if measured else TO_ORIGINAL
    return max(tolerances[each] for each in left | {Precision.FP32})


def _requirements(package: Package) -> str:
    runtime = get_runtime(package.candidate.recipe.target.runtime_id)
    modules = dict.fromkeys([*runtime.modules, "numpy"])
    pins = {module: version(module) for module in modules}
    return "".join(f"{distribution(name)}{f'=={pin}' if pin else ''}\n" for name, pin in pins.items())


def _check_built(candidate: Candidate) -> None:
    if candidate.result is None and candidate.status is not CandidateStatus.UNMEASURED:
        raise InvalidRequest(
            f"{candidate.name} was neither measured nor built to be measured elsewhere.",
            hint="Choose a finished candidate.",
        )


def _measured_on(package: Package) -> Environment | None:
    """Return the machine that made the golden outputs, by the baseline where the model does not run there."""
    found = package.candidate.result or package.baseline.result
    return found.timing.environment if found is not None else None


def _manifest(package: Package, hashes: dict[str, str]) -> dict[str, Any]:
    result, target = package.candidate.result, package.candidate.recipe.target
    there = _measured_on(package)
    reads = reading(package) if _detects(package) else None
    return {
        "name": package.candidate.name,
        "model": f"model/{opened(package.artifact)}",
        "format": package.artifact.format,
        "options": package.artifact.options,
        "runtime": target.runtime_id,
        "threads": target.threads,
        "detects": reads is not None or (result is not None and _detects(package)),
        "detections": reads,
        "inputs": [spec.name for spec in package.model.inputs],
        "input_shapes": {spec.name: list(spec.shape) for spec in package.model.inputs},
        "outputs": [spec.name for spec in package.model.outputs],
        "classes": list(package.data.classes) if package.data is not None else [],
        "golden_samples": package.golden_samples,
        "tolerance": _tolerance(package),
        "latency_ms": result.timing.latency.p50 if result is not None else None,
        "cpu": there.cpu if there is not None else "",
        "made_of": _origin(package, there),
        "sha256": hashes,
    }


def _detects(package: Package) -> bool:
    """Whether the outputs are detections: as measured, or else by the model's task."""
    result = package.candidate.result
    return package.model.task == DETECTION if result is None else result.fidelity.detections is not None


def _texts(package: Package) -> dict[str, str]:
    runtime = get_runtime(package.candidate.recipe.target.runtime_id)
    results = {"candidate": to_plain(package.candidate), "baseline": to_plain(package.baseline)}
    return {
        "recipe.yaml": _recipe(package),
        "results.json": json.dumps(results, indent=2) + "\n",
        "requirements.txt": _requirements(package),
        "session.py": runtime.kit_session(),
        "predict.py": template("predict.py"),
        "verify.py": template("verify.py"),
        "README.md": readme(package),
        **{f"clients/{each.file}": client_text(package, each) for each in clients_of(package)},
        **({"golden.json": golden_json(package)} if package.files else {}),
    }


def _recipe(package: Package) -> str:
    """Return the recipe file, with what is needed besides to make the same model again."""
    target = package.candidate.recipe.target
    told = f"threads {target.threads}, batch {target.batch}, seed {package.seed}"
    use = "whetstone optimize MODEL --recipe recipe.yaml makes it again, of this or another model."
    return f"# {one_line(package.model.name)}, {told}\n# {use}\n{package.recipe}"


def _origin(package: Package, environment: Environment | None) -> dict[str, Any]:
    """Return what the model was made of, and with what, besides its recipe."""
    techniques = [get_pass(step.pass_id) for step in package.candidate.recipe.steps]
    return {
        "model": package.model.name,
        "model_sha256": package.model.sha256,
        "techniques": {each.id: each.version for each in techniques},
        "target": to_plain(package.candidate.recipe.target),
        "seed": package.seed,
        "calibrated_on": _calibration(package) if any(each.calibrates for each in techniques) else None,
        "libraries": environment.libraries if environment is not None else {},
    }


def _calibration(package: Package) -> str:
    data = package.data
    return f"{data.name}, {data.calibration_samples} samples" if data is not None else "random inputs"


def add_file(archive: zipfile.ZipFile, name: str, content: bytes | Path) -> str:
    """Add a file, and return its SHA-256."""
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    info = entry(name, size)
    info.compress_type = zipfile.ZIP_DEFLATED if size < COMPRESS_BELOW else zipfile.ZIP_STORED
    hashed = hashlib.sha256()
    with archive.open(info, "w", force_zip64=size > 2**31) as target:
        if isinstance(content, bytes):
            hashed.update(content)
            target.write(content)
        else:
            with content.open("rb") as source:
                while block := source.read(1 << 20):
                    hashed.update(block)
                    target.write(block)
    return hashed.hexdigest()


def add_kit(archive: zipfile.ZipFile, package: Package, folder: str = "") -> None:
    """Add the files of a kit; equal packages give equal bytes.

    Args:
        archive: Where to.
        package: What to pack.
        folder: Put before every name, with a slash at its end.

    Raises:
        InvalidRequest: The candidate was not measured.
    """
    hashes = {
        name: add_file(archive, folder + name, text.encode())
        for name, text in sorted(_texts(package).items())
    }
    hashes["golden.npz"] = add_file(archive, f"{folder}golden.npz", package.golden)
    hashes |= {name: add_file(archive, folder + name, path) for name, path in sorted(package.files.items())}
    root = root_of(package.artifact)
    for file in package.artifact.files:
        name = f"model/{file.relative_to(root)}"
        hashes[name] = add_file(archive, folder + name, file)
    manifest = json.dumps(_manifest(package, hashes), indent=2) + "\n"
    add_file(archive, f"{folder}manifest.json", manifest.encode())


def add_proof(archive: zipfile.ZipFile, package: Package, folder: str) -> None:
    """Add what a kit compares with, without its model: golden samples, `verify.py`, and how it was made.

    Args:
        archive: Where to.
        package: What is proven.
        folder: Put before every name, with a slash at its end.
    """
    texts = {name: text for name, text in _texts(package).items() if name in PROOF}
    hashes = {name: add_file(archive, folder + name, text.encode()) for name, text in sorted(texts.items())}
    hashes["golden.npz"] = add_file(archive, f"{folder}golden.npz", package.golden)
    manifest = json.dumps(_manifest(package, hashes), indent=2) + "\n"
    add_file(archive, f"{folder}manifest.json", manifest.encode())


class Kit(Packager):
    """A zip with model, recipe, results, golden samples, hashes, requirements and two scripts."""

    id: ClassVar[str] = "kit"
    name: ClassVar[str] = "Kit"
    summary: ClassVar[str] = "The model, all that was measured, and a script that proves it elsewhere."
    suffix: ClassVar[str] = "zip"
    use: ClassVar[str] = "unzip it and run python verify.py."
    order: ClassVar[int] = 0

    def requires(self, candidate: Candidate, artifact: Artifact) -> None:
        """Refuse what was not built to the end, and what cannot run by itself.

        Raises:
            InvalidRequest: One of these.
        """
        _check_built(candidate)
        form = get_format(artifact.format)
        if not form.standalone:
            raise InvalidRequest(
                f"It is {form.name}, which cannot run without its network's code, so it makes no kit.",
                hint="Choose a candidate that was exported.",
            )

    def write(self, package: Package, path: Path, params: NoParams) -> None:
        """Write the kit to `path`; equal packages give equal bytes.

        Raises:
            InvalidRequest: The candidate was not built.
        """
        _check_built(package.candidate)
        with zipfile.ZipFile(path, "w") as archive:
            add_kit(archive, package)


PACKAGER = Kit()
