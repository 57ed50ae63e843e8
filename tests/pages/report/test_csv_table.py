from __future__ import annotations

import pytest

from core.domain.quality import Scale
from pages.report.csv_table import columns


@pytest.mark.parametrize(
    ("scale", "value", "change"),
    [
        (Scale(), "accuracy_percent", "change_points"),
        (Scale("MAE", "", higher=False), "mae", "change"),
        (Scale("R²", ""), "r2", "change"),
        (Scale("PSNR", "dB"), "psnr_db", "change_db"),
    ],
)
def test_the_csv_names_the_metric_and_its_unit(scale: Scale, value: str, change: str) -> None:
    assert columns(scale) == (value, change)
