"""The command line: `python -m core`, also installed as `whetstone`.

Exit codes: 0 a recommended candidate exists (or the command worked), 2 the input cannot be used,
3 nothing met the limits (results are still written), 1 our own fault.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from rich.console import Console
from rich.markup import escape

from core.cli import (
    bundles,
    deploy,
    doctor,
    export,
    history,
    inspect,
    optimize,
    profile,
    recipe,
    report,
    serve,
    uploads,
    watch,
    worker,
)
from core.errors import InputError, InvalidRequest, NotFound, WhetstoneError

COMMANDS = (
    serve,
    doctor,
    inspect,
    optimize,
    export,
    profile,
    deploy,
    watch,
    recipe,
    history,
    report,
    bundles,
    uploads,
    worker,
)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are told as all others: one line and what to do."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Raises:
            InvalidRequest: Always.
        """
        raise InvalidRequest(f"{message[:1].upper()}{message[1:]}.", hint=f"See: {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    made = Parser(prog="whetstone", description="Sharpen a trained model for the hardware it will run on.")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.register(commands)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        options = parser().parse_args(arguments)  # asks the settings and the extensions for what there is
        code: int = options.run(options, console)
        return code
    except WhetstoneError as error:
        console.print(f"[bold red]{error.code}[/] {escape(error.message)}", style=None)
        if error.hint:
            console.print(f"[dim]{escape(error.hint)}[/]")
        return 2 if isinstance(error, InputError | NotFound) else 1
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        console.print(f"[bold red]system_error[/] {error.strerror or error}{escape(where)}")
        console.print("[dim]Look whether the disk has room and whether you may read and write there.[/]")
        return 1
    except KeyboardInterrupt:
        console.print("Cancelled; what was measured is kept.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
