"""A run as Markdown."""

from __future__ import annotations

from core.domain.run import Limits, RunRequest
from core.store.store import Store
from core.views import report, run_view
from tests.factories import candidate, model, result


def test_a_report_holds_the_sentence_the_figures_and_the_machine() -> None:
    store = Store()
    store.models.add(model())
    planned = [
        candidate("base", result(1.0), 0),
        candidate("fast | odd", result(4.0), 1),
        candidate("waiting", None, 2),
    ]
    store.runs.create(RunRequest("m", limits=Limits(1.0)), "a run", planned, 60.0)
    lines = report(run_view(store, "run")).splitlines()
    assert lines[0].startswith("In 1 measured configuration, fast | odd is 4.0x")
    table = [line for line in lines if line.startswith("|")]
    assert table[0] == "| Candidate | Latency (ms) | Speed-up (x) | Accuracy (%) | File (MB) |"
    assert table[2] == "| base | 10.000 (9.900–10.100) | 1 | 90.0 | 0.00 |"
    assert table[3].startswith("| ★ fast / odd | 2.500 (")
    assert "90.0, change 0.0 (−0.5…+0.5)" in table[3]
    assert {line.count("|") for line in table} == {6}
    assert "Test CPU, threads: 1, batch: 1" in lines[-1]
