"""The folder of a service: kits, serving core, adapter, settings, packaging, checklist."""

from __future__ import annotations

import json
import zipfile
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, ClassVar

from core.domain.recipe import Artifact
from core.domain.run import Candidate
from core.errors import InvalidRequest
from core.packagers.kit import PACKAGER as KIT
from core.packagers.kit import add_file, add_kit
from core.packagers.serving import checklist, readme
from core.packagers.serving.batches import BatchPlan, batches
from core.packagers.serving.dialects import NpzOverHttp
from core.packagers.serving.options import ServiceParams
from core.packagers.serving.packaging import Ports, packaging
from core.packagers.serving.reference import REFERENCE
from core.packagers.serving.requirements import FEATURES, constraints, packages, requirements
from core.packagers.serving.settings import ORIGINAL, SECOND, VERSION, settings_of
from core.protocols import Availability, Dialect, Package, Packager, availability

CORE = (
    *("__init__", "errors", "bodies", "settings", "inputs", "schema", "outputs"),
    *("kit", "worker", "record", "service", "call", "http", "management", "running", "comparing"),
)
"""Files of the serving core that every service has; the others bear the names of their features."""
FILES = {
    "auth": "keys",
    "rate_limit": "rate_limit",
    "batching": "batching",
    "cache": "cache",
    "metrics": "metrics",
    "log": "log",
    "versions": "versions",
    "canary": "arms canary drift features",
    "shadow": "shadow",
    "streaming": "brokers stream",
    "batch_prediction": "rows tables parts batch",
    "predictions": "database features drift watching windows labels predictions",
}
"""Files of a feature."""


def _alike(plan: BatchPlan, other: BatchPlan) -> bool:
    """Whether two versions take requests of the same numbers of rows."""
    return plan.fixed == other.fixed and (not plan.fixed or plan.sizes == other.sizes)


def templates() -> Traversable:
    """Return the folder of the files that services are made of."""
    return resources.files("core.packagers").joinpath("templates", "service")


