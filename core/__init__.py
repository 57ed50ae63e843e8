"""Whetstone's engine: find, build, measure and explain optimized versions of a trained model."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.api import deploy, export, optimize, watch

__all__ = ["deploy", "export", "optimize", "watch"]


def __getattr__(name: str) -> Any:
    # The pages import parts of this package and must start fast: the rest is imported when asked for.
    if name in __all__:
        from core import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
