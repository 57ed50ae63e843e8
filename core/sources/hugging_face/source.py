"""Hugging Face's folders as a .zip: config.json says which class, model.safetensors holds the weights.

The class comes from the transformers library alone: code that lies beside the weights is never imported, and
nothing is fetched. The network is exported here, so that later steps need no transformers.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import optional
from core.archives.torch_files import check_state_dict_pickle
from core.archives.zips import BROKEN_ZIP, extract_zip, is_zip
from core.domain.model import Note, Preprocessing
from core.errors import BackendMissing, CorruptFile, UnsafeUpload, UnsupportedModel
from core.protocols import Inspection, InspectOptions
from core.sources.hugging_face import calls
from core.sources.names import display_name
from core.sources.task_inference import IMAGE, TEXT, restated
from core.sources.torch.exporting import export_program
from core.sources.torch.pt2 import SOURCE as PROGRAMS
from core.sources.torch.state_dict import SOURCE as WEIGHTS

if TYPE_CHECKING:
    from torch import nn

CONFIG = "config.json"
SAFE = (".safetensors", ".safetensors.index.json")
PICKLED = "pytorch_model.bin"
FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of its filters, as preprocessor_config.json has them."""

MOST_LAYERS = 2_000
"""Several times what the deepest published networks have."""

ONCE = "Export one pass of it to ONNX, for instance with optimum-cli, and upload that."


class HuggingFaceSource:
    """A model as `save_pretrained` writes it, zipped."""

    id = "hugging_face"
    name = "Hugging Face model (config.json and safetensors)"
    order = 10

    def recognizes(self, path: Path) -> bool:
        """Whether it is a zip with a model's config.json and weights beside it."""
        if not is_zip(path):
            return False
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except BROKEN_ZIP:
            return False
        return any(_is_model(name, names) for name in names)

    def inspect(self, path: Path, folder: Path, options: InspectOptions) -> Inspection:
        """Build the network from the library's own class, load the weights and export it.

        Raises:
            UnsafeUpload: It asks for code of its own.
            BackendMissing: The library transformers is not installed.
            UnsupportedModel: Its class is unknown, needs several passes, or cannot be exported.
        """
        files = extract_zip(path, folder / "unpacked")
        home = next(
            file.parent for file in files if file.name == CONFIG and _weights(file.parent) is not None
        )
        config = _json(home / CONFIG)
        options = replace(options, name=options.name or display_name(path))
        if "architecture" in config and "model_type" not in config:
            return _timm(home, folder, config, options)
        return _transformers(home, folder, config, options)


def _is_model(name: str, names: list[str]) -> bool:
    home, _, last = name.rpartition("/")
    beside = [other.rpartition("/") for other in names]
    return last == CONFIG and any(
        where == home and (file.endswith(SAFE) or file == PICKLED) for where, _, file in beside
    )


def _weights(home: Path) -> Path | None:
    found = sorted(file for file in home.iterdir() if file.name.endswith(SAFE))
    pickled = home / PICKLED
    return found[0] if found else pickled if pickled.is_file() else None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (ValueError, RecursionError) as error:
        raise CorruptFile(f"{path.name} is no JSON.", hint="Save or download the model again.") from error
    return found if isinstance(found, dict) else {}


def _timm(home: Path, folder: Path, config: dict[str, Any], options: InspectOptions) -> Inspection:
    """Return a model of timm's, whose config.json names the builder and how pictures are prepared."""
    from core.architectures import names

    weights = _weights(home)
    name = f"timm/{config['architecture']}"
    known = name if name in names() else ""
    stated = replace(options, architecture=options.architecture or known)
    found = WEIGHTS.inspect(weights or home, folder, stated)
    pixels = {**config, **(config.get("pretrained_cfg") or {})}
    told = Preprocessing(
        f"its {CONFIG}",
        tuple(pixels.get("mean") or ()),
        tuple(pixels.get("std") or ()),
        crop=pixels.get("crop_pct"),
        resize="stretch" if pixels.get("crop_mode") == "squash" else "crop",
        interpolation=_filter(pixels.get("interpolation")),
    )
    return replace(found, model=replace(found.model, preprocessing=told))


def _transformers(home: Path, folder: Path, config: dict[str, Any], options: InspectOptions) -> Inspection:
    kind = _refused(config)
    if any(depth > MOST_LAYERS for depth in _depths(config)):
        raise UnsupportedModel(
            f"config.json asks for more than {MOST_LAYERS:,} layers.",
            hint="Save or download the model again.",
        )
    _available()
    network = _load(home, kind)
    call = calls.call_of(network, _json(home / "preprocessor_config.json"))
    for name, shape in options.shapes.items():
        call = call.reshaped(name, shape)
    target = export_program(call.module, call.inputs, call.sizes, folder / "exported.pt2")
    found = PROGRAMS.inspect(target, folder, replace(options, task="", shapes={}))
    model = replace(found.model, preprocessing=preprocessing(_json(home / "preprocessor_config.json")))
    made = Note(f"Exported from transformers' {kind}.", "The measured network is this export.")
    model = replace(model, notes=(made, *model.notes))
    task = options.task or _task(kind, network)
    return replace(found, model=restated(model, task) if task else model)


