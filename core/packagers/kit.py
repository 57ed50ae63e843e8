"""The kit: a model that proves itself on the machine it is taken to."""

from __future__ import annotations

import hashlib
import json
import zipfile
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from core.domain.run import Result
from core.errors import InvalidRequest
from core.optional import distribution, version
from core.protocols import Package
from core.registry import get_runtime
from core.serde import to_plain
from core.texts import as_markdown

EPOCH = (2020, 1, 1, 0, 0, 0)
COMPRESS_BELOW = 64 * 1024**2
# How far outputs may differ, relative to their range, before verify.py calls it a failure. Other
# processors round and saturate differently, and low precision makes those differences larger.
TOLERANCES = {"int8": 0.1, "bf16": 0.05, "fp16": 0.02}
FP32_TOLERANCE = 1e-3
TORCHSCRIPT_WARNING = (
    "**`model.pt` is a program.** TorchScript runs what its author wrote, with your rights, when it is "
    "loaded. Load it only if you trust whoever made the model, or in a sandbox."
)


def _template(name: str) -> str:
    return resources.files("core.packagers").joinpath("templates", f"{name}.py").read_text(encoding="utf8")


def _tolerance(package: Package) -> float:
    names = " ".join(step.pass_id for step in package.candidate.recipe.steps)
    precision = str(package.artifact.options.get("precision", ""))
    return max(
        (t for key, t in TOLERANCES.items() if key in names or key == precision), default=FP32_TOLERANCE
    )


def _requirements(package: Package) -> str:
    runtime = get_runtime(package.candidate.recipe.target.runtime_id)
    modules = [*runtime.modules[:1], "numpy"]
    return "".join(f"{distribution(module)}=={version(module)}\n" for module in modules)


def _result(package: Package) -> Result:
    if package.candidate.result is None:
        raise InvalidRequest(
            f"{package.candidate.name} was not measured, so there is nothing to prove.",
            hint="Choose a finished candidate.",
        )
    return package.candidate.result


def _manifest(package: Package, hashes: dict[str, str]) -> dict[str, Any]:
    result, target = _result(package), package.candidate.recipe.target
    return {
        "name": package.candidate.name,
        "model": f"model/{package.artifact.path.name}",
        "format": package.artifact.format,
        "options": package.artifact.options,
        "runtime": target.runtime_id,
        "threads": target.threads,
        "inputs": [spec.name for spec in package.model.inputs],
        "outputs": [spec.name for spec in package.model.outputs],
        "golden_samples": package.golden_samples,
        "tolerance": _tolerance(package),
        "latency_ms": result.timing.latency.p50,
        "cpu": result.timing.environment.cpu,
        "sha256": hashes,
    }


def _texts(package: Package) -> dict[str, str]:
    runtime = package.candidate.recipe.target.runtime_id
    recipe = {"model": package.model.name, **to_plain(package.candidate.recipe)}
    results = {"candidate": to_plain(package.candidate), "baseline": to_plain(package.baseline)}
    return {
        "recipe.json": json.dumps(recipe, indent=2) + "\n",
        "results.json": json.dumps(results, indent=2) + "\n",
        "requirements.txt": _requirements(package),
        "session.py": _template(f"session_{runtime}"),
        "predict.py": _template("predict"),
        "verify.py": _template("verify"),
        "README.md": _readme(package),
    }


def _readme(package: Package) -> str:
    result, target = _result(package), package.candidate.recipe.target
    latency, speed = result.timing.latency, result.timing.speedup
    lines = [
        f"# {as_markdown(package.model.name)}: {as_markdown(package.candidate.name)}",
        "",
        f"- {latency.p50:.3f} ms per call of batch {target.batch} on {target.threads} thread(s) of "
        f"{result.timing.environment.cpu}",
        f"- {speed.value:.2f}x ({speed.low:.2f}–{speed.high:.2f}) the speed of the original",
    ]
    if result.accuracy is not None:
        drop = result.accuracy.drop
        lines.append(
            f"- {result.accuracy.value:.2f} % top-1 on {result.accuracy.samples} samples, a drop of "
            f"{drop.value:.2f} points ({drop.low:.2f} to {drop.high:.2f})"
        )
    if fixed := package.artifact.details.get("fixed"):
        listed = ", ".join(f"`{name}` = {value}" for name, value in fixed.items())
        lines.append(f"- **Right for {listed} only**: whatever else is given there makes no difference")
    if package.artifact.format == "torchscript":
        lines += ["", TORCHSCRIPT_WARNING]
    lines += [
        "",
        "```",
        "python -m venv .venv && .venv/bin/pip install -r requirements.txt",
        ".venv/bin/python verify.py    # hashes, outputs, latency",
        ".venv/bin/python predict.py   # the golden inputs, or your own .npz",
        "```",
        "",
        "`recipe.json` says how it was made, `results.json` what was measured.",
        "",
    ]
    return "\n".join(lines)


def _add(archive: zipfile.ZipFile, name: str, content: bytes | Path) -> str:
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    info = zipfile.ZipInfo(name, EPOCH)
    info.external_attr = 0o644 << 16
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


class Kit:
    """A zip with model, recipe, results, golden samples, hashes, requirements and two scripts."""

    id: ClassVar[str] = "kit"
    name: ClassVar[str] = "Kit"
    suffix: ClassVar[str] = "zip"

    def write(self, package: Package, path: Path) -> None:
        """Write the kit to `path`; equal packages give equal bytes.

        Raises:
            InvalidRequest: The candidate was not measured, or is the bare upload.
        """
        if package.artifact.format == "state_dict":
            raise InvalidRequest(
                "A state dict cannot run without its network's code, so it makes no kit.",
                hint="Choose a candidate that was exported.",
            )
        with zipfile.ZipFile(path, "w") as archive:
            hashes = {
                name: _add(archive, name, text.encode()) for name, text in sorted(_texts(package).items())
            }
            hashes["golden.npz"] = _add(archive, "golden.npz", package.golden)
            root = package.artifact.path.parent
            for file in package.artifact.files:
                name = f"model/{file.relative_to(root)}"
                hashes[name] = _add(archive, name, file)
            manifest = json.dumps(_manifest(package, hashes), indent=2) + "\n"
            _add(archive, "manifest.json", manifest.encode())


PACKAGER = Kit()
