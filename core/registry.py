"""Find the implementations of each protocol: in its folder and those in it, and in a folder of the owner's.

WHETSTONE_EXTENSIONS names a folder of Python files that export the same constants; it is trusted like the
code of this project, and none is read unless the variable is set.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from core.errors import InvalidRequest
from core.protocols import (
    DataFormat,
    Diagnostic,
    ExportTarget,
    Format,
    Metric,
    Packager,
    Pass,
    Runtime,
    Source,
    Strategy,
)
from core.settings import get_settings

OWN = "whetstone_extensions"
T = TypeVar("T")


@cache
def _found(package: str, constant: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module in (*_modules(package), *_own_modules()):
        extension = getattr(module, constant, None)
        if extension is None:
            continue
        name = getattr(extension, "id", None)
        if not isinstance(name, str) or name in found:
            taken = f", and another {constant} has it" if isinstance(name, str) else ""
            raise InvalidRequest(
                f"The id of {constant} in {module.__file__} is {name!r}{taken}.",
                hint="Give it an id of its own, or move the file out of WHETSTONE_EXTENSIONS.",
            )
        found[name] = extension
    return dict(sorted(found.items(), key=lambda item: getattr(item[1], "order", 0)))


def _modules(package: str) -> Iterator[ModuleType]:
    folder = importlib.import_module(package)
    for info in pkgutil.walk_packages(folder.__path__, f"{package}."):
        yield importlib.import_module(info.name)


@cache
def _own_modules() -> tuple[ModuleType, ...]:
    """Return the modules of the owner's folder, each imported once.

    Raises:
        InvalidRequest: The folder is not there, anybody may write to it, or a file in it is broken.
    """
    folder = get_settings().extensions
    if folder is None:
        return ()
    files = sorted(folder.glob("*.py"))
    if not folder.is_dir() or any(path.stat().st_mode & 0o002 for path in (folder, *files) if path.exists()):
        raise InvalidRequest(
            f"WHETSTONE_EXTENSIONS is {folder}, which is no folder, or it or a file in it may be written by "
            "anybody.",
            hint="Name a folder that only its owner writes to: what lies there runs as part of Whetstone.",
        )
    return tuple(_imported(path) for path in files)


def _imported(path: Path) -> ModuleType:
    name = f"{OWN}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InvalidRequest(f"{path} cannot be imported.", hint="Move it out of WHETSTONE_EXTENSIONS.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise InvalidRequest(
            f"The extension {path} cannot be loaded: {type(error).__name__}: {error}.",
            hint="Mend it, or move it out of the folder that WHETSTONE_EXTENSIONS names.",
        ) from error
    return module


def sources() -> dict[str, Source]:
    """Return all upload formats by id, in the order to try them."""
    return _found("core.sources", "SOURCE")


def data_formats() -> dict[str, DataFormat]:
    """Return all data formats by id, in the order to try them."""
    return _found("core.datasets", "DATASET")


def formats() -> dict[str, Format]:
    """Return all forms of model files by id."""
    return _found("core.formats", "FORMAT")


def families() -> dict[str, Any]:
    """Return all families of networks by id, the most specific first, see `core.architectures.catalogue`."""
    return _found("core.architectures.families", "FAMILY")


def passes() -> dict[str, Pass]:
    """Return all techniques by id."""
    return _found("core.passes", "PASS")


def runtimes() -> dict[str, Runtime]:
    """Return all runtimes by id."""
    return _found("core.runtimes", "RUNTIME")


def targets() -> dict[str, ExportTarget]:
    """Return all export targets by id, in the order to show them."""
    return _found("core.targets", "TARGET")


def packagers() -> dict[str, Packager]:
    """Return all kinds of download by id."""
    return _found("core.packagers", "PACKAGER")


def strategies() -> dict[str, Strategy]:
    """Return all search strategies by id."""
    return _found("core.search.strategies", "STRATEGY")


def executors() -> dict[str, Any]:
    """Return the classes of all executors by id, see `core.work.executor.Executor`."""
    return _found("core.work", "EXECUTOR")


def metrics() -> dict[str, Metric]:
    """Return all metrics by id, the one to prefer first."""
    return _found("core.metrics", "METRIC")


def diagnostics() -> dict[str, Diagnostic]:
    """Return all diagnostics by id, see `core.insights.findings`."""
    return _found("core.insights.findings", "DIAGNOSTIC")


def _named(kind: str, known: dict[str, T], name: str) -> T:
    if name not in known:
        raise InvalidRequest(f"There is no {kind} named {name!r}.", hint=f"Known: {', '.join(known)}.")
    return known[name]


def get_format(name: str) -> Format:
    """Return the format of this id.

    Raises:
        InvalidRequest: There is none.
    """
    return _named("format", formats(), name)


def get_pass(name: str) -> Pass:
    """Return the pass of this id.

    Raises:
        InvalidRequest: There is none.
    """
    return _named("technique", passes(), name)


def get_runtime(name: str) -> Runtime:
    """Return the runtime of this id.

    Raises:
        InvalidRequest: There is none.
    """
    return _named("runtime", runtimes(), name)


def get_target(name: str) -> ExportTarget:
    """Return the export target of this id.

    Raises:
        InvalidRequest: There is none.
    """
    return _named("export target", targets(), name)


def get_packager(name: str) -> Packager:
    """Return the kind of download of this id.

    Raises:
        InvalidRequest: There is none.
    """
    return _named("packager", packagers(), name)


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
    return _named("strategy", strategies(), name)


def get_metric(name: str) -> Metric:
    """Return the metric of this id.

    Raises:
        InvalidRequest: There is none.
    """
    return _named("metric", metrics(), name)
