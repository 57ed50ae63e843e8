"""Upload ingestion: a model or data is inspected, described and stored."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.archives.openvino_ir import looks_like_ir, weights_of
from core.datasets.prepare import UNIT as PREPARE
from core.datasets.prepare import PrepareRequest
from core.domain.model import DataSet, SourceModel
from core.domain.run import DEFAULT_OWNER
from core.engine.executors import local
from core.engine.own_code import check_allowed, exported, gathered, holds_code
from core.engine.upload_slots import turn
from core.errors import InvalidRequest, NotFound, TooLarge, UnrecognizedFile
from core.optional import version
from core.protocols import InspectOptions
from core.serde import digest, to_plain
from core.settings import get_settings
from core.sources.describe import UNIT as INSPECT
from core.sources.describe import InspectRequest
from core.sources.onnx.external import UNIT as EXTERNAL
from core.sources.onnx.external import ExternalRequest
from core.sources.onnx.protobuf import looks_like_onnx
from core.sources.task_inference import restated
from core.sources.unsupported import MODEL_SUFFIXES
from core.store.store import Store
from core.work.folders import job_folder
from core.work.stop import Stop

PREPARATION = 2
"""Raise it where the same data would be prepared or split differently."""
EXTERNAL_MARK = b"\n\x08location"
"""How ONNX names the file that an external tensor lies in: the key of an entry, as protobuf stores it."""
GRAPHS = (".onnx", ".xml")
"""Endings of graphs that may keep their weights in files beside them."""
WEIGHTS = ".bin"
"""Ending of files that are such weights as often as models of their own."""


def _exists(path: Path) -> bool:
    """Whether there is such a file or folder; none can be under a name that no file system takes."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _checked(path: Path) -> Path:
    if not _exists(path):
        raise NotFound(f"There is no file {path}.", hint="Check the path.")
    size, limit = path.stat().st_size, get_settings().upload_limit_bytes
    if path.is_file() and size == 0:
        raise UnrecognizedFile(f"{path.name} is empty.", hint="Export or upload it again.")
    if path.is_file() and size > limit:
        raise TooLarge(
            f"{path.name} has {size / 1e6:,.0f} MB; the limit is {limit / 1e6:,.0f} MB.",
            hint="Raise WHETSTONE_UPLOAD_LIMIT_BYTES if this machine has the room.",
        )
    return path.resolve()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content(path: Path) -> list[tuple[str, str]]:
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    return [(str(each.relative_to(path)), _sha256(each)) for each in files]


def _identity(kind: str, *values: Any) -> str:
    """Return the id of what an upload becomes: equal uploads and options need no second look."""
    return digest(kind, version("whetstone"), *values)[:16]


def _mentions(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(mark) >= 0


def _weights_beside(store: Store, path: Path) -> list[str]:
    """Return the files that an ONNX or OpenVINO graph keeps its weights in, by their names in its folder.

    None where one is missing: the inspection says which.
    """
    if looks_like_ir(path):
        return [weights_of(path).name] if _within(weights_of(path), path.parent) else []
    if not looks_like_onnx(path) or not _mentions(path, EXTERNAL_MARK):
        return []
    with turn():
        answer = local(store).run(EXTERNAL.unit(ExternalRequest(path), reads=(path,)), Stop()).values
    found = [path.parent / name for name in answer.names]
    if not all(_within(each, path.parent) for each in found):
        return []
    for each in found:
        _checked(each)
    return [each.relative_to(path.parent).as_posix() for each in found]


def _within(path: Path, folder: Path) -> bool:
    """Whether a file is there and truly lies in `folder`."""
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())


def _graph_in(folder: Path) -> Path | None:
    """Return the graph of a folder with its weights; None where it holds none, or models besides."""
    if not folder.is_dir():
        return None
    models = set(MODEL_SUFFIXES) - {WEIGHTS}
    found = [each for each in sorted(folder.iterdir()) if each.suffix.lower() in models and each.is_file()]
    return found[0] if len(found) == 1 and found[0].suffix.lower() in GRAPHS else None


