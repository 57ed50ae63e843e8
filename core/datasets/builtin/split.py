"""Train/test split of scikit-learn's built-in sets: what sample models learn from is never evaluated on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def _order(n: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).permutation(n).astype(np.int64)


def training(n: int) -> NDArray[np.int64]:
    """Row numbers (n // 2,) of a built-in set with `n` rows that training may see."""
    return _order(n)[: n // 2]


def held_out(n: int) -> NDArray[np.int64]:
    """Row numbers (n - n // 2,) that only evaluation sees; a set's plain name, `digits`, means these rows."""
    return _order(n)[n // 2 :]
