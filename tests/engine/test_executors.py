"""Who builds and measures, chosen for a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.domain.run import RunRequest
from core.engine import submit
from core.errors import InvalidRequest
from core.store.store import Store


def test_a_cluster_that_is_not_set_up_is_refused_before_anybody_waits(
    store: Store, request_for: Callable[..., RunRequest]
) -> None:
    with pytest.raises(InvalidRequest, match="shared store") as caught:
        submit(store, request_for(executor="ray"))
    assert "WHETSTONE_SHARED_STORE" in caught.value.hint
    assert store.runs.list() == ()
