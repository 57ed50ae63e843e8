"""A kind of work that does what its request says, good or bad."""

from __future__ import annotations

import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from core.errors import Cancelled, PassFailed, StoreUnusable, UnsafeUpload
from core.sandbox import replies
from core.sandbox.protocol import encode
from core.work.unit import Done, Job, Kind, Progress

TOOLCHAIN = ""


class Request(msgspec.Struct, frozen=True):
    """`act` is the name of a function below."""

    act: str
    number: float = 0.0
    path: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What came of it."""

    number: float
    text: str = ""


def copy(request: Request, job: Job) -> Done[Answer]:
    """Put the number behind the input's content."""
    target = job.folder / "below" / "copy.txt"
    target.parent.mkdir()
    text = (job.inputs["given"] / "a" / "text.txt").read_text() if "given" in job.inputs else ""
    target.write_text(f"{text}{request.number:g} {job.seed} {job.cores}")
    return Done(Answer(request.number + 1, text), (target,))


def refuse(_: Request, __: Job) -> Done[Answer]:
    raise PassFailed("It cannot be done.", hint="Do something else.")


def crash(_: Request, __: Job) -> Done[Answer]:
    os.abort()


def mistake(_: Request, __: Job) -> Done[Answer]:
    raise ZeroDivisionError("by nought")


def hang(_: Request, __: Job) -> Done[Answer]:
    time.sleep(600)
    raise AssertionError("nobody waits that long")


def wait(request: Request, _: Job) -> Done[Answer]:
    time.sleep(request.number)
    return Done(Answer(1))


def learn(request: Request, job: Job) -> Done[Answer]:
    """Count up to the number, a step every tenth of a second; answer with the first step and the last."""
    assert job.checkpoints is not None
    kept = job.checkpoints / "step"
    first = step = int(kept.read_text()) if kept.exists() else 0
    while step < request.number:
        time.sleep(0.1)
        step += 1
        kept.with_suffix(".new").write_text(str(step))
        kept.with_suffix(".new").replace(kept)
    return Done(Answer(step, str(first)))


def tell(request: Request, job: Job) -> Done[Answer]:
    for step in range(int(request.number)):
        job.progress(
            Progress(message=f"step\n{step}", share=step / request.number, figures={"loss": 1.0 / (1 + step)})
        )
    return Done(Answer(0))


def malformed(_: Request, __: Job) -> Done[Any]:
    return Done({"number": "many"})


def not_finite(_: Request, __: Job) -> Done[Answer]:
    return Done(Answer(float("nan")))


def bad_progress(_: Request, __: Job) -> Done[Answer]:
    replies.tell({"share": "half"})
    return Done(Answer(0))


def endless_progress(_: Request, __: Job) -> Done[Answer]:
    line = encode({"progress": {"message": "x" * 2000}})
    while True:
        replies.send(line)


def many_figures(_: Request, __: Job) -> Done[Answer]:
    replies.send(encode({"progress": {"figures": {str(number): 0.5 for number in range(5000)}}}))
    return Done(Answer(0))


def beyond_all(_: Request, __: Job) -> Done[Answer]:
    replies.send(encode({"progress": {"share": 7.0}}))
    return Done(Answer(0))


def cancelled(_: Request, __: Job) -> Done[Answer]:
    raise Cancelled("The run was cancelled.")


def full(_: Request, __: Job) -> Done[Answer]:
    raise StoreUnusable("The data folder cannot be written.")


def _answer(file: str) -> None:
    """Answer past what looks at the files in the confined process, as one that was taken over can."""
    replies.send(encode({"result": {"values": {"number": 1}, "files": [file]}}))


def link(request: Request, job: Job) -> Done[Answer]:
    """Name a file outside of the folder: by a link in it where the kernel lets it make one."""
    try:
        (job.folder / "result").symlink_to(request.path)
        _answer("result")
    except OSError:
        _answer(os.path.relpath(request.path, job.folder))
    return Done(Answer(0))


def nest(request: Request, job: Job) -> Done[Answer]:
    """Leave folders in folders, more than Python may call itself."""
    os.chdir(job.folder if request.path else os.environ["HOME"])
    for _ in range(int(request.number)):
        Path("deep").mkdir()
        os.chdir("deep")
    os.chdir(job.folder)
    return Done(Answer(0))


def escape(request: Request, job: Job) -> Done[Answer]:
    """Read what no unit may read."""
    return Done(Answer(0, Path(request.path).read_text()))


def where(_: Request, __: Job) -> Done[Answer]:
    """Say which Python does it, and which of two packages it has."""
    found = [name for name in ("tiny", "core") if find_spec(name)]
    return Done(Answer(len(found), sys.prefix))


def nothing(_: Request, __: Job) -> Done[Answer]:
    return Done(Answer(2))


def do(request: Request, job: Job) -> Done[Answer]:
    found: Done[Answer] = globals()[request.act](request, job)
    return found


def accept(request: Request, answer: Answer) -> Answer:
    if answer.number > 1000:
        raise UnsafeUpload("Nobody counts so far.")
    return answer


UNIT = Kind(__name__, "probe", Request, Answer, do, accept=accept)
