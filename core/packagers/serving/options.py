"""Options of a service: features, packaging, limits. Form, spelling and cache key derive from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from core.errors import InvalidRequest
from core.params import setting


@dataclass(frozen=True)
class Features:
    """What the service does besides answering; each adds a file to read and a package to install."""

    auth: bool = setting(
        False, "API keys", help="Only callers with a key are answered. Keys are kept as hashes."
    )
    rate_limit: bool = setting(
        False, "Rate limit", help="Each key, or address, gets so many requests a minute and then 429."
    )
    batching: bool = setting(
        False,
        "Dynamic batching",
        help="Requests that wait together run in one call: more throughput, a little latency for the first.",
    )
    cache: bool = setting(
        False,
        "Cache",
        help="The same input is computed once. It helps where inputs repeat, and costs memory.",
    )
    metrics: bool = setting(
        False, "Metrics", help="/metrics for Prometheus: latency by stage, errors, batches, hits, memory."
    )
    log: bool = setting(False, "Request log", help="A line of JSON a request on stdout, never with inputs.")
    predictions: bool = setting(
        False,
        "Prediction log and drift",
        help="Class, confidence and a few numbers of each input in SQLite, not the input; tested for drift "
        "against the evaluation data; accuracy once labels come in; alerts.",
    )
    versions: bool = setting(
        False,
        "Versions",
        help="Several versions side by side; change and roll back without a restart. Needs API keys.",
    )
    fallback: bool = setting(
        False,
        "Fallback",
        help="The original model answers what the optimized one fails at. It takes memory and packages, too.",
    )
    canary: bool = setting(
        False,
        "Canary",
        help="A share of the callers gets another version, which is rolled back where it is worse in errors, "
        "latency or predictions. Needs versions.",
    )
    shadow: bool = setting(
        False, "Shadow traffic", help="Another version is asked the same, answers nobody, and is compared."
    )
    batch_prediction: bool = setting(
        False,
        "Batch prediction",
        help="A command for whole files: .npz, CSV, Parquet, folders of images. Killed, it goes on later.",
    )
    streaming: bool = setting(
        False,
        "Streaming",
        help="A consumer of Redis streams or Kafka that takes no more than it can answer, and loses nothing.",
    )


@dataclass(frozen=True)
class Packaging:
    """What runs the service elsewhere."""

    docker: bool = setting(False, "Docker", help="Two stages, non-root, pinned, health check.")
    compose: bool = setting(
        False,
        "Compose",
        help="nginx before replicas, Redis, Prometheus, Grafana.",
    )
    k8s: bool = setting(
        False,
        "Kubernetes",
        help="Deployment, Service, autoscaler, probes.",
    )
    systemd: bool = setting(False, "systemd", help="A unit for a machine of your own, confined.")


@dataclass(frozen=True)
class ServiceParams(Packaging, Features):
    """All options of a service."""

    max_batch: int | None = setting(
        None,
        "Largest batch",
        help="Rows of one call with dynamic batching; empty: the size from which throughput gains no more.",
        low=1,
        high=1024,
    )
    max_delay_ms: float | None = setting(
        None,
        "Batching delay",
        unit="ms",
        help="How long the first request waits for others; empty: half a call, 5 ms at most.",
        low=0,
        high=1000,
    )
    second: str = setting(
        "",
        "Second version",
        help="Id of another candidate of the run, for canary and shadow traffic; empty: one is added later.",
    )
    share: float = setting(0.1, "Canary's share", help="Of the callers.", low=0.001, high=0.999)
    canary_requests: int = setting(
        1000,
        "Canary's requests",
        help="After so many without being worse it is activated; 0: by hand.",
        low=0,
        high=100_000_000,
    )
    cache_mb: int = setting(64, "Cache", unit="MB", low=1, high=65536)
    rate: int = setting(600, "Requests a minute", help="Of each key or address.", low=1, high=10_000_000)
    max_rows: int = setting(64, "Rows of a request", help="More are refused.", low=1, high=100_000)
    max_body_mb: int = setting(16, "Largest request", unit="MB", low=1, high=4096)
    timeout_s: float = setting(
        30.0,
        "Time limit",
        unit="s",
        help="For a body to arrive, and for the model to answer.",
        low=0.1,
        high=3600,
    )
    max_waiting: int = setting(
        128, "Queue", help="Requests that may wait for the model; more get 503.", low=1, high=100_000
    )
    log_share: float = setting(
        1.0, "Logged share", help="Of the predictions that the prediction log keeps.", low=0.001, high=1
    )
    log_rows: int = setting(
        100_000,
        "Logged rows",
        help="That the prediction log keeps; the oldest go.",
        low=8000,
        high=100_000_000,
    )
    log_inputs: bool = setting(
        False, "Log raw inputs", help="The prediction log keeps whole inputs, too: mind whose they are."
    )
    replicas: int = setting(2, "Replicas", help="Of Compose and Kubernetes.", low=1, high=1000)
    port: int = setting(8000, "Port", low=1, high=65535)


def names(kind: type[Any]) -> list[str]:
    """Return the options in `Features` or `Packaging`, as the command line spells them."""
    return [each.name.replace("_", "-") for each in fields(kind)]


def switched_on(kind: type[Any], chosen: Iterable[str]) -> dict[str, bool]:
    """Return the parameters that switch on what is chosen by name.

    Raises:
        InvalidRequest: There is no such option.
    """
    known, wanted = names(kind), [name.strip().replace("_", "-") for name in chosen if name.strip()]
    for name in wanted:
        if name not in known:
            what = kind.__name__.lower()
            raise InvalidRequest(
                f"There is no {name!r} among the {what}.", hint=f"Known: {', '.join(known)}."
            )
    return {name.replace("-", "_"): True for name in wanted}


def on(kind: type[Any], params: Any) -> list[str]:
    """Return the names of what is switched on in `Features` or `Packaging`."""
    return [each.name for each in fields(kind) if getattr(params, each.name, False)]
