"""What runs a service elsewhere is whole: it parses, and its parts name each other rightly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.domain.service import Load, Refusal, Trial
from core.packagers.serving.options import Features, Packaging, ServiceParams, names, switched_on
from core.packagers.serving.packaging import service_name
from core.registry import packagers
from tests.factories import ENVIRONMENT
from tests.packagers.serving.conftest import picture, table, unpacked

SCHEMAS = "kubernetes-validate==1.37.0"
"""The schemas of many versions: 111 MB, so that it has an environment of its own."""
LOADS = (Load(1, 500.0, 2.0, 3.0, 4.0, 1000, 0), Load(8, 900.0, 9.0, None, None, 1800, 0))
TRIAL = Trial(
    True, 0.001, 4, 1.5, LOADS, {"inference": 1.5}, None, 900.0, 400_000_000,
    (Refusal("NaN", 422, 422),), True, ENVIRONMENT, counted=True, rolled_back=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a service with every feature and packaging, tried before."""
    made = tmp_path_factory.mktemp("packaging")
    package = replace(picture(made / "in"), trial=TRIAL, original=table(made / "original"))
    chosen = {**switched_on(Features, names(Features)), **switched_on(Packaging, names(Packaging))}
    return unpacked(package, ServiceParams(**chosen, port=8123, replicas=3), made / "out")


