from __future__ import annotations

from core.domain.model import SourceModel, TensorSpec


def spec(
    name: str, shape: tuple[int | str, ...], dtype: str = "float32", high: int | None = None
) -> TensorSpec:
    return TensorSpec(name, dtype, shape, high)


def model(
    *inputs: TensorSpec, classes: int | None = 10, symbols: dict[str, int] | None = None, fixed: bool = False
) -> SourceModel:
    """Describe a model; its batch is symbolic unless `fixed`."""
    return SourceModel(
        id="m",
        name="m",
        format="onnx",
        files=(),
        sha256="",
        inputs=inputs,
        outputs=(TensorSpec("logits", "float32", ("batch", classes or 4)),),
        symbols={"batch": 2} | (symbols or {}),
        batch_symbol=None if fixed else "batch",
        parameters=1,
        macs=None,
        size_bytes=1,
        task="image-classification" if classes else "other",
        classes=classes,
    )


def image_model(channels: int = 3, side: int = 32, classes: int | None = 10) -> SourceModel:
    return model(spec("input", ("batch", channels, side, side)), classes=classes)


def table_model(width: int, classes: int | None = 3) -> SourceModel:
    return model(spec("features", ("batch", width)), classes=classes)
