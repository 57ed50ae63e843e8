"""Find the implementations of each protocol in its folder and the folders in it."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from core.errors import InvalidRequest
from core.protocols import DataFormat, Packager, Pass, Runtime, Source, Strategy


@cache
def _found(package: str, constant: str) -> dict[str, Any]:
    folder = importlib.import_module(package)
    found: dict[str, Any] = {}
    for info in pkgutil.walk_packages(folder.__path__, f"{package}."):
        extension = getattr(importlib.import_module(info.name), constant, None)
        if extension is None:
            continue
        if extension.id in found:
            raise RuntimeError(f"{package} holds two extensions with the id {extension.id!r}")
        found[extension.id] = extension
    return dict(sorted(found.items(), key=lambda item: getattr(item[1], "order", 0)))


def sources() -> dict[str, Source]:
    """Return all upload formats by id, in the order to try them."""
    return _found("core.sources", "SOURCE")


def data_formats() -> dict[str, DataFormat]:
    """Return all data formats by id, in the order to try them."""
    return _found("core.datasets", "DATASET")


def passes() -> dict[str, Pass]:
    """Return all techniques by id."""
    return _found("core.passes", "PASS")


def runtimes() -> dict[str, Runtime]:
    """Return all runtimes by id."""
    return _found("core.runtimes", "RUNTIME")


def packagers() -> dict[str, Packager]:
    """Return all kinds of download by id."""
    return _found("core.packagers", "PACKAGER")


def strategies() -> dict[str, Strategy]:
    """Return all search strategies by id."""
    return _found("core.search.strategies", "STRATEGY")


def executors() -> dict[str, Any]:
    """Return the classes of all executors by id, see `core.work.executor.Executor`."""
    return _found("core.work", "EXECUTOR")


def _named(kind: str, known: dict[str, Any], name: str) -> Any:
    if name not in known:
        raise InvalidRequest(f"There is no {kind} named {name!r}.", hint=f"Known: {', '.join(known)}.")
    return known[name]


def get_pass(name: str) -> Pass:
    """Return the pass of this id.

    Raises:
        InvalidRequest: There is none.
    """
    found: Pass = _named("technique", passes(), name)
    return found


def get_runtime(name: str) -> Runtime:
    """Return the runtime of this id.

    Raises:
        InvalidRequest: There is none.
    """
    found: Runtime = _named("runtime", runtimes(), name)
    return found


def get_executor(name: str) -> Any:
    """Return the class of the executor of this id.

    Raises:
        InvalidRequest: There is none.
    """
    return _named("executor", executors(), name)


def get_strategy(name: str) -> Strategy:
    """Return the search strategy of this id.

    Raises:
        InvalidRequest: There is none.
    """
    found: Strategy = _named("strategy", strategies(), name)
    return found
