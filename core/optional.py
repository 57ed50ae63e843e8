"""Import heavy or optional libraries: check, import, or say which line installs them."""

from __future__ import annotations

import importlib
import re
from importlib import metadata, util
from types import ModuleType

from core.errors import BackendMissing

DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
}
VERSION = re.compile(r"^Version:\s*(\S+)\s*$", re.MULTILINE)


def distribution(module: str) -> str:
    """Return the name under which the package of `module` is installed."""
    return DISTRIBUTIONS.get(module, module)


def install_line(module: str) -> str:
    """Return the shell line that installs the package of `module`."""
    return f"pip install {distribution(module)}"


def version(module: str) -> str | None:
    """Return the installed version of `module` without importing it, or None where it is absent."""
    try:
        found = metadata.distribution(distribution(module))
    except metadata.PackageNotFoundError:
        return None
    # `found.version` parses the whole file as a mail with its description: 5 ms, and a page asks 100 times.
    told = VERSION.search(found.read_text("METADATA") or "")
    return told[1] if told else found.version


def load(module: str) -> ModuleType:
    """Import `module`.

    Raises:
        BackendMissing: It is not installed, or its import fails; the hint holds the install line.
    """
    if util.find_spec(module.split(".")[0]) is None:
        name = distribution(module.split(".")[0])
        raise BackendMissing(f"The library {name} is not installed.", hint=f"Install it: pip install {name}")
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = distribution(module.split(".")[0])
        raise BackendMissing(
            f"The library {name} is installed but cannot be imported: {error}.",
            hint=f"Reinstall it: pip install --force-reinstall {name}",
        ) from error
