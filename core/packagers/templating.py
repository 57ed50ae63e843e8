"""Files of `templates`, as they are or with their blanks filled in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined, Template


def template(name: str) -> str:
    """Return a file of the templates by its path there."""
    return (
        resources.files("core.packagers").joinpath("templates", *name.split("/")).read_text(encoding="utf8")
    )


def filled(name: str, values: Mapping[str, Any]) -> str:
    """Return a template with its blanks filled in.

    Raises:
        jinja2.UndefinedError: A blank has no value.
    """
    return _compiled(name).render(values)


@cache
def _compiled(name: str) -> Template:
    made = Environment(
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, autoescape=False
    )
    return made.from_string(template(name))