def _refused(config: dict[str, Any]) -> str:
    """Return the class that `config` names, after what no export can come of is refused."""
    if "auto_map" in config:
        raise UnsafeUpload(
            "This model needs Python code of its own (auto_map in config.json), which is not run here.",
            hint="Export it where you trust its code: torch.export.export, then torch.export.save.",
        )
    if config.get("quantization_config"):
        raise UnsupportedModel(
            "The weights of this model are quantized already.", hint="Give the float model it was made from."
        )
    kinds = config.get("architectures")
    if not (isinstance(kinds, list) and kinds and isinstance(kinds[0], str)):
        raise UnsupportedModel(
            "config.json does not say which class the weights belong to (architectures).",
            hint="Save the model again with save_pretrained, and zip that folder.",
        )
    if config.get("is_encoder_decoder"):
        raise UnsupportedModel(
            f"{kinds[0]} calls its decoder again and again; what is measured here is one pass.",
            hint=ONCE,
        )
    return str(kinds[0])


def _depths(config: dict[str, Any]) -> Iterator[float]:
    """Yield every number of layers in a configuration and those within it: each would be built one by one."""
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _depths(value)
        elif "layer" in key or "depth" in key:
            for each in value if isinstance(value, list) else [value]:
                yield each if isinstance(each, int | float) else 0


def _available() -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        optional.load("transformers")
    except BackendMissing as error:
        raise BackendMissing(
            f"Hugging Face models need the library transformers: {error.message}",
            hint="Install it: pip install 'whetstone[transformers]'. Or export the model to ONNX.",
        ) from error


def _load(home: Path, kind: str) -> nn.Module:
    import torch
    import transformers

    known = getattr(transformers, kind, None)
    if not (isinstance(known, type) and issubclass(known, transformers.PreTrainedModel)):
        raise UnsupportedModel(
            f"transformers {transformers.__version__} has no class {kind}.",
            hint="Install the release of transformers that the model was saved with, or export it to ONNX.",
        )
    weights = _weights(home)
    pickled = weights is not None and weights.name == PICKLED
    if weights is not None and pickled:
        check_state_dict_pickle(weights)
    model: Any = known
    try:
        network, report = model.from_pretrained(
            home,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=not pickled,
            weights_only=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except RuntimeError as error:
        if "ignore_mismatched_sizes" not in str(error):
            raise
        raise UnsupportedModel(
            "The weights have other sizes than config.json says.",
            hint="Put the config.json that the weights were saved with beside them.",
        ) from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise UnsupportedModel(
            f"The weights lack {len(missing)} tensors that {kind} has, such as {missing[0]}.",
            hint="Save the trained model again with save_pretrained: an untrained head tells nothing.",
        )
    loaded: nn.Module = network.eval()
    return loaded


def _task(kind: str, network: Any) -> str:
    if getattr(network.config, "problem_type", None) == "regression" or network.config.num_labels < 2:
        return ""
    return {"ForImageClassification": IMAGE, "ForSequenceClassification": TEXT}.get(
        kind[kind.find("For") :], ""
    )


def preprocessing(settings: dict[str, Any]) -> Preprocessing | None:
    """Return what preprocessor_config.json says of pictures, or None where it says nothing of them."""
    if "image_mean" not in settings:
        return None
    normal = settings.get("do_normalize", True)
    size, crop = settings.get("size") or {}, settings.get("crop_size") or {}
    edge = size.get("shortest_edge") if isinstance(size, dict) else size
    inner = crop.get("height") if isinstance(crop, dict) else crop
    cut = bool(settings.get("do_center_crop")) and bool(inner)
    share = settings.get("crop_pct") or (inner / edge if cut and inner and edge else None)
    return Preprocessing(
        "its preprocessor_config.json",
        tuple(settings["image_mean"]) if normal else (),
        tuple(settings.get("image_std") or ()) if normal else (),
        scale="0..1" if settings.get("do_rescale", True) else "0..255",
        resize="crop" if cut or edge else "stretch",
        crop=min(share, 1.0) if share else None,
        interpolation=_filter(settings.get("resample")),
    )


def _filter(value: object) -> str:
    found = FILTERS.get(value, "") if isinstance(value, int) else str(value)
    return found if found in FILTERS.values() else "bilinear"


SOURCE = HuggingFaceSource()
