"""Broken files of every kind end in a clear error or in a clean answer, never in anything else."""

from __future__ import annotations

import random
from dataclasses import fields
from pathlib import Path

import pytest

from core.archives.programs import check_pt2
from core.archives.torch_files import check_state_dict_pickle, torch_zip_kind
from core.archives.torchscript import check_torchscript
from core.archives.zips import extract_zip, inspect_zip
from core.errors import InputError
from tests.archives.conftest import TorchFiles

MUTATIONS = 60


def mutated(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 20))):
        at = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randrange(1, 200)]
            case 2:
                changed[at:at] = chance.randbytes(chance.randrange(1, 50))
            case _:
                changed[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", bytes(4), b"\xff\xff\xff\x7f"))
        changed = changed or bytearray(b"x")
    return bytes(changed)


@pytest.mark.parametrize("name", [field.name for field in fields(TorchFiles)])
def test_mutated_files(torch_files: TorchFiles, tmp_path: Path, name: str) -> None:
    content, chance = getattr(torch_files, name).read_bytes(), random.Random(name)
    path, out = tmp_path / "upload", tmp_path / "out"
    refused = 0
    for round_ in range(MUTATIONS):
        path.write_bytes(mutated(content, chance))
        for look in (torch_zip_kind, inspect_zip, check_pt2, check_torchscript, check_state_dict_pickle):
            try:
                look(path)
            except InputError:
                refused += 1
        try:
            extract_zip(path, out / str(round_))
        except InputError:
            refused += 1
    assert refused > MUTATIONS
    assert {file.name for file in tmp_path.iterdir()} <= {"upload", "out"}
