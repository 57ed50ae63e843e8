"""Whether a toolchain is there: presets suggest what needs gigabytes of libraries only where it is."""

from __future__ import annotations


def toolchain_ready(name: str) -> bool:
    """Whether the environment of a toolchain is made already; looks at a few files."""
    # Here, as techniques are imported inside of toolchains, too, which lack what makes environments.
    from core.toolchains.environments import State, state_of
    from core.toolchains.lists import get_toolchain

    return state_of(get_toolchain(name)) is State.READY
