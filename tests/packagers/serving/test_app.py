"""A generated FastAPI service answers as the model does, and refuses what it should."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.datasets.images.decoding import read_picture
from core.datasets.images.normalization import ImageParams, image_input
from core.datasets.images.transforms import fit_picture
from core.domain.model import TensorSpec
from tests.packagers.serving.conftest import picture, table, tokens
from tests.pictures import wrong_exif

NPZ = {"Content-Type": "application/x-npz"}


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def arrays(content: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(content)) as found:
        return dict(found)


def test_json_and_npz_give_the_models_outputs(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"))
    rows = [[1.0, 2, 3, 4], [0, 0, 0, 1]]
    expected = np.array(rows) @ (np.arange(12).reshape(4, 3) / 12)
    found = client.post("/predict", json={"inputs": {"features": rows}})
    assert found.status_code == 200
    np.testing.assert_allclose(found.json()["outputs"]["scores"], expected, rtol=1e-5)
    best = found.json()["top"][0]
    assert [each["class"] for each in best] == ["c", "b", "a"]
    assert sum(each["probability"] for each in best) == pytest.approx(1)
    assert set(found.headers["Server-Timing"].replace(";", " ").split()) >= {"validate", "inference"}
    binary = client.post("/predict", content=npz(features=np.array(rows, np.float32)), headers=NPZ)
    np.testing.assert_allclose(arrays(binary.content)["scores"], expected, rtol=1e-5)
    told = client.post("/predict", content=npz(features=np.array(rows, np.float32)),
                       headers={**NPZ, "Accept": "application/json"})  # fmt: skip
    assert told.json() == found.json()


def test_health_ready_and_documentation(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"))
    assert client.get("/health").json() == {"status": "alive"}
    ready = client.get("/ready")
    assert (ready.status_code, ready.json()["version"]) == (200, "v1")
    assert "1 golden inputs" in ready.json()["proven"]
    assert client.get("/docs").status_code == 200
    body = client.get("/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"]["content"]
    features = body["application/json"]["schema"]["properties"]["inputs"]["properties"]["features"]
    assert features["items"] == {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
    assert client.get("/metrics").status_code == 404
    assert client.get("/versions").status_code == 404


WRONG_JSON: list[tuple[Any, str, str]] = [
    ({"features": [[1, 2, 3]]}, "features", "expected the shape (batch, 4), got (1, 3)"),
    ({"features": [1, 2, 3, 4]}, "features", "expected the shape (batch, 4), got (4,)"),
    ({"features": [[1, 2, 3, "x"]]}, "features", "expected numbers"),
    ({"features": [[1, 2], [3]]}, "features", "lists of equal lengths"),
    ({"features": [[1, 2, 3, float("nan")]]}, "features", "got NaN"),
    ({"features": [[1, 2, 3, 1e300]]}, "features", "infinity"),
    ({"features": []}, "features", "expected the shape"),
    ({"features": None}, "features", "expected numbers"),
    ({"features": ["x" * 100_000, *[""] * 100_000]}, "features", "expected numbers"),  # 40 GB as an array
    ({"features": [[1, 2, 3, {}]]}, "features", "expected numbers"),
    ({}, "features", "Field required"),
    ({"features": [[1, 2, 3, 4]], "more": 1}, "more", "Extra inputs"),
]


def test_wrong_json_is_refused_with_its_place(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"))
    for inputs, where, said in WRONG_JSON:
        body = json.dumps({"inputs": inputs})
        found = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
        assert found.status_code == 422
        (error,) = found.json()["detail"]
        assert error["loc"] == ["body", "inputs", where]
        assert said in error["msg"]


def lying() -> bytes:
    """Return an npz whose array claims to be larger than any memory."""
    stream, whole = io.BytesIO(), io.BytesIO()
    head = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 4)}
    np.lib.format.write_array_header_1_0(stream, head)
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("features.npy", stream.getvalue())
    return whole.getvalue()


def bzipped() -> bytes:
    """Return 100 MB in less than 1 kB, as an entry that says it has 100 bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("features.npy", bytes(100_000_000))
    packed = stream.getvalue()
    return packed.replace((100_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))


ROW = np.array([[1, 2, 3, 4]], np.float32)


def packed(how: int) -> bytes:
    """Return an npz that is compressed in another way than NumPy's."""
    stream, whole = io.BytesIO(), io.BytesIO()
    np.save(stream, ROW)
    with zipfile.ZipFile(whole, "w", how) as archive:
        archive.writestr("features.npy", stream.getvalue())
    return whole.getvalue()


def unnamed() -> bytes:
    """Return an npz that says its name is UTF-8, which it is not."""
    said = npz(**{"f\u00e9": ROW})
    return said.replace("f\u00e9".encode(), b"f\xff\xff")


WRONG_NPZ = [
    (npz(features=ROW.astype(np.float64)), 422, "expected the type float32, got float64"),
    (npz(features=ROW * np.float32("nan")), 422, "got NaN"),
    (npz(features=ROW[:, :3]), 422, "expected the shape"),
    (npz(other=ROW), 422, "unknown input"),
    (npz(**{"../../etc/passwd": ROW}), 422, "unknown input"),
    (npz(features=np.array([{}])), 422, "plain numbers"),
    (npz(), 422, "missing"),
    (b"PK\3\4", 422, "expected an .npz file"),
    (lying(), 422, "whole"),
    (packed(zipfile.ZIP_LZMA)[:-1] + b"\0", 422, "compressed"),
    (unnamed(), 422, "expected an .npz file"),
    (bzipped(), 422, "compressed"),
    (npz(features=np.zeros((65, 4), np.float32)), 413, "65 rows"),
    (npz(features=np.zeros((300_000, 4), np.float32)), 413, "larger than"),
]


