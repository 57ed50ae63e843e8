from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from core.domain.model import DataSet
from core.errors import InvalidRequest
from core.serde import digest, to_json
from core.settings import Settings
from core.store import Store, StoreUnusable
from core.store.database import Database
from core.store.migrations import HEAD, config
from core.store.tables import metadata
from tests.store.postgres import emptied

MIGRATIONS = Path(__file__).parents[2] / "core" / "store" / "migrations"
REVISIONS = sorted(path.stem.split("_")[0] for path in (MIGRATIONS / "versions").glob("0*.py"))


@pytest.fixture
def file(data_dir: Path) -> Path:
    data_dir.mkdir()
    return data_dir / "whetstone.db"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return emptied(request.getfixturevalue("postgres"))
    return f"sqlite:///{tmp_path / 'fresh.db'}"


def test_head_is_the_newest_revision() -> None:
    assert ScriptDirectory(MIGRATIONS).get_current_head() == HEAD == REVISIONS[-1]


def test_migrations_and_tables_do_not_drift(url: str) -> None:
    database = Database(url)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    database.close()


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_older_schema_is_brought_up_without_loss(revision: str, url: str, data_dir: Path) -> None:
    _old_database(url, revision)
    with Store(Settings(data_dir=data_dir, database_url=url)) as store:
        assert [item.run.name for item in store.runs.list()] == ["kept"]
        assert [model.name for model in store.models.list()] == ["m"]
        with store._database.read() as connection:
            assert MigrationContext.configure(connection).get_current_revision() == HEAD


def _old_database(url: str, revision: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(config(connection), revision)
        model = (
            '{"id":"m","name":"m","format":"onnx","files":[],"sha256":"","inputs":[],"outputs":[],"symbols":{},'
            '"batch_symbol":null,"parameters":1,"macs":null,"size_bytes":1}'
        )
        into = text("INSERT INTO models (id, created, body) VALUES ('m', 1.0, :body)")
        connection.execute(into, {"body": model})
        into = text(
            "INSERT INTO runs (id, name, model_id, request, status, created, revision, stage, elapsed_s,"
            " cancel_requested) VALUES ('r', 'kept', 'm', :request, 'done', 1.0, 1, '', 0.0, false)"
        )
        connection.execute(into, {"request": '{"model_id":"m"}'})
    engine.dispose()


def test_runs_without_data_refer_to_the_random_inputs_they_drew(file: Path, data_dir: Path) -> None:
    _old_database(f"sqlite:///{file}", "0001")
    drawn = digest("data", "0.1.0", "None", [], "m", {}, "", 0)[:16]
    data = DataSet(drawn, "Random inputs", (), ("x",), 8, 2, False)
    with sqlite3.connect(file) as rows:
        rows.execute("INSERT INTO data_sets VALUES (?, 1.0, ?)", [drawn, to_json(data)])
    rows.close()
    with Store(Settings(data_dir=data_dir), grace_s=0.0) as store:
        assert store.runs.get("r").data_id == drawn
        store.runs.delete("r")
        assert store.data.list() == ()


def test_opening_twice_changes_nothing(url: str) -> None:
    Database(url).close()
    Database(url).close()


def test_newer_schema_is_left_alone(file: Path, data_dir: Path) -> None:
    Store(Settings(data_dir=data_dir)).close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(StoreUnusable, match="newer version") as caught:
        Store(Settings(data_dir=data_dir))
    assert "Update" in caught.value.hint
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_file_that_is_no_database_is_left_alone(file: Path, data_dir: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(StoreUnusable) as caught:
        Store(Settings(data_dir=data_dir))
    assert caught.value.hint
    assert file.read_bytes() == content


def test_damage_that_shows_later_is_explained(file: Path, data_dir: Path) -> None:
    Store(Settings(data_dir=data_dir)).close()
    content = bytearray(file.read_bytes())
    with sqlite3.connect(file) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name='models'").fetchone()[0]
    connection.close()
    content[(page - 1) * size : page * size] = b"\xff" * size
    file.write_bytes(content)
    with Store(Settings(data_dir=data_dir)) as store, pytest.raises(StoreUnusable, match="malformed"):
        store.models.list()


def test_database_of_something_else_is_left_alone(file: Path, data_dir: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE runs (mine TEXT)")
        connection.execute("INSERT INTO runs VALUES ('precious')")
    connection.close()
    with pytest.raises(StoreUnusable):
        Store(Settings(data_dir=data_dir))
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT * FROM runs").fetchall() == [("precious",)]
        assert len(connection.execute("SELECT * FROM sqlite_master").fetchall()) == 1
    connection.close()


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnusable, match="cannot be created"):
        Store(Settings(data_dir=tmp_path / "file" / "data"))


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite://", "sqlite:///:memory:", "mysql://host/db", "x+y://h/d"]
)
def test_urls_that_cannot_work(url: str, data_dir: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Store(Settings(data_dir=data_dir, database_url=url))
    assert caught.value.hint


def test_password_is_not_shown() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreUnusable) as caught:
        Database("postgresql+psycopg://me:secret@127.0.0.1:1/none")
    assert "secret" not in caught.value.message
    assert "WHETSTONE_DATABASE_URL" in caught.value.hint
