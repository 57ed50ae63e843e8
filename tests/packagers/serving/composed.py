"""Runs the parts of a generated `compose.yaml` and prints what was seen, as JSON. By itself, it is a program:

python -m tests.packagers.serving.composed FOLDER, in namespaces of its own, see `COMMAND`.

Its files are used as they are: dnsmasq is the resolver at 127.0.0.11 that Docker has, and each replica has an
address of its own.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which
from time import monotonic, sleep
from typing import Any

import numpy as np
import yaml

from tests.packagers.serving.test_app import arrays, npz

TOOLS = ("nginx", "redis-server", "redis-cli", "prometheus", "promtool", "dnsmasq", "unshare", "ip")
COMMAND = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
REPLICAS = ("127.0.1.1", "127.0.1.2")
REDIS = "127.0.2.1"
PATIENCE_S = 120.0
CLIENTS, REQUESTS, KILLED_AFTER = 8, 50, 15
NPZ = {"Content-Type": "application/x-npz"}


def missing() -> list[str]:
    """Return the programs that are not installed here."""
    return [name for name in TOOLS if which(name) is None]


def until(seen: Callable[[], Any]) -> Any:
    """Return what is seen at last.

    Raises:
        TimeoutError: Nothing is, after `PATIENCE_S`.
    """
    end = monotonic() + PATIENCE_S
    while monotonic() < end:
        with suppress(OSError, http.client.HTTPException):
            if found := seen():
                return found
        sleep(0.1)
    raise TimeoutError(seen)


def fetched(address: str, body: bytes | None = None, **headers: str) -> bytes:
    asked = urllib.request.Request(address, body, {**(NPZ if body else {}), **headers})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return bytes(answer.read())


def asked(query: str) -> list[Any]:
    """Return what Prometheus says to a query."""
    quoted = urllib.parse.quote(query)
    found = json.loads(fetched(f"http://127.0.0.1:9090/api/v1/query?query={quoted}"))
    return list(found["data"]["result"])


@contextmanager
def running(folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run all parts but Grafana; give the replicas."""
    compose = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    work = folder / "running"
    work.mkdir()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    (work / "resolv.conf").write_text("nameserver 127.0.0.11\n")
    subprocess.run(["mount", "--bind", work / "resolv.conf", Path("/etc/resolv.conf").resolve()], check=True)
    named = [f"--host-record=service,{address}" for address in REPLICAS]
    named += [f"--host-record=redis,{REDIS}", "--local=/service/", "--local=/redis/"]
    dns = ["dnsmasq", "-k", "-C", "/dev/null", "-R", "-h", "-u", "root", "-a", "127.0.0.11", "-z", "-x", ""]
    started = [subprocess.Popen([*dns, *named])]
    # Docker runs it as another user, without whom nobody could own its files here.
    nginx = ["nginx", "-c", folder / "compose" / "nginx.conf", "-p", work, "-e", work / "nginx.log"]
    started.append(
        subprocess.Popen([*nginx, "-g", f"user root; daemon off; pid {work}/nginx.pid;"], cwd=work)
    )
    started.append(subprocess.Popen([*compose["redis"]["command"], "--bind", REDIS], cwd=work))
    prometheus = ["prometheus", f"--config.file={folder}/compose/prometheus.yml"]
    started.append(
        subprocess.Popen([*prometheus, f"--storage.tsdb.path={work}/tsdb", "--log.level=warn"], cwd=work)
    )
    env = {**os.environ, **compose["service"]["environment"], "SERVICE_STATE": str(work / "state")}
    replicas = [
        subprocess.Popen([sys.executable, "serve.py", "--host", address], cwd=folder, env=env)
        for address in REPLICAS
    ]
    try:
        yield replicas
    finally:
        for each in (*started, *replicas):
            each.kill()


def ready(port: int) -> None:
    for address in REPLICAS:
        until(lambda address=address: fetched(f"http://{address}:{port}/ready"))  # type: ignore[misc]
    until(lambda: fetched("http://127.0.0.1/ready"))


def loaded(kill: Callable[[], None]) -> dict[str, Any]:
    """Ask through nginx with many clients at once, each again at most once; `kill` meanwhile."""
    answers: list[tuple[bool, int]] = []

    def client(number: int) -> None:
        for turn in range(REQUESTS):
            row = np.array([[number, turn, 1, 2]], np.float32)
            expected = row @ (np.arange(12, dtype=np.float32).reshape(4, 3) / 12)
            answers.append(_asked_twice(npz(features=row), expected))
            if len(answers) == CLIENTS * KILLED_AFTER:
                kill()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))
    return {"asked": len(answers), "right": sum(r for r, _ in answers), "again": sum(n for _, n in answers)}


def _asked_twice(body: bytes, expected: Any) -> tuple[bool, int]:
    for again in range(2):
        with suppress(OSError, http.client.HTTPException):
            found = arrays(fetched("http://127.0.0.1/predict", body))["scores"]
            return bool(np.allclose(found, expected, rtol=1e-4)), again
    return False, 1


def shared(port: int) -> str:
    """Ask one replica, then the other the same; return what the other says of its cache."""
    body = npz(features=np.array([[9, 8, 7, 6]], np.float32))
    fetched(f"http://{REPLICAS[0]}:{port}/predict", body)
    until(lambda: int(subprocess.check_output(["redis-cli", "-h", REDIS, "dbsize"]).split()[-1]))
    fetched(f"http://{REPLICAS[1]}:{port}/predict", body)
    told = fetched(f"http://{REPLICAS[1]}:{port}/metrics").decode()
    return next(line for line in told.splitlines() if line.startswith('cache_lookups_total{result="hit"}'))


def evaluated() -> dict[str, str]:
    """Return the health of each rule, once all were evaluated."""
    groups = json.loads(fetched("http://127.0.0.1:9090/api/v1/rules"))["data"]["groups"]
    rules = {each["name"]: each["health"] for group in groups for each in group["rules"]}
    return {} if "unknown" in rules.values() else rules


def shown(panels: list[Any]) -> list[str]:
    """Return the titles of the panels, once each query of each has an answer."""
    answers = [[len(asked(each["expr"])) for each in panel["targets"]] for panel in panels]
    return [panel["title"] for panel in panels] if all(map(all, answers)) else []


def main(folder: Path) -> dict[str, Any]:
    """Return what was seen."""
    port = json.loads((folder / "service.json").read_text())["port"]
    checks = ("config", folder / "compose" / "prometheus.yml"), ("rules", folder / "compose" / "alerts.yml")
    found: dict[str, Any] = {
        f"promtool {kind}": subprocess.run(["promtool", "check", kind, path], stdout=2).returncode
        for kind, path in checks
    }
    with running(folder) as replicas:
        ready(port)
        found["shared"] = shared(port)
        found["up"] = until(lambda: len(asked("up == 1")) == len(REPLICAS) and len(REPLICAS))
        found["killed"] = loaded(replicas[0].kill)
        found["hits"] = until(lambda: asked('sum(cache_lookups_total{result="hit"}) > 0'))
        found["down"] = until(lambda: len(asked("up == 0")))
        found["rules"] = until(evaluated)
        panels = json.loads((folder / "compose/grafana/dashboards/service.json").read_text())["panels"]
        found["panels"] = until(lambda: shown(panels))
        with suppress(urllib.error.HTTPError):
            found["metrics"] = fetched("http://127.0.0.1/metrics").decode()
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