def every(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_every_yaml_and_json_parses(folder: Path) -> None:
    files = [each for each in folder.rglob("*.y*ml") if "models" not in each.parts]
    assert len(files) == 9
    assert all(isinstance(every(path), dict) for path in files)
    dashboard = json.loads((folder / "compose/grafana/dashboards/service.json").read_text())
    queries = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    exported = (folder / "serving/metrics.py").read_text()
    asked = {name for name in re.findall(r"[a-z_]+(?=[\[{)])", queries) if "_" in name}
    for name in {re.sub(r"_(total|bucket|sum|count)$", "", each) for each in asked}:
        assert f'"{name}"' in exported or name.startswith("process_"), name


def test_the_dockerfile_runs_as_nobody_and_copies_what_is_there(folder: Path) -> None:
    lines = (folder / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line]
    kept = (folder / ".dockerignore").read_text().splitlines()
    for name in (name for each in copied for name in each):
        assert (folder / name).exists(), name
        assert f"!{name}" in kept
    assert "USER 10001:10001" in lines
    assert next(line for line in lines if line.startswith("FROM")).startswith("FROM python:3.")
    assert "HEALTHCHECK --interval=10s" in "\n".join(lines)
    assert "EXPOSE 8123" in lines


def test_compose_balances_over_replicas(folder: Path) -> None:
    compose = every(folder / "compose.yaml")
    service = compose["services"]["service"]
    assert service["deploy"]["replicas"] == 3
    assert service["deploy"]["resources"]["reservations"]["memory"] == "500M"
    assert service["environment"]["REDIS_URL"] == "redis://redis:6379/0"
    assert set(compose["services"]) == {"service", "nginx", "redis", "prometheus", "grafana"}
    mounted = [each.split(":")[0] for one in compose["services"].values() for each in one.get("volumes", ())]
    assert all((folder / each).exists() for each in mounted if each.startswith("./"))
    nginx = (folder / "compose/nginx.conf").read_text()
    assert "service:8123" in nginx
    assert nginx.count("{") == nginx.count("}")
    scraped = every(folder / "compose/prometheus.yml")["scrape_configs"][0]["dns_sd_configs"][0]
    assert (scraped["names"], scraped["port"]) == (["service"], 8123)


def test_kubernetes_names_fit_each_other(folder: Path) -> None:
    kept = folder / "k8s"
    deployment, service, scaler, whole = (
        every(kept / f"{name}.yaml") for name in ("deployment", "service", "hpa", "kustomization")
    )
    pod = deployment["spec"]["template"]
    labels = pod["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels == service["spec"]["selector"]
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    (container,) = pod["spec"]["containers"]
    assert container["ports"][0]["containerPort"] == 8123
    assert container["resources"]["requests"] == {"cpu": "1", "memory": "500M"}
    asked = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")}
    routes = (folder / "serving" / "management.py").read_text()
    assert all(f'Route("GET", "{path}"' in routes for path in asked)
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in pod["spec"]["volumes"]}
    assert [path for path in whole["resources"] if not (kept / path).exists()] == []
    assert whole["images"][0]["name"] == container["image"].split(":")[0]
    assert whole["secretGenerator"][0]["name"] == "pets-service-keys"


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.28", "1.37"])
def test_manifests_are_valid_against_the_schemas_of_kubernetes(folder: Path, version: str) -> None:
    tool = [sys.executable, "-m", "uv", "tool", "run", "--from", SCHEMAS, "kubernetes-validate"]
    if subprocess.run([*tool, "--help"], capture_output=True).returncode:
        pytest.skip(f"NOT PROVEN: the manifests of Kubernetes. {SCHEMAS} could not be installed.")
    files = [str(path) for path in (folder / "k8s").glob("*.yaml") if path.stem != "kustomization"]
    told = subprocess.run([*tool, "--strict", "-k", version, *files], capture_output=True, text=True)
    assert (told.returncode, told.stdout.count(" passed for ")) == (0, 3), told.stdout + told.stderr


def test_systemd_confines_it(folder: Path) -> None:
    unit = (folder / "systemd/pets-service.service").read_text()
    assert "DynamicUser=yes" in unit
    assert "LoadCredential=keys.json" in unit
    assert "--port 8123" in unit


def test_only_what_was_chosen_is_packaged(tmp_path: Path) -> None:
    folder = unpacked(table(tmp_path / "in"), ServiceParams(docker=True), tmp_path / "out")
    found = {path.name for path in folder.iterdir()}
    assert {"Dockerfile", ".dockerignore"} <= found
    assert not found & {"compose.yaml", "compose", "k8s", "systemd"}


def test_the_checklist_has_no_tick_without_evidence(folder: Path, tmp_path: Path) -> None:
    tried = (folder / "CHECKLIST.md").read_text()
    assert "- [x] **Latency of the service**: p50 2.00 ms, p99 4.00 ms with one client; +0.50 ms" in tried
    assert "- [x] **Throughput under load**: 900 requests/s with 8 clients" in tried
    assert "- [x] **Monitoring**: /metrics was asked" in tried
    assert "- [ ] **Rollback**" in tried
    untried = unpacked(table(tmp_path / "in"), ServiceParams(), tmp_path / "out") / "CHECKLIST.md"
    ticked = re.findall(r"- \[x\] \*\*(.+?)\*\*", untried.read_text())
    assert ticked == ["Accuracy on held-out data", "Latency of the model", "Size", "Memory of the model"]


def test_equal_packages_give_equal_bytes(tmp_path: Path) -> None:
    made = [
        unpacked(table(tmp_path / name), ServiceParams(cache=True), tmp_path / f"{name}-out").parent
        for name in ("one", "two")
    ]
    assert (made[0] / "service.zip").read_bytes() == (made[1] / "service.zip").read_bytes()


@pytest.mark.slow
def test_the_generated_code_is_typed_and_clean(folder: Path) -> None:
    strict = ["--strict", "--ignore-missing-imports", "--exclude", "models/", "."]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *strict], cwd=folder, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
    rules = ["--isolated", "--line-length", "110", "--select", "E,F,B,UP,SIM,C4,RET,RUF100"]
    told = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *rules, "--exclude", "models", "."],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize(
    ("model", "made"),
    [
        ("ResNet 18", "resnet-18-service"),
        ("2024_net", "model-2024-net-service"),
        ("\u7f51", "model-service"),
        ("x: {y}\n- z", "x-y-z-service"),
    ],
)
def test_every_model_gives_a_name_that_hosts_may_have(tmp_path: Path, model: str, made: str) -> None:
    package = table(tmp_path / "in")
    named = replace(package, model=replace(package.model, name=model))
    assert service_name(named) == made
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", made)  # RFC 1035, as Services have it


@pytest.mark.parametrize(
    ("kind", "http", "grpc", "nginx"), [("grpc", 8001, 8000, [80]), ("kserve", 8000, 8001, [80, 81])]
)
def test_ports_of_grpc_fit_each_other(
    kind: str, http: int, grpc: int, nginx: list[int], tmp_path: Path
) -> None:
    options = {"docker": True, "compose": True, "k8s": True, "metrics": True}
    made = unpacked(table(tmp_path / "in"), ServiceParams(**options), tmp_path / "out", packagers()[kind])
    assert f"EXPOSE {http} {grpc}\n" in (made / "Dockerfile").read_text()
    (scraped,) = every(made / "compose/prometheus.yml")["scrape_configs"][0]["dns_sd_configs"]
    assert scraped["port"] == http
    (container,) = every(made / "k8s/deployment.yaml")["spec"]["template"]["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert ports == {"http": http, "grpc": grpc}
    service = every(made / "k8s/service.yaml")["spec"]["ports"]
    assert {each["targetPort"] for each in service} == {"http", "grpc"}
    told = (made / "compose/nginx.conf").read_text()
    assert [int(port) for port in re.findall(r"listen (\d+)", told)] == nginx
    assert f"service:{grpc};" in told
