"""Candidate recipes suggested by techniques and runtimes; the presets are made of them."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.recipe import Step


@dataclass(frozen=True)
class Idea:
    """A recipe worth trying, without the conversions that lead from technique to technique to runtime.

    Attributes:
        level: Smallest preset that tries it: 1 quick, 2 balanced, 3 thorough.
        order: Smaller ones come first: below 100 what loses nothing and is there in seconds, as a short
            budget ends in the middle; from 100 the likely winners for this kind of model; from 200 wider,
            from 300 deeper variants; from 900 what remains where all others were refused.
        runtime: Id of the runtime.
        steps: Techniques in their order. Where one of them does not exist here, the idea is left out.
        quantized: Whether the step that quantizes most accurately (`Pass.finest`) comes behind the
            techniques. Where no technique has one, the idea is left out.
        remainder: Whether a technique that lowers the precision of what the others left in float comes last,
            where this machine has one (`Pass.remainder`).
        opened: Whether techniques that open the way (`Opener`) come before it; off where it works without.
    """

    level: int
    order: int
    runtime: str
    steps: tuple[Step, ...] = ()
    quantized: bool = False
    remainder: bool = False
    opened: bool = True
