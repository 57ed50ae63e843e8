"""What a run is asked for on the command line."""

from __future__ import annotations

import argparse
import re
from math import inf, isfinite
from pathlib import Path
from typing import Any, Literal

from core.api import AUTO
from core.domain.run import Objective
from core.errors import InvalidRequest
from core.registry import metrics

SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add what a run may be asked for."""
    parser.add_argument("--preset", default="quick", help="quick, balanced or thorough (default: quick)")
    parser.add_argument(
        "--recipe",
        action="append",
        default=[],
        help="pass+pass@runtime, or a YAML file as recipe prints it; repeat for several",
    )
    parser.add_argument(
        "--strategy", default="", help="adds candidates while results come in: search, or search:most=8"
    )
    parser.add_argument(
        "--search", action="store_true", help="the same as --strategy search: add what promises most"
    )
    parser.add_argument("--runtimes", default="", help="comma-separated; default: all that are available")
    parser.add_argument("--train", help="a training set for techniques that train; as --data, but no id")
    parser.add_argument(
        "--objective",
        default=Objective.LATENCY.value,
        help=f"what to have the most of within the limits: {', '.join(Objective)} (default: latency)",
    )
    drop = "default: 1 point; 1 %% of the targets' standard deviation in MAE or RMSE"
    add_measuring_options(parser, drop)


def add_measuring_options(parser: argparse.ArgumentParser, usual_drop: str) -> None:
    """Add on what, within which limits and how candidates are measured, and where results go.

    Args:
        parser: Gets the options.
        usual_drop: What holds without ``--max-drop``.
    """
    parser.add_argument(
        "--data", help="npz, CSV, folder or zip of images, a built-in set such as digits, or an id"
    )
    known = ", ".join(metrics())
    parser.add_argument("--metric", default="", help=f"{known} (default: the task's)")
    parser.add_argument(
        "--max-drop",
        type=float,
        help="points of accuracy and other shares, else in the metric's own unit; inf for no limit "
        f"({usual_drop})",
    )
    parser.add_argument("--max-latency", type=float, help="milliseconds per call")
    parser.add_argument("--max-size", type=float, help="megabytes")
    parser.add_argument("--max-memory", type=float, help="megabytes at the peak, above the empty runtime")
    parser.add_argument(
        "--min-throughput", type=float, help="samples per second, at the best of the measured batch sizes"
    )
    parser.add_argument("--budget", default="", help="time in all, such as 90s or 10m")
    parser.add_argument("--threads", type=int, default=1, help="threads of every runtime (default: 1)")
    parser.add_argument("--batch", type=int, help="samples per call (default: 1, or what the model takes)")
    parser.add_argument("--seed", type=int, default=0, help="of every random choice (default: 0)")
    parser.add_argument(
        "--executor", default="", help="who builds and measures (default: WHETSTONE_EXECUTOR)"
    )
    parser.add_argument(
        "--measure-on",
        action="append",
        default=[],
        metavar="KIND",
        help="kind of machine to measure on, as doctor lists the nodes of a cluster; repeat for several",
    )
    parser.add_argument("--out", type=Path, help="folder for results.json and the artifacts")
    parser.add_argument("--json", action="store_true", help="print the results on stdout")
    parser.add_argument(
        "--verbose", action="store_true", help="print every event with its time and its duration on stderr"
    )


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the options of `add_run_options` mean, as arguments of `core.api.optimize`.

    Raises:
        InvalidRequest: The budget is no time.
    """
    return {
        "preset": options.preset,
        "recipes": options.recipe,
        "strategy": options.strategy or ("search" if options.search else ""),
        "runtimes": [name for name in options.runtimes.split(",") if name],
        "objective": options.objective,
        **measuring(options, AUTO),
    }


def measuring(options: argparse.Namespace, no_drop: Literal["auto"] | None) -> dict[str, Any]:
    """Return what the options of `add_measuring_options` mean, data and output aside.

    Args:
        options: As they were given.
        no_drop: The limit on the drop where none is stated.

    Raises:
        InvalidRequest: The budget is no time.
    """
    return {
        "metric": options.metric,
        "max_drop": no_drop if options.max_drop is None else bounded(options.max_drop),
        "max_latency_ms": bounded(options.max_latency),
        "max_size_bytes": in_bytes(options.max_size),
        "max_memory_bytes": in_bytes(options.max_memory),
        "min_throughput": options.min_throughput,
        "budget_s": seconds(options.budget) if options.budget else None,
        "threads": options.threads,
        "batch": options.batch,
        "seed": options.seed,
        "executor": options.executor,
        "measure_on": options.measure_on,
    }


def seconds(text: str) -> float:
    """Return the seconds that ``90``, ``90s``, ``10m`` or ``1h`` mean.

    Raises:
        InvalidRequest: It means none of these.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smh]?)", text.strip(), re.ASCII)
    if match is None or float(match[1]) <= 0:
        raise InvalidRequest(f"{text!r} is no time.", hint="Write 90s, 10m or 1h.")
    return float(match[1]) * SECONDS[match[2]]


def bounded(limit: float | None) -> float | None:
    """Return a limit, None for the infinite one; whether it can be met is asked with the whole request."""
    return None if limit == inf else limit


def in_bytes(megabytes: float | None) -> float | None:
    """Return a limit in bytes; what is no number stays none, and is refused with the whole request."""
    size = bounded(megabytes)
    return round(size * 1e6) if size is not None and isfinite(size) else size
