"""`recipe`: a recipe as a file, the schema of such files, and a check of one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from core.cli.output import print_json
from core.errors import InvalidRequest
from core.search.recipe_files import SUFFIXES, dump, read, schema
from core.search.spelling import parse


def register(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("recipe", help="print a recipe as a YAML file, or the schema of such files")
    parser.add_argument("recipe", nargs="?", help="pass+pass@runtime, or a file to check")
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of recipe files")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, _: Console) -> int:
    """Print it.

    Raises:
        InvalidRequest: It is no recipe.
    """
    if options.schema:
        print_json(schema())
        return 0
    if not options.recipe:
        raise InvalidRequest("No recipe is given.", hint="Name one, or ask for --schema.")
    is_file = options.recipe.endswith(SUFFIXES)
    print(dump(read(Path(options.recipe)) if is_file else parse(options.recipe)), end="")
    return 0
