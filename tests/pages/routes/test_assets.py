from __future__ import annotations

from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.routes import ROUTES
from pages.routes.assets import VENDOR
from pages.widgets.model.graph import LIBRARY


def test_the_library_of_the_graph_is_sent_with_its_licence_beside_it_and_no_other_file() -> None:
    client = TestClient(Starlette(routes=ROUTES))
    answer = client.get(f"/assets/{LIBRARY}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert b"export{" in answer.content
    assert (VENDOR / LIBRARY).with_suffix(".LICENSE").is_file()
    for other in ("dagre-3.1.3.LICENSE", "graph.js", "..%2Fgraph.js"):
        assert client.get(f"/assets/{other}").status_code == 404
