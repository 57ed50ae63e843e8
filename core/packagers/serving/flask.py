"""Flask service, run by gunicorn."""

from __future__ import annotations

from typing import ClassVar

from core.packagers.serving.folder import Service


class Flask(Service):
    """A folder that serves the model over HTTP with Flask."""

    id: ClassVar[str] = "flask"
    name: ClassVar[str] = "Flask service"
    summary: ClassVar[str] = (
        "The kit as an HTTP service on Flask and gunicorn, for houses whose services are WSGI applications."
    )
    use: ClassVar[str] = "unzip it, install requirements.txt and run python serve.py."
    order: ClassVar[int] = 51
    modules: ClassVar[tuple[str, ...]] = ("flask", "gunicorn", "pydantic")
    adapter: ClassVar[str] = "flask"
    framework: ClassVar[tuple[str, ...]] = ("flask", "gunicorn")


PACKAGER = Flask()
