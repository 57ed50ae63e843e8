from __future__ import annotations

import os
import time
from pathlib import Path

from core.engine import open_store
from core.engine.kits import kit_file, sweep_kits


def test_a_sweep_spares_a_kit_that_somebody_may_be_downloading(data_dir: Path) -> None:
    with open_store() as store:
        sweep_kits(store)
        young, old = kit_file(store, "young"), kit_file(store, "old")
        young.parent.mkdir()
        for kit in (young, old):
            kit.write_bytes(b"kit")
        hour_ago = time.time() - 3600
        os.utime(old, (hour_ago, hour_ago))
        sweep_kits(store)
        assert young.exists()
        assert not old.exists()