class Service(Packager):
    """A kind of service: the serving core and the adapter of one framework.

    Attributes:
        id: Also the folder of the adapter among the templates.
        framework: Packages that the adapter imports, by their names in package indexes.
        parts: Files of the core that its adapter needs and others do not.
        client: Which of the templates' `clients` asks it, unless its adapter has a `client.py`.
        documented: Where it tells what it takes, such as ``/docs``; empty where nowhere.
        asked: How to ask it, as a section of the README.
        http_offset: From the port of the service to that of HTTP, which health and metrics have.
        grpc_offset: To that of gRPC; None without it.
    """

    suffix: ClassVar[str] = "zip"
    serves: ClassVar[tuple[Dialect, ...]] = (NpzOverHttp(),)
    Params: ClassVar[type[Any]] = ServiceParams
    use: ClassVar[str] = "unzip it, install requirements.txt and run python serve.py."
    framework: ClassVar[tuple[str, ...]]
    parts: ClassVar[tuple[str, ...]] = ()
    client: ClassVar[str] = "http"
    documented: ClassVar[str] = ""
    asked: ClassVar[str] = readme.ASK
    http_offset: ClassVar[int] = 0
    grpc_offset: ClassVar[int | None] = None

    def requires(self, candidate: Candidate, artifact: Artifact) -> None:
        """Refuse what makes no kit, and what does not run here.

        Raises:
            InvalidRequest: With the reason.
        """
        if candidate.result is None:
            raise InvalidRequest(
                f"{candidate.name} was not measured, so it cannot be served from here.",
                hint="Choose a candidate that was measured.",
            )
        KIT.requires(candidate, artifact)

    def address(self, port: int) -> str:
        """Return where it is asked on this machine."""
        return f"http://127.0.0.1:{port}"

    def ports(self, port: int) -> Ports:
        """Return the ports of a service at `port`."""
        grpc = port + self.grpc_offset if self.grpc_offset is not None else None
        return Ports(port + self.http_offset, grpc, predicts=self.http_offset == 0)

    def needs_original(self, params: ServiceParams) -> bool:
        """Whether the original model is to answer what the optimized one fails at."""
        return params.fallback

    def second(self, params: ServiceParams) -> str:
        """Return the id of the candidate that is to be a canary, or to be asked the same."""
        return params.second if params.canary or params.shadow else ""

    def needs_reference(self, params: ServiceParams) -> bool:
        """Whether predictions are held against those on the evaluation data."""
        return params.predictions

    def available(self) -> Availability:
        """Say whether what every such service imports is installed here."""
        return availability((*self.framework, "pydantic"))

    def can_run(self, params: ServiceParams) -> Availability:
        """Say whether the packages that the service imports are installed here."""
        features = (name for feature, found in FEATURES.items() if getattr(params, feature) for name in found)
        return availability([*self.framework, "pydantic", *features])

    def write(self, package: Package, path: Path, params: ServiceParams) -> None:
        """Write the zip; equal packages give equal bytes.

        Raises:
            InvalidRequest: Options contradict each other or the model.
        """
        if params.versions and not params.auth:
            raise InvalidRequest(
                "Versions are changed by requests, so that they need API keys.",
                hint="Choose API keys (auth), too.",
            )
        if params.canary and not params.versions:
            raise InvalidRequest("A canary is activated as a version.", hint="Choose versions, too.")
        if params.second and not (params.canary or params.shadow):
            raise InvalidRequest(
                "A second version was given, and nothing asks it.", hint="Choose canary or shadow, too."
            )
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in sorted(self._texts(package, params).items()):
                add_file(archive, name, text.encode())
            add_kit(archive, package, f"models/{VERSION}/")
            if package.reference is not None:
                add_file(archive, f"models/{VERSION}/{REFERENCE}", package.reference)
            if params.fallback and package.original is not None:
                add_kit(archive, package.original, f"models/{ORIGINAL}/")
            if package.second is not None:
                add_kit(archive, package.second, f"models/{SECOND}/")

    def _texts(self, package: Package, params: ServiceParams) -> dict[str, str]:
        """Return every file but those of the kits."""
        plan = batches(package, params)
        if package.second is not None and not _alike(plan, batches(package.second, ServiceParams())):
            raise InvalidRequest(
                f"{package.second.candidate.name} takes other numbers of rows.", hint="Choose another one."
            )
        settings = settings_of(package, params, plan)
        names = packages(package, params, self.framework, settings["picture"] is not None)
        return {
            "service.json": json.dumps(settings, indent=2) + "\n",
            "requirements.txt": requirements(names),
            "constraints.txt": constraints(names),
            **self._code(params, settings),
            **packaging(package, params, self.ports(params.port), sorted(self._adapter())),
            "CHECKLIST.md": checklist.markdown(checklist.checklist(package, params)),
            "README.md": readme.readme(package, params, settings, plan, self),
        }

    def _code(self, params: ServiceParams, settings: dict[str, Any]) -> dict[str, str]:
        """Return the adapter, and of the serving core what was chosen."""
        wanted = [
            *CORE,
            *(file for feature, files in FILES.items() if getattr(params, feature) for file in files.split()),
        ]
        wanted += ["images"] if settings["picture"] is not None else []
        kept = templates()
        core = {
            f"serving/{name}.py": kept.joinpath("serving", f"{name}.py") for name in (*wanted, *self.parts)
        }
        return {name: file.read_text(encoding="utf8") for name, file in (core | self._adapter()).items()}

    def _adapter(self) -> dict[str, Traversable]:
        """Return the files beside the core, by name."""
        kept = templates()
        found = {"client.py": kept.joinpath("clients", f"{self.client}.py")}
        own = (each for each in kept.joinpath(self.id).iterdir() if not each.name.startswith("_"))
        return found | {each.name: each for each in own if each.is_file()}
