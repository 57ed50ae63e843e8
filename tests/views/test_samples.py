"""What a page shows of a data set's first rows, honest ones and others."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.datasets.preview import FILE, SIDE
from core.domain.model import DataSet
from core.settings import Settings
from core.store.store import Store
from core.views import Balance, Sample, class_balance, first_samples

Show = Callable[..., tuple[Sample, ...]]


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Show]:
    """Return a function that shows a data set of these files."""
    with Store(Settings(data_dir=tmp_path / "data")) as store:

        def shown(content: Any, **files: bytes) -> tuple[Sample, ...]:
            text = content if isinstance(content, bytes) else json.dumps(content).encode()
            left = {FILE: text, **{f"preview/{name}.png": data for name, data in files.items()}}
            refs = []
            for name, data in left.items():
                (tmp_path / "file").write_bytes(data)
                refs.append(store.blobs.add(tmp_path / "file", name))
            return first_samples(store, DataSet("d", "d", tuple(refs), ("x",), 1, 1, True))

        yield shown


def png(width: int = SIDE, height: int = SIDE, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, format=kind)
    return stream.getvalue()


def pictures(**item: Any) -> dict[str, Any]:
    return {"kind": "images", "items": [{"label": 1, "class": "cat", "file": "preview/0.png", **item}]}


def test_pictures_go_to_the_browser_as_they_are(show: Show) -> None:
    (sample,) = show(pictures(), **{"0": png()})
    assert sample.label == "cat"
    assert base64.b64decode(sample.picture.removeprefix("data:image/png;base64,")) == png()


def test_numbers_are_numbers_or_nothing(show: Show) -> None:
    items = [{"label": 3, "class": "", "values": [1, 2.5, None]}, {"label": None, "class": "", "values": []}]
    assert show({"kind": "numbers", "items": items}) == (
        Sample("3", "", (1.0, 2.5, None)),
        Sample("", "", ()),
    )


def test_a_class_is_one_short_line(show: Show) -> None:
    (sample,) = show(pictures(**{"class": "a\nb\N{RIGHT-TO-LEFT OVERRIDE}" + "c" * 5000}), **{"0": png()})
    assert sample.label.startswith("a bcc")
    assert len(sample.label) == 80


@pytest.mark.parametrize(
    "picture",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        png(kind="GIF"),
        png(SIDE + 1, 8),
        png()[:16] + struct.pack(">II", 60_000, 60_000) + png()[24:],
        png()[:16] + struct.pack(">II", 0, 5) + png()[24:],
        png() + b"x" * 300_000,
    ],
)
def test_other_pictures_are_not_shown(show: Show, picture: bytes) -> None:
    assert show(pictures(), **{"0": picture}) == ()


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 60_000,
        b"x" * 100_000,
        b"\xff\xfe",
        [],
        {"items": 3},
        {"items": [{"file": "../../etc/passwd"}]},
        {"items": [{"values": "many"}]},
        {"items": [{"values": [1e999]}]},
        {"items": [{"values": [[1]]}]},
        {"items": [3]},
    ],
)
def test_other_descriptions_are_not_shown(show: Show, content: Any) -> None:
    assert show(content) == ()


def test_the_balance_of_labels_is_shown_where_it_can_be_trusted(tmp_path: Path) -> None:
    with Store(Settings(data_dir=tmp_path / "data")) as store:

        def found(balance: Any) -> Balance | None:
            (tmp_path / "file").write_text(json.dumps({"balance": balance}))
            file = store.blobs.add(tmp_path / "file", FILE)
            return class_balance(store, DataSet("d", "d", (file,), ("x",), 1, 1, True, ("cat",)))

        assert found({"counts": [3, 4]}) == Balance(("cat", "1"), (3, 4))
        assert found({"counts": [3, 4], "edges": [0, 1, 2]}) == Balance(("0.5", "1.5"), (3, 4), True)
        for wrong in (
            None,
            {"counts": []},
            {"counts": [-1]},
            {"counts": ["a"]},
            {"counts": [1], "edges": [0]},
        ):
            assert found(wrong) is None
