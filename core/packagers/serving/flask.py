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
    order: ClassVar[int] = 51
    framework: ClassVar[tuple[str, ...]] = ("flask", "gunicorn")


PACKAGER = Flask()
