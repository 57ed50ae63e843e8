"""The machine and software that a measurement belongs to, read from the system without heavy imports."""

from __future__ import annotations

import os
import platform
import re
from functools import cache
from math import floor
from pathlib import Path

from core.domain.measurement import Environment
from core.machine.cores import given_cores
from core.optional import version
from core.registry import passes, runtimes
from core.serde import digest

COMMON = ("numpy", "torchvision")
"""Libraries that are used beside those which techniques and runtimes name."""
# What matters to inference, by the kernel's name in /proc/cpuinfo.
ISA = {
    **{name: name for name in ("avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl")},
    **{name: name for name in ("avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni", "avx_vnni_int8")},
    **{name: name for name in ("amx_tile", "amx_bf16", "amx_int8", "amx_fp16")},
    **{name: name for name in ("asimdhp", "asimddp", "sve", "sve2", "i8mm", "bf16")},
    "asimd": "neon",
}
NO_LIMIT = 2**60


def environment() -> Environment:
    """Return this machine and its software, with the load of this moment in both load fields."""
    load = os.getloadavg()[0]
    return Environment(
        cpu=_cpu(),
        isa=_isa(),
        cores=usable_cores(),
        memory_bytes=memory_limit(),
        governor=_read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        os=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        libraries=dict(_libraries()),
        load_before=load,
        load_after=load,
    )


@cache
def fingerprint() -> str:
    """Return a hash of the hardware that compiled code may depend on: processor and instruction sets."""
    return digest(_cpu(), _isa())


def machine_kind(cpu: str) -> str:
    """Return the name of a kind of machine, such as ``amd-epyc-9b45``: machines with this processor."""
    return re.sub(r"[^a-z0-9.]+", "-", cpu.lower()).strip("-")


def usable_cores() -> int:
    """Return the cores that affinity and control group leave to this process, at least 1."""
    cores = len(given_cores() or ()) or os.cpu_count() or 1
    quota = _quota()
    return cores if quota is None else max(1, min(cores, floor(quota)))


def memory_limit() -> int:
    """Return the bytes of memory this process may use: physical, or less where a control group says so."""
    import psutil  # toolchains, in which techniques are imported too, lack it

    limits = [psutil.virtual_memory().total]
    for text in (*_group_files("memory.max"), *_group_files("memory.limit_in_bytes", "memory")):
        if text.isdigit() and int(text) < NO_LIMIT:
            limits.append(int(text))
    return min(limits)


def memory_available() -> int:
    """Return the bytes of memory that nobody uses now."""
    import psutil

    return min(psutil.virtual_memory().available, memory_limit())


def _quota() -> float | None:
    quotas = []
    for text in _group_files("cpu.max"):
        parts = text.split()
        if len(parts) == 2 and parts[0].isdigit():
            quotas.append(int(parts[0]) / int(parts[1]))
    periods = _group_files("cpu.cfs_period_us", "cpu")
    for quota, period in zip(_group_files("cpu.cfs_quota_us", "cpu"), periods, strict=False):
        if quota.isdigit() and period.isdigit():
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def _group_files(name: str, controller: str = "") -> list[str]:
    """Return what the file `name` of this process's control group and of all groups above it says."""
    found = []
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller not in controllers.split(",") if controller else controllers:
            continue
        group = Path("/sys/fs/cgroup", controller, path.lstrip("/"))
        for folder in (group, *group.parents):
            if folder == Path("/sys/fs"):
                break
            text = _read(folder / name)
            if text:
                found.append(text)
    return found


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


@cache
def _cpuinfo() -> dict[str, str]:
    """Return the fields of the first processor."""
    first = _read("/proc/cpuinfo").split("\n\n")[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}


def _cpu() -> str:
    info = _cpuinfo()
    named = info.get("model name") or info.get("hardware") or platform.processor() or platform.machine()
    # A hypervisor may hide the model; family and model still tell two machines apart.
    family, model = info.get("cpu family"), info.get("model")
    return f"{named} (family {family}, model {model})" if family and model else named


def _isa() -> tuple[str, ...]:
    info = _cpuinfo()
    flags = set((info.get("flags") or info.get("features") or "").split())
    return tuple(sorted(name for flag, name in ISA.items() if flag in flags))


@cache
def _libraries() -> tuple[tuple[str, str], ...]:
    built_by = {module for each in passes().values() for module in each.libraries}
    run_by = {module for each in runtimes().values() for module in each.modules}
    versions = ((name, version(name)) for name in sorted({*COMMON, *built_by, *run_by}))
    return tuple((name, found) for name, found in versions if found is not None)