def add_model(
    store: Store,
    path: Path,
    options: InspectOptions | None = None,
    beside: bool = False,
    code: Sequence[Path] = (),
    exposed: bool = True,
) -> SourceModel:
    """Recognize, describe and keep the model at `path`; the same upload is described once.

    Where a file of it is missing, since it was lost or went to another data folder on the same database, the
    upload is looked into and kept anew.

    Args:
        store: Where it goes.
        path: An uploaded file of any supported format, or the folder of a Hugging Face model, of weights
            with their code, or of one graph with its weights; or the id of a model that the store holds.
        options: Name, architecture or example shapes that the person stated.
        beside: Whether the files that a graph keeps its weights in, in its folder, belong to it; not so where
            uploads of several people share one.
        code: Python files that define the network of the weights at `path`.
        exposed: Whether strangers can reach this server: then code runs only where the settings say so.

    Raises:
        InputError: The file cannot be used; the message says why.
    """
    held = None if _exists(path) else store.models.renew(str(path))
    if held is not None:
        return held
    graph = None if code else _graph_in(_checked(path))
    path, beside = _checked(graph or path), beside or graph is not None
    with job_folder(store.jobs_dir) as folder:
        whole = gathered(path, code, folder)
        return _added(store, whole, options or InspectOptions(), beside and whole == path, exposed)


def _added(store: Store, path: Path, options: InspectOptions, beside: bool, exposed: bool) -> SourceModel:
    """Describe and keep one file, and what lies `beside` it."""
    with_code = bool(options.build) or holds_code(path)
    if with_code:
        check_allowed(exposed)
    sha256 = _sha256(path)
    weights = _weights_beside(store, path) if beside else []
    content = [(name, _sha256(path.parent / name)) for name in weights]
    whose = [] if store.owner == DEFAULT_OWNER else [{"owner": store.owner}]
    identity = _identity("model", sha256, to_plain(options), options.name or path.name, *content, *whose)
    known = store.models.renew(identity)
    if known is not None and store.blobs.holds(known.files):
        return known
    with turn(), job_folder(store.jobs_dir) as folder:
        if with_code:
            path, options = exported(store, path, options, folder / "code")
        reads = (path, *(path.parent / name for name in weights))
        unit = INSPECT.unit(InspectRequest(path, options, tuple(weights)), reads=reads)
        found = local(store).run(unit, Stop())
    return store.models.add(replace(found.values.model, id=identity, files=found.files, sha256=sha256))


def read_again(
    store: Store, model: SourceModel, options: InspectOptions, exposed: bool = True
) -> SourceModel:
    """Describe what is kept of `model` anew, with other options, and keep that as another model.

    Raises:
        InputError: It cannot be used so; the message says why.
    """
    options = replace(options, name=options.name or model.name)
    with job_folder(store.jobs_dir) as folder:
        first = store.blobs.lay_out(model.files, folder)[0]
        return add_model(store, first, options, beside=len(model.files) > 1, exposed=exposed)


def restate_task(store: Store, model: SourceModel, task: str) -> SourceModel:
    """Keep `model` once more as one for `task`, and return that; what its candidates are judged by follows.

    Raises:
        InvalidRequest: There is no such task, or it contradicts the outputs.
    """
    return store.models.add(restated(model, task))


def add_data(
    store: Store,
    source: Path | str | None,
    model: SourceModel,
    params: dict[str, Any] | None = None,
    format_id: str = "",
    seed: int = 0,
    training: Path | str | None = None,
) -> DataSet:
    """Prepare data for `model`, split it and keep it; the same data is prepared once.

    Args:
        store: Where it goes.
        source: A file or folder, the name of a built-in set, None for random inputs; or the id of a data
            set that the store holds.
        model: What the data must fit.
        params: Preparation that the person adjusted, by the format's `Params`.
        format_id: A data format to insist on; empty recognizes it.
        seed: Of the split, and of random inputs.
        training: A training set of its own; rows that evaluate are left out of it.

    Raises:
        InputError: The data is unusable or does not fit the model.
    """
    path = Path(source) if source is not None else None
    params = params or ({"seed": seed} if source is None else {})
    reads = [_checked(path)] if path is not None and _exists(path) else []
    held = store.data.renew(str(source)) if path is not None and not reads else None
    if held is not None:
        if training is not None:
            raise InvalidRequest(
                "A training set goes with data that are added now, not with an id.",
                hint="Name the file or folder of the data, too.",
            )
        return held
    learned = [_checked(Path(training))] if training is not None else []
    content = [entry for each in reads for entry in _content(each)]
    known_as = [entry for each in learned for entry in _content(each)]
    identity = _identity(
        "data", str(source), content, model.id, params, format_id, seed, known_as, PREPARATION
    )
    known = store.data.renew(identity)
    if known is not None and store.blobs.holds(known.files):
        return known
    asked = PrepareRequest(
        reads[0] if reads else path, model, params, format_id, learned[0] if learned else None
    )
    with turn():
        unit = PREPARE.unit(asked, reads=(*reads, *learned), seed=seed)
        found = local(store).run(unit, Stop())
    return store.data.add(replace(found.values.data, id=identity, files=found.files))
