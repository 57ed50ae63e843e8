"""Core ML packages, written with the model's own names and the same bytes for the same model."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.domain.model import SourceModel, TensorSpec
from core.errors import PassFailed

AUTHOR = "com.apple.CoreML"
MODEL, WEIGHTS = "model.mlmodel", "weights"
COMPRESSED = "constexpr_"
"""How operators begin that widen compressed weights when the package is loaded."""
HINT = "Take ExecuTorch or LiteRT for iOS, which run there too, or ONNX."


def write_package(converted: Any, model: SourceModel, folder: Path) -> tuple[Path, ...]:
    """Write a package into `folder` and return its files, the manifest first.

    Args:
        converted: A model of coremltools.
        model: Whose names inputs and outputs get.
        folder: Is made; its name has to end in ``.mlpackage``.

    Raises:
        PassFailed: It has other inputs or outputs than the model.
    """
    spec = converted.get_spec()
    _name(spec, spec.description.input, model.inputs)
    _name(spec, spec.description.output, model.outputs)
    return _lay_out(spec, converted.weights_dir, folder)


@contextmanager
def plain_files() -> Iterator[None]:
    """Have coremltools write its packages as plain files meanwhile.

    Its native writer copies files and sets their modes afterwards, which a confined process cannot do: nobody
    may read them then.
    """
    from coremltools.models import model, utils

    def create(spec: Any, weights_dir: str | None = None, package_path: str | None = None) -> str:
        folder = Path(package_path or tempfile.mkdtemp(suffix=".mlpackage"))
        _lay_out(spec, weights_dir, folder)
        return str(folder)

    before = model._create_mlpackage
    model._create_mlpackage = utils._create_mlpackage = create
    try:
        yield
    finally:
        model._create_mlpackage = utils._create_mlpackage = before


def _lay_out(spec: Any, weights_dir: str | None, folder: Path) -> tuple[Path, ...]:
    data = folder / "Data" / AUTHOR
    (data / WEIGHTS).mkdir(parents=True)
    files = [data / MODEL]
    files[0].write_bytes(spec.SerializeToString(deterministic=True))
    held = sorted(Path(weights_dir).glob("*.bin")) if weights_dir else []
    files += [Path(shutil.copyfile(each, data / WEIGHTS / each.name)) for each in held]
    manifest = folder / "Manifest.json"
    manifest.write_text(json.dumps(_manifest(), indent=4) + "\n", encoding="utf8")
    return (manifest, *files)


def features(manifest: Path) -> dict[str, Any]:
    """Return what the package on disk says of itself, as details: inputs, outputs, compressed tensors."""
    import coremltools as ct

    spec = ct.utils.load_spec(str(manifest.parent))
    blocks = spec.mlProgram.functions["main"].block_specializations.values()
    kinds = [each.type for block in blocks for each in block.operations]
    return {
        "specification": spec.specificationVersion,
        "inputs": [each.name for each in spec.description.input],
        "outputs": [each.name for each in spec.description.output],
        "operators": len(kinds) - kinds.count("const"),
        "compressed": sum(each.startswith(COMPRESSED) for each in kinds),
    }


def _name(spec: Any, given: Sequence[Any], wanted: Sequence[TensorSpec]) -> None:
    """Give inputs or outputs the model's names, as far as Core ML takes them; two may swap theirs."""
    import coremltools as ct

    if len(given) != len(wanted):
        raise PassFailed(
            f"The package has {len(given)} inputs or outputs where the model has {len(wanted)}.", hint=HINT
        )
    names = [identifier(each.name, index) for index, each in enumerate(wanted)]
    for stage in ([f"renamed_{index}_" for index in range(len(names))], names):
        for each, name in zip(list(given), stage, strict=True):
            ct.utils.rename_feature(spec, each.name, name)


def identifier(name: str, index: int) -> str:
    """Return a name as Core ML takes it: letters, digits and underscores, unlike others by its place."""
    clean = re.sub(r"\W", "_", name, flags=re.ASCII)
    if clean == name and name.isidentifier():
        return name
    return f"{clean.lstrip('_0123456789') or 'value'}_{index}"


def _manifest() -> dict[str, Any]:
    """Return the content of ``Manifest.json``; identifiers follow from what they name."""
    entries = {
        MODEL: "CoreML Model Specification",
        WEIGHTS: "CoreML Model Weights",
    }
    made = {name: str(uuid.uuid5(uuid.NAMESPACE_URL, name)).upper() for name in entries}
    items = {
        made[name]: {"author": AUTHOR, "description": told, "name": name, "path": f"{AUTHOR}/{name}"}
        for name, told in entries.items()
    }
    return {"fileFormatVersion": "1.0.0", "itemInfoEntries": items, "rootModelIdentifier": made[MODEL]}
