"""Whetstone's engine: find, build, measure and explain optimized versions of a trained model."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.api import optimize

__all__ = ["optimize"]


def __getattr__(name: str) -> Any:
    # The pages import parts of this package and must start fast: the rest is imported when asked for.
    if name == "optimize":
        from core.api import optimize

        return optimize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
