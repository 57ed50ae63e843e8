"""Model upload: a file or a sample becomes a described model, or a clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core import engine
from core.domain.model import TASKS, SourceModel
from core.errors import (
    CorruptFile,
    InputError,
    InvalidRequest,
    TooLarge,
    UnrecognizedFile,
    UnsafeUpload,
    WhetstoneError,
)
from core.protocols import InspectOptions
from pages import format as fmt
from pages.routes.hosts import exposed
from pages.widgets.page import go, show_error, store
from pages.widgets.uploader import uploader

FORMATS = (
    "PyTorch (.pt2, TorchScript, state dict), safetensors, ONNX, LiteRT (.tflite), OpenVINO (.xml with its "
    ".bin), or a Hugging Face folder as .zip. Choose files that belong together at once."
)
WITH_CODE = "Or weights with the model.py that defines them, as .zip."
PENDING = "pending_upload"
# Nothing that a person could say about such a file makes it a model.
HOPELESS = (UnrecognizedFile, CorruptFile, UnsafeUpload, TooLarge)


def parse_shapes(text: str) -> dict[str, tuple[int, ...]]:
    """Return shapes by input name from lines such as ``input: 1, 3, 224, 224``.

    Raises:
        InvalidRequest: A line is not of that form.
    """
    shapes = {}
    for line in filter(str.strip, text.splitlines()):
        name, _, sizes = line.rpartition(":")
        parts = [part.strip() for part in sizes.replace("x", ",").replace("×", ",").split(",")]
        if not name.strip() or not all(part.isdigit() for part in parts):
            raise InvalidRequest(
                f"“{line.strip()}” is not a shape.", hint="Write it as input: 1, 3, 224, 224."
            )
        shapes[name.strip()] = tuple(int(part) for part in parts)
    return shapes


def inspect(path: Path, options: InspectOptions | None = None) -> SourceModel:
    """Read the model at `path` under a spinner.

    Raises:
        WhetstoneError: It cannot be used; the message says why.
    """
    with st.spinner(f"Reading {fmt.plain(path.name)} in a confined process", show_time=True):
        model: SourceModel = engine.add_model(store(), path, options or InspectOptions(), exposed=exposed())
    st.session_state[f"upload_of_{model.id}"] = str(path)
    return model


def _options_form(pending: dict[str, Any]) -> InspectOptions | None:
    with st.form("inspect_options", border=True):
        st.markdown("**Say more about the file and read it again**")
        left, right = st.columns(2)
        name = left.text_input("Name", value=pending.get("name", ""), placeholder="As the file is called")
        architecture = left.text_input(
            "Architecture",
            value=pending.get("architecture", ""),
            placeholder="resnet18",
            help="For a state dict: the name of its builder in torchvision or timm.",
        )
        build = ""
        if engine.own_code_allowed(exposed()):
            build = left.text_input(
                "How it is built",
                value=pending.get("build", ""),
                placeholder="Net(width=32)",
                help="For a .zip of weights with the Python that defines them, which is run once, confined.",
            )
        shapes = right.text_area(
            "Example shapes",
            value=pending.get("shapes", ""),
            placeholder="input: 1, 3, 224, 224",
            help="One input a line; the batch comes first.",
        )
        if not st.form_submit_button("Read it again", icon=":material/refresh:"):
            return None
    pending |= {"name": name, "architecture": architecture, "shapes": shapes, "build": build}
    return InspectOptions(name.strip(), architecture.strip(), parse_shapes(shapes), build=build.strip())


def _try(path: Path, options: InspectOptions | None) -> None:
    pending = st.session_state.setdefault(PENDING, {"path": str(path)})
    try:
        model = inspect(path, options)
    except WhetstoneError as error:
        pending |= {"path": str(path), "error": error}
        return
    st.session_state.pop(PENDING, None)
    go("model.py", model=model.id)


def upload_box() -> None:
    """Draw the upload box; a model that is understood leads to its page, another says what is wrong."""
    formats = f"{FORMATS} {WITH_CODE}" if engine.own_code_allowed(exposed()) else FORMATS
    path = uploader("Drop a trained model here, or choose a file", formats, key="model_upload", several=True)
    if path is not None:
        st.session_state[PENDING] = {"path": str(path)}
        _try(path, None)
    pending = st.session_state.get(PENDING)
    if not pending:
        return
    error = pending.get("error")
    if error is not None:
        show_error(error)
    if error is None or (isinstance(error, InputError) and not isinstance(error, HOPELESS)):
        try:
            options = _options_form(pending)
        except InvalidRequest as wrong:
            show_error(wrong)
            return
        if options is not None:
            pending.pop("error", None)
            _try(Path(pending["path"]), options)
            st.rerun()


def task_choice(model: SourceModel) -> None:
    """Draw the choice of what a model is for, by which candidates are judged: another makes another model."""
    chosen = st.selectbox(
        "Task",
        list(TASKS),
        index=list(TASKS).index(model.task) if model.task in TASKS else None,
        format_func=lambda task: TASKS[task],
        key=f"task_{model.id}",
        help="Classifiers are judged by the class with the highest score, everything else by its numbers.",
    )
    if chosen in (None, model.task):
        return
    try:
        go("model.py", model=engine.restate_task(store(), model, chosen).id)
    except WhetstoneError as error:
        show_error(error)


def read_again(model: SourceModel) -> None:
    """Draw the form that reads an uploaded model once more under another name, architecture or shape."""
    lines = "\n".join(f"{n}: {', '.join(map(str, s))}" for n, s in model.shapes().items())
    known = (model.architecture or {}).get("name", "")
    draft = {"name": model.name, "architecture": str(known), "shapes": lines}
    try:
        options = _options_form(draft)
        if options is not None:
            go("model.py", model=_reread(model, options).id)
    except WhetstoneError as error:
        show_error(error)


def _reread(model: SourceModel, options: InspectOptions) -> SourceModel:
    """Read the upload anew, or what is kept of it where this session did not upload it."""
    path = st.session_state.get(f"upload_of_{model.id}")
    if path is not None and Path(path).exists():
        return inspect(Path(path), options)
    with st.spinner("Reading the model in a confined process", show_time=True):
        again: SourceModel = engine.read_again(store(), model, options, exposed=exposed())
    return again
