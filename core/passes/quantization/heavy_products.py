"""Whether quantizing matrix products alone is worth it: they must hold a good part of the weights."""

from __future__ import annotations

from core.errors import PassNotApplicable

LEAST_SHARE = 0.3
"""Of all bytes of weights, in products."""
HINT = "Convolutions need static INT8, which speeds them up as well."


def require_products(products: int, weights: int) -> None:
    """Refuse a model of which products with constant weights hold little.

    Args:
        products: Bytes of the weights of matrix products.
        weights: Bytes of all weights.

    Raises:
        PassNotApplicable: With the shares.
    """
    share = products / max(weights, 1)
    if share < LEAST_SHARE:
        raise PassNotApplicable(
            f"Matrix products hold {share:.0%} of the weights ({products / 1e6:.2f} of {weights / 1e6:.2f} "
            "MB), and this works on nothing else.",
            hint=HINT,
        )
