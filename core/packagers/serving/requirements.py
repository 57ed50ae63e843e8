"""Requirements of a service: what it imports, pinned, and all that comes with it, as constraints."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.optional import distribution, version
from core.packagers.serving.options import ServiceParams
from core.protocols import Package
from core.registry import get_runtime

FEATURES = {
    "cache": ("cachetools",),
    "rate_limit": ("limits",),
    "metrics": ("prometheus-client",),
    "predictions": ("scipy",),
    "canary": ("scipy",),
    "streaming": ("redis",),
    "batch_prediction": ("pyarrow",),
}
SHARING = ("cache", "rate_limit")
"""Features that replicas share through Redis."""


def packages(package: Package, params: ServiceParams, framework: Iterable[str], images: bool) -> list[str]:
    """Return the names of the packages that the service imports."""
    runtimes = [get_runtime(each.candidate.recipe.target.runtime_id) for each in _kits(package)]
    found = [distribution(module) for runtime in runtimes for module in runtime.modules[:1]]
    found += ["numpy", "pydantic", *framework]
    found += [name for feature, names in FEATURES.items() if getattr(params, feature) for name in names]
    if images:
        found += ["pillow", "python-multipart"]
    if (params.compose or params.k8s) and any(getattr(params, feature) for feature in SHARING):
        found.append("redis")
    return list(dict.fromkeys(found))


def _kits(package: Package) -> list[Package]:
    return [package, *filter(None, (package.original, package.second))]


def requirements(names: Iterable[str]) -> str:
    """Return the content of `requirements.txt`: `names` at the versions that are installed here."""
    return "".join(f"{name}=={version(name)}\n" for name in names)


def constraints(names: Iterable[str]) -> str:
    """Return the content of `constraints.txt`: every package that comes with `names`, as installed here."""
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found or (there := version(name)) is None:
            continue
        found[name] = there
        waiting += _needs(name)
    return "".join(f"{name}=={there}\n" for name, there in sorted(found.items()))


@cache
def _needs(name: str) -> tuple[str, ...]:
    needed = map(Requirement, metadata.requires(name) or [])
    return tuple(each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""}))
