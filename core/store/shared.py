"""Content-addressed files that several hosts share: a folder or S3 bucket behind fsspec, with local copies.

Every file that is added goes to the shared store, too; one that is missing here comes from there, and is
checked against its hash, so that nobody who can write there can change what a hash stands for.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from core.domain.model import FileRef
from core.errors import InvalidRequest, NotFound, StoreUnusable
from core.optional import load
from core.settings import get_settings
from core.store.blobs import GRACE_S, Blobs, hash_of
from core.store.states import SharedStates
from core.texts import one_line

CACHED_S = 86_400.0
"""Seconds that a node keeps a copy; what it needs after that it fetches again."""


class SharedBlobs(Blobs):
    """Files below `root`, by content, that other hosts find at `url`.

    Pickled and sent to a node of a cluster it is the node's own: the same `url` with a cache of the node.

    Args:
        root: Folder of the local copies.
        url: A folder, ``s3://bucket/folder``, or what else pyarrow or fsspec opens.

    Attributes:
        states: States of trainings, for all hosts.

    Raises:
        InvalidRequest: There is no such kind of store.
        BackendMissing: A library that it needs is not installed.
    """

    def __init__(self, root: Path, url: str) -> None:
        super().__init__(root)
        self._url = url if "://" in url else str(Path(url).expanduser().absolute())
        self._files_of, self._base = _opened(self._url)
        self.states: SharedStates = SharedStates(self._files_of, self._base, self._explained)

    def __reduce__(self) -> tuple[Callable[[str], SharedBlobs], tuple[str]]:
        return of_node, (self._url,)

    def add(self, path: Path, name: str | None = None) -> FileRef:
        """Store a copy of the file at `path`, here and for the others; see `Blobs.add`."""
        added = super().add(path, name)
        self._push(added.sha256)
        return added

    def share(self, files: Sequence[FileRef]) -> None:
        """See to it that others find `files`, also those added before there was a shared store."""
        for file in files:
            if not self._exists(file.sha256):
                self._push(file.sha256)

    def path(self, blob: FileRef | str) -> Path:
        """Return where the content lies here, fetched if need be; see `Blobs.path`."""
        self._fetch(blob if isinstance(blob, str) else blob.sha256)
        return super().path(blob)

    def verify(self, sha256: str) -> bool:
        """Whether the content is there and undamaged; fetches it if need be."""
        with suppress(NotFound):
            self._fetch(sha256)
        return super().verify(sha256)

    def holds(self, files: Iterable[FileRef]) -> bool:
        """Whether all of these contents are here or at the shared store."""
        here = super().holds
        return all(here([file]) or self._exists(file.sha256) for file in files)

    def sweep(self, keep: set[str], grace_s: float = GRACE_S) -> int:
        """Delete here and at the shared store what is not in `keep` and old enough; see `Blobs.sweep`."""
        limit = time.time() - grace_s
        with self._explained():
            for place in self._files_of.find(self._base):
                stale = place.rsplit("/", 1)[-1] not in keep and not self.states.owns(place)
                if stale and self._files_of.modified(place).timestamp() <= limit:
                    self._files_of.rm_file(place)
        return super().sweep(keep, grace_s)

    def forget_old(self) -> None:
        """Delete copies of this node that it fetched or made long ago."""
        super().sweep(set(), CACHED_S)

    def _remote(self, sha256: str) -> str:
        return f"{self._base}/{sha256[:2]}/{sha256}"

    def _exists(self, sha256: str) -> bool:
        with self._explained():
            return bool(self._files_of.exists(self._remote(sha256)))

    def _push(self, sha256: str) -> None:
        """Write it under another name first: nobody sees a half of it."""
        target = self._remote(sha256)
        part = f"{target}.{uuid.uuid4().hex}"
        with self._explained():
            self._files_of.makedirs(f"{self._base}/{sha256[:2]}", exist_ok=True)
            self._files_of.put_file(str(super().path(sha256)), part)
            self._files_of.mv(part, target)

    def _fetch(self, sha256: str) -> None:
        place = self._place_of(sha256)
        if place is None or place.is_file() or not self._exists(sha256):
            return
        part = self._part()
        with self._explained():
            self._files_of.get_file(self._remote(sha256), str(part))
        if hash_of(part) != sha256:
            part.unlink()
            raise NotFound(
                f"The file {sha256[:12]} is damaged at the shared store.", hint="Upload or build it again."
            )
        self._place(part, sha256)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnusable(
                f"The shared store {_shown(self._url)} cannot be used: {_why(error, self._url)}.",
                hint="Check WHETSTONE_SHARED_STORE, and that this machine may read and write there.",
            ) from error


def of_node(url: str) -> SharedBlobs:
    """Return the files of `url` with the cache of this node: apart from those of a store on this machine."""
    return SharedBlobs(get_settings().data_dir / "node" / "blobs", url)


def _opened(url: str) -> tuple[Any, str]:
    """Return a file system of fsspec, and the folder in it."""
    try:
        if url.startswith("s3://"):  # with what Streamlit brings: fsspec's own needs botocore
            opened, folder = load("pyarrow.fs").FileSystem.from_uri(url)
            opened = load("fsspec.implementations.arrow").ArrowFSWrapper(opened)
        else:
            opened, folder = load("fsspec").url_to_fs(url)
        if not folder.strip("/"):
            raise ValueError("it names no folder or bucket")
    except (ValueError, OSError, ImportError) as error:
        raise InvalidRequest(
            f"The shared store {_shown(url)} cannot be opened: {_why(error, url)}.",
            hint="Set WHETSTONE_SHARED_STORE to a folder or to s3://bucket/folder.",
        ) from None  # it may repeat the keys, and logs hold the whole chain
    return opened, folder.rstrip("/")


def _shown(url: str) -> str:
    """Return `url` without the keys that it may hold."""
    scheme, sign, rest = url.rpartition("://")
    return scheme + sign + rest.rpartition("@")[2]


def _why(error: Exception, url: str) -> str:
    """Return what a library says went wrong, without the keys where it repeats them."""
    said, keys = str(error), url.partition("://")[2].rpartition("@")[0]
    for secret in filter(None, (url, keys, unquote(keys), keys.partition(":")[2])):
        said = said.replace(secret, "***" if secret != url else _shown(url))
    return one_line(said).rstrip(".")
