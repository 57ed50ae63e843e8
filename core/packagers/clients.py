"""Lines of other languages that load a model: the clients of the targets that it was exported for."""

from __future__ import annotations

from core.packagers.layout import opened
from core.protocols import Client, Package
from core.registry import targets

UNTRIED = "Nobody could try these lines where they were written."


def clients_of(package: Package) -> tuple[Client, ...]:
    """Return the clients of the targets that have the candidate's runtime and format, each file once."""
    runtime, format_ = package.candidate.recipe.target.runtime_id, package.artifact.format
    alike = (each for each in targets().values() if (each.runtime, each.format) == (runtime, format_))
    return tuple({client.file: client for each in alike for client in each.clients}.values())


def client_text(package: Package, client: Client) -> str:
    """Return the lines of a client with the name of the model's file, ending in a line break."""
    name = opened(package.artifact).partition("/")[0]
    return client.text.replace("{model}", name).rstrip("\n") + "\n"


def clients_told(package: Package) -> str:
    """Return the section of the README on them; empty where there are none."""
    found = clients_of(package)
    lines = [f"- {each.language}: `clients/{each.file}`. {each.tried or UNTRIED}" for each in found]
    return "\n".join(["## Other languages", "", *lines]) if lines else ""
