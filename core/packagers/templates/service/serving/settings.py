"""Settings of the service: `service.json`, and what the environment sets.

SERVICE_KEYS   file of API keys (keys.json beside this folder)
SERVICE_STATE  folder of the active version and the prediction log (state beside this folder)
SERVICE_RATE   rate limit of each key, such as 600/minute
SERVICE_CANARY share of the callers that a canary gets; 0 begins none
REDIS_URL      where replicas share predictions and rate limits
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

HERE = Path(__file__).resolve().parent.parent


class Tensor(BaseModel):
    """An input or output: a text in `shape` is a size that a request chooses."""

    name: str
    dtype: str
    shape: list[int | str]
    meaning: str = ""
    high: int | None = None
    finite: bool = True


class Batches(BaseModel):
    """How rows are put together.

    `symbol` names the size that is the batch, None where a request is one whole call. A call has one of
    `sizes` rows, and most rows a second with `bulk`. `delay_ms` is how long the first of a batch waits for
    others.
    """

    symbol: str | None
    sizes: list[int]
    fixed: bool = False
    delay_ms: float = 0.0
    bulk: int = 1


class Picture(BaseModel):
    """How an image file becomes the model's input."""

    input: str
    batched: bool
    channels: int
    height: int
    width: int
    first: bool
    dtype: str
    low: float
    span: float
    mean: list[float]
    std: list[float]
    bgr: bool
    resize: Literal["crop", "stretch", "letterbox"]
    crop: float
    interpolation: Literal["bilinear", "bicubic", "lanczos", "nearest"]
    gray: int


class Settings(BaseModel):
    """Everything in `service.json`."""

    name: str
    model: str = "model"
    version: str
    fallback: str = ""
    features: list[str]
    inputs: list[Tensor]
    outputs: list[Tensor]
    batches: Batches
    picture: Picture | None = None
    scores: str = ""
    classes: list[str] = []
    top: int = 5
    detects: bool = False
    port: int = 8000
    max_rows: int
    max_body_bytes: int
    max_json_numbers: int
    max_json_bytes: int
    timeout_s: float
    max_waiting: int
    cache_bytes: int = 0
    cache_s: float = 3600.0
    rate: str = ""
    slow_ms: float = 0.0
    canary: str = ""
    share: float = 0.1
    canary_requests: int = 0
    shadow: str = ""
    log_share: float = 1.0
    log_rows: int = 100_000
    log_inputs: bool = False

    @classmethod
    def read(cls, path: Path = HERE / "service.json") -> Settings:
        """Return the settings in `path`, with the rate and the name of the model in the environment."""
        found = cls.model_validate_json(path.read_text(encoding="utf8"))
        asked = {"rate": "SERVICE_RATE", "model": "SERVICE_MODEL"}
        given = {name: os.environ[variable] for name, variable in asked.items() if variable in os.environ}
        return found.model_copy(update=given)

    def has(self, feature: str) -> bool:
        """Whether a feature was chosen."""
        return feature in self.features


def keys_file() -> Path:
    """Return the file of API keys."""
    return Path(os.environ.get("SERVICE_KEYS", HERE / "keys.json"))


def state_folder() -> Path:
    """Return the folder in which the service remembers its active version."""
    return Path(os.environ.get("SERVICE_STATE", HERE / "state"))


def redis_url() -> str:
    """Return the address of Redis; empty without one."""
    return os.environ.get("REDIS_URL", "")
