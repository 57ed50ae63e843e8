"""The request in JSON as a pydantic model, made of the model's own inputs."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    create_model,
)

from serving.errors import Refused
from serving.inputs import Feed, from_json
from serving.settings import Settings, Tensor

MOST_ERRORS = 20
JSON_TYPES = {"f": "number", "i": "integer", "u": "integer", "b": "boolean"}


def json_schema(spec: Tensor) -> dict[str, Any]:
    """Return the JSON schema of a tensor: lists in lists, with the lengths that are fixed."""
    kind = "b" if spec.dtype == "bool" else spec.dtype.lstrip("u")[0]
    schema: dict[str, Any] = {"type": JSON_TYPES[kind]}
    if spec.high is not None:
        schema |= {"minimum": 0, "maximum": spec.high - 1}
    for size in reversed(spec.shape):
        length = {"minItems": size, "maxItems": size} if isinstance(size, int) else {"minItems": 1}
        schema = {"type": "array", "items": schema, **length}
    shape = ", ".join(map(str, spec.shape))
    return schema | {"description": f"{spec.dtype} ({shape}). {spec.meaning}".strip()}


def request_model(settings: Settings) -> type[BaseModel]:
    """Return the type of ``{"inputs": {"name": [[...]]}}``; its values are arrays, checked."""
    fields: dict[str, Any] = {}
    for index, spec in enumerate(settings.inputs):
        checked = Annotated[Any, PlainValidator(partial(from_json, spec)), WithJsonSchema(json_schema(spec))]
        fields[f"input_{index}"] = (checked, Field(alias=spec.name))
    strict = ConfigDict(extra="forbid")
    inputs = create_model("Inputs", __config__=strict, **fields)
    made: type[BaseModel] = create_model("PredictRequest", __config__=strict, inputs=(inputs, ...))
    return made


def openapi_schema(kind: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a request without references, to put into a larger document."""
    schema = kind.model_json_schema()
    schema["properties"]["inputs"] = schema.pop("$defs")["Inputs"]
    return schema


def feed_of(kind: type[BaseModel], settings: Settings, body: bytes) -> Feed:
    """Return the arrays of a request in JSON.

    Raises:
        Refused: It is no JSON, or does not fit; with the place and reason of each error.
    """
    try:
        found: Any = kind.model_validate_json(body)
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False, include_input=False)[:MOST_ERRORS]
        details = [{**each, "loc": ["body", *each["loc"]]} for each in told]
        raise Refused(422, str(told[0]["msg"]), details=details) from error
    return {spec.name: getattr(found.inputs, f"input_{index}") for index, spec in enumerate(settings.inputs)}
