"""Compose's nginx, Redis and Prometheus, as Debian has them, run with the generated files around replicas."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from core.packagers.serving.options import ServiceParams
from core.packagers.serving.packaging import PANELS
from tests.packagers.serving.composed import CLIENTS, COMMAND, REQUESTS, missing
from tests.packagers.serving.conftest import table, unpacked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
INSTALL = "apt-get install -y --no-install-recommends nginx-light redis-server prometheus dnsmasq-base"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what was seen of a service with all that Compose puts around it."""
    if missing():
        pytest.skip(f"NOT PROVEN: what Compose puts around a service. Missing: {missing()}. {INSTALL}")
    if subprocess.run([*COMMAND, "true"], capture_output=True).returncode:
        pytest.skip("NOT PROVEN: what Compose puts around a service: needs root, for its own network.")
    made = tmp_path_factory.mktemp("composed")
    params = ServiceParams(compose=True, cache=True, metrics=True, predictions=True)
    folder = unpacked(table(made / "in"), params, made / "out")
    command = [*COMMAND, sys.executable, "-m", "tests.packagers.serving.composed", str(folder)]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return found


def test_prometheus_takes_the_files_and_scrapes_every_replica(seen: dict[str, Any]) -> None:
    assert (seen["promtool config"], seen["promtool rules"]) == (0, 0)
    assert seen["up"] == 2
    assert seen["rules"] == dict.fromkeys(("Errors", "Slow", "Fallback", "Drift"), "ok")


def test_every_panel_of_the_dashboard_shows_something(seen: dict[str, Any]) -> None:
    assert len(seen["panels"]) == len(PANELS)


def test_replicas_share_predictions_through_redis(seen: dict[str, Any]) -> None:
    assert seen["shared"].split()[-1] == "1.0"
    assert seen["hits"]


def test_nothing_is_lost_by_a_replica_that_is_killed(seen: dict[str, Any]) -> None:
    everything = CLIENTS * REQUESTS
    assert (seen["killed"]["asked"], seen["killed"]["right"]) == (everything, everything)
    assert seen["killed"]["again"] <= CLIENTS
    assert seen["down"] == 1


def test_metrics_are_not_for_strangers(seen: dict[str, Any]) -> None:
    assert "metrics" not in seen
