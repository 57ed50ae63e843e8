"""Code that services have and that we run, too, so that both do the same."""

from __future__ import annotations

import importlib
from typing import Any


def service_code(name: str) -> Any:
    """Return a module of `templates/service/serving` that imports NumPy, SciPy and its neighbours alone.

    By name, as templates are data of ours and no package: the registry must not import them.
    """
    return importlib.import_module(f"core.packagers.templates.service.serving.{name}")
