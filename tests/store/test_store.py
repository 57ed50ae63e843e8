"""The contract on SQLite and on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from core.settings import Settings
from core.store import Store
from tests.store.contract import StoreContract
from tests.store.values import a_model


class TestSqlite(StoreContract):
    def test_pragmas(self, store: Store) -> None:
        with store._database.read() as connection:
            values = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "foreign_keys", "busy_timeout")
            }
        assert values == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30_000}

    def test_reopened_store_has_everything(self, settings: Settings) -> None:
        with Store(settings) as first:
            model = a_model(first)
        with Store(replace(settings)) as second:
            assert second.models.list() == (model,)
            assert second.blobs.verify(model.files[0].sha256)

    def test_the_folder_of_jobs_is_there(self, store: Store, settings: Settings) -> None:
        assert store.jobs_dir.is_dir()
        assert store.jobs_dir.is_relative_to(settings.data_dir)


class TestPostgres(StoreContract):
    on_server = True


def test_import_is_light() -> None:
    code = (
        "import sys, core.store; heavy = {'torch', 'onnx', 'onnxruntime', 'openvino', 'alembic', 'pandas'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
