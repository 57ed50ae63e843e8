"""What runs a service elsewhere: Docker, Compose with nginx and monitoring, Kubernetes, systemd."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from core.packagers.serving.options import ServiceParams
from core.packagers.serving.requirements import SHARING
from core.packagers.serving.settings import slow_ms
from core.packagers.templating import filled
from core.protocols import Package

DOCKER = {"Dockerfile": "Dockerfile", ".dockerignore": "dockerignore"}
COMPOSE = {"compose.yaml": "compose.yaml", "compose/nginx.conf": "nginx.conf"}
WATCHING = {
    "compose/prometheus.yml": "prometheus.yml",
    "compose/alerts.yml": "alerts.yml",
    "compose/grafana/provisioning/datasources/prometheus.yml": "datasource.yml",
    "compose/grafana/provisioning/dashboards/service.yml": "dashboards.yml",
}
KUBERNETES = {
    f"k8s/{name}": name for name in ("deployment.yaml", "service.yaml", "hpa.yaml", "kustomization.yaml")
}
SPARE, LIMIT = 1.25, 1.6
"""Memory that is asked for and allowed, by that of the trial."""
FRAMEWORK_BYTES = 150e6
"""Of Python and the framework, where the service was not tried."""
PANELS = (
    ("Requests per second", "reqps", ("sum by (status) (rate(requests_total[1m]))",)),
    (
        "Latency",
        "s",
        tuple(
            f"histogram_quantile({q}, sum by (le) (rate(request_seconds_bucket[1m])))"
            for q in (0.5, 0.95, 0.99)
        ),
    ),
    (
        "Stages, mean",
        "s",
        ("sum by (stage) (rate(stage_seconds_sum[1m])) / sum by (stage) (rate(stage_seconds_count[1m]))",),
    ),
    (
        "Rows of a call, mean",
        "short",
        ("sum(rate(batch_rows_sum[1m])) / sum(rate(batch_rows_count[1m]))",),
    ),
    (
        "Cache hits",
        "percentunit",
        ('sum(rate(cache_lookups_total{result="hit"}[5m])) / sum(rate(cache_lookups_total[5m]))',),
    ),
    ("In flight", "short", ("sum(requests_in_flight)",)),
    ("Memory", "bytes", ("process_resident_memory_bytes",)),
    ("Versions that answer", "short", ("sum by (version) (version_active)",)),
)
"""Of the dashboard: title, unit, queries."""


@dataclass(frozen=True)
class Ports:
    """Where a service is asked.

    Attributes:
        http: Port of health and metrics.
        grpc: Of gRPC; None without it.
        predicts: Whether predictions are asked for over HTTP, too.
    """

    http: int
    grpc: int | None
    predicts: bool


def packaging(
    package: Package, params: ServiceParams, ports: Ports, adapter: Sequence[str]
) -> dict[str, str]:
    """Return the files of what was chosen, by name; `adapter` names those beside the core."""
    values = {**_values(package, params), **asdict(ports), "adapter": adapter}
    wanted = DOCKER if params.docker or params.compose or params.k8s else {}
    wanted = wanted | (COMPOSE if params.compose else {}) | (KUBERNETES if params.k8s else {})
    wanted |= WATCHING if params.compose and params.metrics else {}
    wanted |= {f"systemd/{values['name']}.service": "systemd.service"} if params.systemd else {}
    texts = {name: filled(f"service/packaging/{file}.j2", values) for name, file in wanted.items()}
    if params.compose and params.metrics:
        texts["compose/grafana/dashboards/service.json"] = dashboard(values["name"])
    return texts


def service_name(package: Package) -> str:
    """Return the model's name as images, hosts and units may have it.

    Kubernetes wants a letter in front: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/.
    """
    made = re.sub(r"[^a-z0-9]+", "-", package.model.name.lower())[:40].strip("-")
    named = made if made[:1].isalpha() else f"model-{made}".strip("-")
    return f"{named}-service"


def memory(package: Package) -> tuple[float, str]:
    """Return the bytes that a service takes, and where that is known from."""
    if package.trial is not None:
        return package.trial.memory_bytes, "memory measured while it was loaded with requests"
    result = package.candidate.result
    model = result.timing.memory_bytes if result is not None else 0
    return model + FRAMEWORK_BYTES, "memory of the model as measured, that of the framework guessed: try it"


def _values(package: Package, params: ServiceParams) -> dict[str, Any]:
    taken, source = memory(package)
    target = package.candidate.recipe.target
    return {
        "name": service_name(package),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "threads": target.threads,
        "cpus": target.threads,
        "port": params.port,
        "replicas": params.replicas,
        "memory_mb": ceil(SPARE * taken / 1e6),
        "memory_limit_mb": ceil(LIMIT * taken / 1e6),
        "memory_source": source,
        "max_body_mb": params.max_body_mb,
        "timeout_s": ceil(params.timeout_s),
        "slow_s": slow_ms(package) / 1e3,
        "predictions": params.predictions,
        "redis": any(getattr(params, feature) for feature in SHARING),
        "auth": params.auth,
        "metrics": params.metrics,
        "versions": params.versions,
    }


def dashboard(name: str) -> str:
    """Return a Grafana dashboard of the service's metrics."""
    panels = [
        {
            "id": number + 1,
            "title": title,
            "type": "timeseries",
            "datasource": {"type": "prometheus", "uid": "prometheus"},
            "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "targets": [{"refId": chr(65 + index), "expr": query} for index, query in enumerate(queries)],
        }
        for number, (title, unit, queries) in enumerate(PANELS)
    ]
    made = {
        "uid": "service",
        "title": name,
        "schemaVersion": 39,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "panels": panels,
    }
    return json.dumps(made, indent=2) + "\n"
