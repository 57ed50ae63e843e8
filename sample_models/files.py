"""Export of a trained sample model in its three formats, with model card and README."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import WhetstoneError
from sample_models.data import held_out_rows
from sample_models.evaluate import accuracy
from sample_models.plans import PLANS, TrainingPlan

if TYPE_CHECKING:
    from torch import Tensor, nn

MAX_BATCH = 1024
FILES = {"state_dict": "model.pth", "pt2": "model.pt2", "onnx": "model.onnx"}
LIBRARIES = ("torch", "onnx", "onnxruntime", "scikit-learn", "numpy")


def write(plan: TrainingPlan, network: nn.Module, seed: int, folder: Path) -> dict[str, Any]:
    """Write the three files, `card.json` and `README.md` of one sample into `folder`; returns the card."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), folder / FILES["state_dict"])
    _export(plan, network, folder)
    card = _card(plan, network, seed, folder)
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_readme(card), encoding="utf-8")
    return card


def _export(plan: TrainingPlan, network: nn.Module, folder: Path) -> None:
    """Both graphs with a dynamic batch, traced at two rows because one row would be taken for a constant."""
    import torch

    rows = torch.from_numpy(held_out_rows(plan.id).inputs)
    shapes = ({0: torch.export.Dim("batch", min=1, max=MAX_BATCH)},)
    program = torch.export.export(network, (rows[:2],), dynamic_shapes=shapes, strict=True)
    _check_batches(network, program.module(), rows)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # it would carry this machine's paths into the files
    names: dict[str, Any] = {"input_names": [plan.input_name], "output_names": ["logits"]}
    names["dynamic_shapes"] = shapes  # without them the batch dimension has a name of the tracer's choice
    torch.onnx.export(program, (), folder / FILES["onnx"], external_data=False, verbose=False, **names)
    program.example_inputs = None  # they would be stored as a pickle
    torch.export.save(program, folder / FILES["pt2"])


def _check_batches(network: nn.Module, exported: nn.Module, rows: Tensor) -> None:
    import torch

    for batch in (1, 2, 7):
        if not torch.allclose(network(rows[:batch]), exported(rows[:batch]), atol=1e-4):
            raise WhetstoneError(f"The exported graph differs from its network at batch {batch}.")


def _card(plan: TrainingPlan, network: nn.Module, seed: int, folder: Path) -> dict[str, Any]:
    rows = held_out_rows(plan.id)
    found = plan.architecture
    return {
        "id": plan.id,
        "order": [other.id for other in PLANS].index(plan.id),
        "name": plan.name,
        "description": plan.description,
        "task": "classification",
        "architecture": found.name,
        "data": plan.data,
        "input": {
            "name": plan.input_name,
            "dtype": found.input_dtype,
            "shape": ["batch", *found.input_shape],
            "values": found.values,
            "meaning": plan.input_words,
        },
        "classes": found.classes,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "macs": _macs(network, rows.inputs[:1]),
        "samples": len(rows.labels),
        "files": {
            kind: {
                "name": name,
                "bytes": (folder / name).stat().st_size,
                "accuracy": round(accuracy(kind, folder / name, rows), 6),
            }
            for kind, name in FILES.items()
        },
        "seed": seed,
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _macs(network: nn.Module, row: Any) -> int:
    """MACs (multiply-accumulates) of one row in convolutions, linear layers and attention."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.from_numpy(row))
    return int(counter.get_total_flops()) // 2


def _readme(card: dict[str, Any]) -> str:
    files = "\n".join(
        f"| `{entry['name']}` | {kind} | {entry['bytes'] / 1e6:.2f} MB | {entry['accuracy']:.2%} |"
        for kind, entry in card["files"].items()
    )
    spec = card["input"]
    return (
        f"# {card['name']}\n\n{card['description']}\n\n"
        f"- Input `{spec['name']}`: {spec['dtype']} {spec['shape']}, {spec['meaning']}.\n"
        f"- Output `logits`: float32 ['batch', {card['classes']}].\n"
        f"- {card['parameters']:,} parameters, {card['macs']:,} MACs per row.\n"
        f"- Measured on the {card['samples']} held-out rows of the built-in set `{card['data']}`.\n\n"
        f"| File | Format | Size | Accuracy |\n|---|---|---|---|\n{files}\n\n"
        f"Made by `python -m sample_models.train {card['id']}` with seed {card['seed']}.\n"
    )
