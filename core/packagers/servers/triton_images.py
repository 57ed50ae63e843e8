"""Image files for a Triton model: a model that prepares them, and an ensemble of both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from core.domain.model import TensorSpec
from core.packagers.servers.triton_config import Load, Word, tensor, text
from core.packagers.serving.options import ServiceParams
from core.packagers.serving.settings import picture, settings_of
from core.packagers.templating import template
from core.protocols import Package

PREPARING = ("__init__", "errors", "inputs", "settings", "images")
"""Files of the serving core that make an input of an image."""


def takes_images(package: Package) -> bool:
    """Whether image files can be prepared for it on the server."""
    return picture(package) is not None and (package.model.fixed_batch or 1) == 1


def preparing(package: Package, name: str, load: Load, entry: str, exits: Sequence[str]) -> dict[str, str]:
    """Return the model that prepares image files, and the ensemble of both; nothing without images.

    Args:
        package: Of the candidate.
        name: Of its model in the repository.
        load: How many requests run at once.
        entry: Its input, as its backend knows it.
        exits: Its outputs, likewise.
    """
    if not takes_images(package):
        return {}
    (spec,), by_rows = package.model.inputs, load.largest > 0
    made, image = _whole(spec, by_rows), {"name": "image", "data_type": Word("TYPE_UINT8"), "dims": [-1]}
    model = {
        "name": f"{name}_prepare",
        "backend": "python",
        "max_batch_size": 0,
        "input": [image],
        "output": [made],
        "instance_group": [{"kind": Word("KIND_CPU"), "count": load.instances}],
    }
    files = {
        **{f"serving/{each}.py": template(f"service/serving/{each}.py") for each in PREPARING},
        "service.json": json.dumps(settings_of(package, ServiceParams(), load.plan), indent=2) + "\n",
        "model.py": template("triton/preprocess.py"),
        "tensors.py": template("triton/tensors.py"),
    }
    home = f"model_repository/{name}_prepare"
    return {
        f"{home}/config.pbtxt": text(model),
        **{f"{home}/1/{path}": content for path, content in files.items()},
        f"model_repository/{name}_images/config.pbtxt": _ensemble(
            package, name, image, by_rows, entry, exits
        ),
        # Triton takes no model without a version, and an ensemble has no file.
        f"model_repository/{name}_images/1/.keep": "",
    }


def _whole(spec: TensorSpec, by_rows: bool) -> dict[str, Any]:
    """Return a tensor with its batch among its sizes, which is how models without batching see it."""
    dims = [size if isinstance(size, int) else -1 for size in spec.shape]
    return {**tensor(spec, spec.name, False), "dims": [-1, *dims[1:]] if by_rows else dims or [1]}


def _ensemble(
    package: Package, name: str, image: dict[str, Any], by_rows: bool, entry: str, exits: Sequence[str]
) -> str:
    steps = [
        {
            "model_name": f"{name}_prepare",
            "model_version": -1,
            "input_map": {"key": "image", "value": "image"},
            "output_map": {"key": package.model.inputs[0].name, "value": "prepared"},
        },
        {
            "model_name": name,
            "model_version": -1,
            "input_map": {"key": entry, "value": "prepared"},
            "output_map": [
                {"key": exit, "value": spec.name}
                for exit, spec in zip(exits, package.model.outputs, strict=True)
            ],
        },
    ]
    return text(
        {
            "name": f"{name}_images",
            "platform": "ensemble",
            "max_batch_size": 0,
            "input": [image],
            "output": [_whole(spec, by_rows) for spec in package.model.outputs],
            "ensemble_scheduling": {"step": steps},
        },
        ("Image files in, predictions out: prepared as in the measurement.",),
    )
