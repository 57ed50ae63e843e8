"""What `optimize --verbose` prints while a run goes on."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from core.cli.progress import Progress
from core.domain.events import EventKind
from core.domain.run import RunRequest
from core.store.store import Store
from core.views import run_view
from tests.factories import candidate, model


def test_every_event_is_printed_once_with_its_duration(data_dir: object) -> None:
    quiet, verbose = StringIO(), StringIO()
    shown = [Progress(Console(file=to, width=200), on) for to, on in ((quiet, False), (verbose, True))]
    with Store() as store:
        store.models.add(model())
        store.runs.create(RunRequest("m"), "a run", [candidate("base", None, 0)], 60.0)
        for kind, seconds, data in (
            (EventKind.STARTED, None, {}),
            (EventKind.BUILT, 2.54, {"step": "export_onnx"}),
        ):
            store.events.append("run", kind, "base" if seconds else "", seconds, **data)
            for progress in shown:
                progress(run_view(store, "run"))
    assert quiet.getvalue() == ""
    lines = [line.split(" s  ", 1)[1] for line in verbose.getvalue().splitlines()]
    assert lines == ["The worker began.", "base: ONNX built. (2.5 s)"]
