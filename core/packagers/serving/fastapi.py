"""FastAPI service, run by uvicorn."""

from __future__ import annotations

from typing import ClassVar

from core.packagers.serving.folder import Service


class FastApi(Service):
    """A folder that serves the model over HTTP with FastAPI."""

    id: ClassVar[str] = "fastapi"
    name: ClassVar[str] = "FastAPI service"
    summary: ClassVar[str] = (
        "The kit as an HTTP service: JSON, NumPy arrays or images in, predictions out, documented at /docs."
    )
    order: ClassVar[int] = 50
    framework: ClassVar[tuple[str, ...]] = ("fastapi", "uvicorn")
    parts: ClassVar[tuple[str, ...]] = ("on_fastapi", "on_uvicorn")
    documented: ClassVar[str] = "/docs"


PACKAGER = FastApi()
