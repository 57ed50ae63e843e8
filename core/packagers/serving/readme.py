"""README of a service: how to run, ask and change it, what was chosen, and what was not run."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from core.packagers.readme import code, plain
from core.packagers.serving.batches import BatchPlan
from core.packagers.serving.options import Features, Packaging, ServiceParams, on
from core.packagers.serving.packaging import service_name
from core.packagers.serving.settings import MODEL
from core.protocols import Package

if TYPE_CHECKING:
    from core.packagers.serving.folder import Service

RUN = """
## Run it

```
python -m venv .venv && .venv/bin/pip install -r requirements.txt -c constraints.txt
{lines}
```

`requirements.txt` has what the code imports and `constraints.txt` all that comes with it, at the versions
that it was measured and tried with. SIGTERM ends it: what waits is answered first.
"""
ASK = """
## Ask it

`POST /predict` takes

- JSON: `{{"inputs": {{{example}}}}}`{documented},
- NumPy arrays with `Content-Type: application/x-npz`, as `numpy.savez` writes them, one for each input by
  name: the fast way, of exact types ({types}){images}.

The answer is JSON, or `.npz` for a request in `.npz` or with `Accept: application/x-npz`. The header
`Server-Timing` says where the time went. `GET /health`: the process lives. `GET /ready`: the model is loaded
and gave the outputs of the measurement for the golden inputs; 503 until then. Errors: 401 key, 406 too many
outputs for JSON, 408 slow body, 413 too large, 415 content type, 422 inputs that do not fit, each with its
place, 429 rate, 503 not ready or too many wait, 504 too slow.
"""
USE = {
    "auth": "`python -m serving.keys add NAME` makes a key, prints it once and keeps its hash in "
    "keys.json. Callers send `Authorization: Bearer KEY`.",
    "rate_limit": "`{rate}` of each key or address; `SERVICE_RATE` changes it.",
    "batching": "Calls of up to {largest} rows{gain}; the first of a batch waits {delay:g} ms at most.",
    "cache": "{cache} MB in the process, and in Redis where `REDIS_URL` is set. `Cache-Control: no-cache` "
    "asks the model.",
    "metrics": "`GET /metrics` for Prometheus. It asks for no key: keep it inside.",
    "log": "A line of JSON a request on stdout.",
    "predictions": "`state/predictions.db` keeps class, confidence and a few numbers of each input, not the "
    "input. Windows of 250, 1,000 and 4,000 predictions are held against the evaluation data. Alerts go to "
    "stderr, to `SERVICE_WEBHOOK` and into the metrics. `GET /watch` has all; `whetstone watch ADDRESS` and "
    "the Watch page show it. True labels, by the `X-Request-Id` of their answers: `POST /labels` or "
    "`python -m serving.labels LABELS.csv`.",
    "versions": "Unzip another kit to `models/NAME`, then `POST /versions/NAME/activate` with a key made "
    "with `--admin`: it is loaded and proven before it answers. `POST /versions/rollback` goes back. "
    "Replicas that share the folder `state` follow.",
    "canary": "{second}by a hash of the key, of the header `X-Split-Key` or of the address. `GET /canary` "
    "shows both arms. Worse in errors, latency or predictions, it is rolled back; after {canary_requests} "
    "requests it is activated. With a key made with `--admin`: `POST /canary/NAME/start`, `/canary/promote`, "
    "`/canary/rollback`.",
    "shadow": "{shadowing}is asked the same and answers nobody. `GET /shadow` shows how it differs.",
    "batch_prediction": "`python -m serving.batch DATA OUT`: DATA is .npz, .csv, .tsv, .parquet or a folder "
    "of images; OUT gets a file for each 1,000 rows, with classes, outputs and what was wrong with a row. "
    "The same command goes on after the last whole file. `--help` has the rest.",
    "streaming": "`python -m serving.stream redis://HOST:6379/0 --from requests --to predictions`, or "
    "`kafka://HOST:9092` after `pip install confluent-kafka`. A message has what `POST /predict` takes as "
    "`body` (of Kafka the value) and its content type as `type` (a header); `key` comes back. At least once: "
    "what was taken and not answered is delivered again.",
    "fallback": "`models/original` answers where the optimized model fails, with the header `X-Fallback`.",
}
PACKAGED = {
    "docker": "`docker build -t {name} . && docker run {published} {name}`",
    "compose": "`docker compose up --build`: nginx at port 8080 before {replicas} replicas",
    "k8s": "`kubectl apply -k k8s`: {replicas} replicas and an autoscaler",
    "systemd": "`systemd/{name}.service`; its head says how",
}


def readme(
    package: Package, params: ServiceParams, settings: dict[str, Any], plan: BatchPlan, packager: Service
) -> str:
    """Return the README of a service; what strangers named is shown as plain text."""
    title = f"# {plain(package.model.name)}: {plain(package.candidate.name)}, {packager.name}"
    parts = [
        title,
        "`models/v1` is the kit: its README has the measurement. CHECKLIST.md says what is shown and what is "
        "open.",
        _run(params, packager),
        _ask(package, settings, packager),
        _features(params, plan),
        _packaged(package, params, packager),
        _code(),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _run(params: ServiceParams, packager: Service) -> str:
    documented = f", documented at {packager.documented}" if packager.documented else ""
    with_key = " --key KEY" if params.auth else ""
    address = packager.address(params.port)
    commands = {
        "serve.py": f"{address}{documented}",
        f"client.py {address}{with_key}": "the golden inputs, compared",
    }
    if params.auth:
        commands = {"-m serving.keys add me": "prints a key", **commands}
    width = max(map(len, commands))
    return RUN.format(
        lines="\n".join(f".venv/bin/python {each:{width}}  # {told}" for each, told in commands.items())
    )


def _ask(package: Package, settings: dict[str, Any], packager: Service) -> str:
    inputs = package.model.inputs
    types = ", ".join(f"{code(each.name)} {each.dtype}" for each in inputs)
    images = (
        ",\n- an image as the body with `Content-Type: image/jpeg`, or in a form as `image`: prepared as "
        "in the measurement"
        if settings["picture"] is not None
        else ""
    )
    example = ", ".join(f'"{plain(each.name)}": [...]' for each in inputs)
    documented = f", as {packager.documented} describes it" if packager.documented else ""
    told = {"example": example, "types": types, "images": images, "documented": documented}
    return packager.asked.format(**told, model=MODEL)


def _features(params: ServiceParams, plan: BatchPlan) -> str:
    chosen = on(Features, params)
    if not chosen:
        return ""
    labels = {each.name: each.metadata["label"] for each in fields(Features)}
    gain = f" (measured: {plan.gain:.1f}x the throughput of one)" if plan.gain is not None else ""
    values = {
        "rate": f"{params.rate}/minute",
        "largest": max(plan.sizes),
        "gain": gain,
        "delay": plan.delay_ms,
        "cache": params.cache_mb,
        "second": f"`models/v2` gets {params.share:.0%} of the callers, "
        if params.second
        else "Who gets it, ",
        "canary_requests": f"{params.canary_requests:,}" if params.canary_requests else "no number of",
        "shadowing": "`models/v2` " if params.second else "A version that `shadow` in `service.json` names ",
    }
    rows = [f"- **{labels[name]}**: {USE[name].format(**values)}" for name in chosen]
    return "\n".join(["## What was chosen", "", *rows, "", "`service.json` has the settings."])


def _packaged(package: Package, params: ServiceParams, packager: Service) -> str:
    chosen = on(Packaging, params)
    if not chosen:
        return ""
    ports = packager.ports(params.port)
    published = " ".join(f"-p {port}:{port}" for port in (ports.http, ports.grpc) if port is not None)
    values = {"name": service_name(package), "published": published, "replicas": params.replicas}
    rows = [f"- {PACKAGED[name].format(**values)}" for name in chosen]
    key = " Make a key before (see Run it)." if params.auth else ""
    return "\n".join(
        [
            "## Elsewhere",
            "",
            *rows,
            "",
            f"These files were made and not run here.{key} Whetstone's own tests build such an image, run "
            "nginx, Redis and Prometheus with such files around replicas of which one is killed, and hold "
            "the manifests against Kubernetes' schemas; Grafana, a cluster and systemd were never run. "
            "Memory and processors that they ask for come from the measurement.",
        ]
    )


def _code() -> str:
    return (
        "## The code\n\n`app.py` is HTTP alone, `serve.py` runs it. `serving/` is the rest and knows no "
        "framework: `service.py` puts the features together, `worker.py` runs the model, `inputs.py` checks "
        "what comes in. It is yours to change."
    )