def test_wrong_npz_is_refused(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), max_body_mb=1)
    for body, status, said in WRONG_NPZ:
        found = client.post("/predict", content=body, headers=NPZ)
        assert found.status_code == status
        assert said in found.text
        assert client.post("/predict", content=npz(features=ROW), headers=NPZ).status_code == 200


def test_a_bomb_is_refused_before_it_unfolds(serve: Any, tmp_path: Path) -> None:
    client, packed = serve(table(tmp_path / "in"), max_body_mb=1), io.BytesIO()
    np.savez_compressed(packed, features=np.zeros((1_000_000, 4), np.float32))
    assert len(packed.getvalue()) < 100_000
    assert client.post("/predict", content=packed.getvalue(), headers=NPZ).status_code == 413


def test_integers_keep_to_their_range_and_inputs_to_each_other(serve: Any, tmp_path: Path) -> None:
    client = serve(tokens(tmp_path / "in"))

    def ask(ids: Any, mask: Any) -> Any:
        return client.post("/predict", json={"inputs": {"input_ids": ids, "attention_mask": mask}})

    assert ask([[1, 2]], [[1, 0]]).json()["outputs"] == {"hidden": [[1.0, 0.0]]}
    assert "values from 0 to 9" in ask([[10]], [[1]]).text
    assert "whole numbers" in ask([[1.5]], [[1]]).text
    assert "length is 1 here and 2 in input_ids" in ask([[1, 2]], [[1]]).text


def test_an_image_is_prepared_as_in_the_measurement(serve: Any, tmp_path: Path) -> None:
    made, params = picture(tmp_path / "in"), ImageParams()
    client, pixels = serve(made), image_input(made.model, params)
    assert pixels is not None
    png = {"Content-Type": "image/png", "Accept": "application/x-npz"}
    for size in ((12, 16), (40, 30), (30, 90), (7, 5)):
        file = io.BytesIO()
        raw = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(raw).save(file, "PNG")
        fitted = fit_picture(read_picture(file.getvalue(), "x", 3), pixels.height, pixels.width, params)
        feed = np.ascontiguousarray(pixels.values(np.asarray(fitted)[np.newaxis]))
        expected = arrays(client.post("/predict", content=npz(x=feed), headers=NPZ).content)["y"]
        found = client.post("/predict", content=file.getvalue(), headers=png)
        np.testing.assert_array_equal(arrays(found.content)["y"], expected)
        form = client.post("/predict", files={"image": ("a.png", file.getvalue(), "image/png")}).json()
        assert form["top"][0][0]["class"] == ("cat", "dog", "eel", "fox")[expected[0].argmax()]
        assert form["outputs"] == {}


def test_what_is_no_image_is_refused(serve: Any, tmp_path: Path) -> None:
    client = serve(picture(tmp_path / "in"))
    png = {"Content-Type": "image/png"}
    for content in (b"\x89PNG broken", wrong_exif()):
        assert client.post("/predict", content=content, headers=png).status_code == 422
    assert client.post("/predict", files={"other": b"x"}).status_code == 422
    assert (
        client.post("/predict", content=b"<html>", headers={"Content-Type": "text/html"}).status_code == 415
    )


def test_large_outputs_come_in_binary(serve: Any, tmp_path: Path) -> None:
    client = serve(picture(tmp_path / "in", large=True))
    body = npz(x=np.zeros((4, 3, 16, 12), np.float32))
    assert arrays(client.post("/predict", content=body, headers=NPZ).content)["y"].shape == (4, 300, 16, 12)
    told = client.post("/predict", content=body, headers={**NPZ, "Accept": "application/json"})
    assert told.status_code == 406
    assert "application/x-npz" in told.json()["detail"]


def test_names_of_strangers_are_text_in_the_documentation_and_any_in_npz(serve: Any, tmp_path: Path) -> None:
    made = table(tmp_path / "in")
    named = replace(made.model, name="</title><script>alert(1)</script>",
                    outputs=(TensorSpec("file", "float32", ("batch", 3)),))  # fmt: skip
    client = serve(replace(made, model=named))
    assert "<script>alert" not in client.get("/docs").text
    assert list(arrays(client.post("/predict", content=npz(features=ROW), headers=NPZ).content)) == ["file"]


def test_json_is_bounded_apart_and_says_what_takes_more(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"))
    found = client.post("/predict", content=b"1," * 3_000_000, headers={"Content-Type": "application/json"})
    assert found.status_code == 413
    assert "larger than 5,000,000 bytes. JSON takes no more; application/x-npz takes 16,000,000" in found.text
    larger = client.post("/predict", content=bytes(6_000_000), headers=NPZ)
    assert larger.status_code == 422


def test_long_json_is_read_beside_the_event_loop(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), max_rows=2000)
    rows = np.random.default_rng(0).random((2000, 4))
    body = json.dumps({"inputs": {"features": rows.tolist()}}).encode()
    assert len(body) > sys.modules["serving.http"].QUICK_JSON
    found = client.post("/predict", content=body, headers={"Content-Type": "application/json"}).json()
    expected = rows @ (np.arange(12).reshape(4, 3) / 12)
    np.testing.assert_allclose(found["outputs"]["scores"], expected, rtol=1e-4)


def test_bodies_together_are_bounded(serve: Any, tmp_path: Path) -> None:
    client = serve(table(tmp_path / "in"), max_body_mb=1)
    bodies = sys.modules["app"].http.bodies
    bodies._held[0] = 16_000_000
    assert client.post("/predict", content=npz(features=ROW), headers=NPZ).status_code == 503
    bodies._held.clear()
    assert client.post("/predict", content=npz(features=ROW), headers=NPZ).status_code == 200
    assert not bodies._held
