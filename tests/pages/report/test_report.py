"""Reports: complete in themselves, and safe with whatever a run is named."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from core.cli import main
from core.domain.run import RunRequest
from core.engine import open_store
from core.store.store import Store
from core.views import run_view
from pages.report import KINDS, csv_table, html_page
from pages.report.html_page import libraries
from tests.factories import candidate, model, result

HOSTILE = """</script><script>alert(1)</script><img src=x onerror='alert("2")'>"""


def filled(store: Store, name: str = "a run") -> str:
    store.models.add(model(name=name))
    planned = [
        candidate("base", result(1.0), 0),
        replace(candidate("fast", result(4.0)), name=name),
        replace(candidate("waiting", None, 2), name="=1+1"),
    ]
    return store.runs.create(RunRequest("m"), name, planned, 1.0).id


def own_text(html: str) -> str:
    """Return the file without the libraries for charts."""
    for library in libraries():
        html = html.replace(library, "")
    return html


def test_the_html_file_holds_everything_and_names_no_other_place() -> None:
    store = Store()
    html = html_page(store, run_view(store, filled(store)))
    assert all(library[:1000] in html for library in libraries())
    assert len(html) < 2_000_000
    own = own_text(html)
    assert not re.findall(r"(?:src|href)\s*=|https?:|//[a-z]|url\(", own)
    assert "default-src 'none'" in own
    for part in ("Recommended: a run", "Pareto-optimal", "Findings", "Environment", "A/A control", "Recipe"):
        assert part in own
    assert '"pareto"' in own
    assert '"throughput"' in own


def test_hostile_names_stay_text() -> None:
    store = Store()
    own = own_text(html_page(store, run_view(store, filled(store, HOSTILE))))
    assert "<img" not in own
    assert "<script>alert" not in own
    # The libraries, the figures, what draws them.
    assert own.count("<script") == own.count("</script") == len(libraries()) + 2
    assert "&lt;img" in own
    assert "\\u003cimg" in own


def test_a_run_without_figures_is_a_report_too() -> None:
    store = Store()
    store.models.add(model())
    store.runs.create(RunRequest("m"), "a run", [candidate("base", None, 0)], 1.0)
    assert "Nothing is recommended" in html_page(store, run_view(store, "run"))


def test_the_csv_has_a_line_for_each_candidate_and_no_formula() -> None:
    store = Store()
    rows = list(csv.DictReader(StringIO(csv_table(run_view(store, filled(store))))))
    assert [row["name"] for row in rows] == ["base", "a run", "'=1+1"]
    assert rows[1]["recommended"] == "True"
    assert float(rows[1]["speedup"]) == 4.0
    assert float(rows[1]["accuracy_percent"]) == 90.0
    assert rows[2]["latency_ms"] == ""


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_writes_them_from_an_id_or_the_folder_of_results(kind: str, tmp_path: Path) -> None:
    run = filled(open_store())
    (tmp_path / "results.json").write_text(f'{{"run": {{"id": "{run}"}}}}')
    for named in (run, str(tmp_path)):
        out = tmp_path / f"report.{kind}"
        assert main(["report", named, "--out", str(out)]) == 0
        assert out.stat().st_size > 300


def test_another_extension_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    assert main(["report", "run", "--out", str(tmp_path / "report.pdf")]) == 2
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "report.md")]) == 2
