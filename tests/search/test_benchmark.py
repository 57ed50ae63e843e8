"""The search benchmark: its table can be read and replayed, and the search keeps its promise on it."""

from __future__ import annotations

import pytest

from benchmarks import search


def test_on_measured_chains_it_is_early_and_ahead_of_random_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks.search"])
    assert search.main() == 0
    printed = capsys.readouterr().out
    assert "Replayed: 22 chains of a CIFAR-10 ResNet-20" in printed
    assert printed.count("of the budget") == search.SEEDS
