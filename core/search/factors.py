"""Model of figures: gains of techniques and runtimes multiply, losses add up, and both are uncertain.

Bayesian linear regression on the logarithm of the gain and on the loss, in its dual form as a Gaussian
process (Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006, section 2.1). A technique
has a weight for itself, one for itself on a runtime, and narrower ones for its exact parameters and for the
company it is in: what was seen of one chain speaks for its relatives, the nearer the more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import hypot, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.search.space import Chain, strength

Floats = NDArray[np.float64]
Features = dict[tuple[Any, ...], tuple[float, float, float]]
"""Value of each feature, and mean and standard deviation of its weight before anything is seen."""

GAIN_NOISE, OTHER_NOISE = 0.02, 0.3
"""Of the logarithm of a gain: as measured, and of another model."""
LOSS_NOISE, LOSS_SHARE, OTHER_LOSS = 0.2, 0.1, 1.5
"""Of a loss in units of what is allowed: always, in proportion to it, and of another model."""
RECOVERED, KEPT = 6.0, 0.05
"""Points of accuracy that are lost for good once a network was trained for as long as is usual: by the square
of the logarithm of what shrinking gains, and by each point that it loses untrained; the mean of both counts.
Of a CIFAR ResNet-56 these were 6 and 0.013, of a ResNet-20, with few blocks to spare, up to 22 and 0.07."""
RECOVERED_SD = 0.7
"""Of what is lost for good, as a share."""
DISAGREEMENT, DISAGREEMENT_SD, MOST_CHANGED = 6.0, 0.5, 15.0
"""Points by which a model disagrees with the original where it loses a point of accuracy, roughly: many wrong
answers become other wrong ones, and some become right. What that says of a loss is doubtful by such a share,
and holds while few answers change."""
UNSTATED = 0.4
"""Strength of what has none."""
BARE, BARE_SD = 150.0, 60.0
"""Points that are lost by the square of the strength of shrinking, without training."""


@dataclass(frozen=True)
class Seen:
    """A measured chain.

    Attributes:
        gain: Factor over the baseline in what is looked for.
        loss: Points lost, in units of what is allowed; None where that is not known.
        other: Whether it was of another model.
        loss_sd: Standard deviation of the loss as it was measured, in the same units.
    """

    chain: Chain
    gain: float
    loss: float | None
    other: bool = False
    loss_sd: float = 0.0


def by_answers(loss: float, sd: float, changed: float | None) -> tuple[float, float]:
    """Return a loss in points and its standard deviation, made surer by how many answers changed.

    1,500 rows tell a loss of one point to 0.6 points, and that 6 of 100 answers changed nearly exactly.
    """
    if changed is None or not sd or changed > MOST_CHANGED:
        return loss, sd
    told = changed / DISAGREEMENT
    own, other = 1 / sd**2, 1 / (DISAGREEMENT_SD * told + 1 / DISAGREEMENT) ** 2
    return (own * loss + other * told) / (own + other), (own + other) ** -0.5


@dataclass(frozen=True)
class Expected:
    """What is expected of some chains: means and standard deviations, one for each.

    Attributes:
        gain: Logarithm of the gain.
        loss: In units of what is allowed.
    """

    gain: Floats
    gain_sd: Floats
    loss: Floats
    loss_sd: Floats


def expect(
    chains: Sequence[Chain],
    seen: Sequence[Seen],
    points: float = 1.0,
    toil: Callable[[Chain], float] = lambda _: 1.0,
) -> Expected:
    """Return what is expected of `chains` after what was `seen`.

    Args:
        chains: Tried or not.
        seen: Of this model and of others.
        points: What one unit of loss is in points.
        toil: Returns how much its training leaves of what shrinking costs, as a factor of what is usual.
    """
    noise = [OTHER_NOISE if each.other else GAIN_NOISE for each in seen]
    about = [each.chain for each in seen]
    gains = np.array([log(max(each.gain, 1e-3)) for each in seen])
    gain, gain_sd = _regressed(_gain_features, chains, about, gains, np.array(noise))
    known = [each for each in seen if each.loss is not None]
    losses = np.array([each.loss for each in known], np.float64)
    noises = np.array(
        [
            hypot(LOSS_NOISE + LOSS_SHARE * abs(each.loss or 0) + OTHER_LOSS * each.other, each.loss_sd)
            for each in known
        ]
    )
    everyone = [*chains, *(each.chain for each in known)]
    bare = [replace(each, shrinking=(), training=()) for each in everyone]
    with_, without = (
        _regressed(_gain_features, each, about, gains, np.array(noise))[0] for each in (everyone, bare)
    )
    untrained = [not each.chain.trains_long for each in known]
    lost = _regressed(
        lambda chain: _loss_features(chain, 0.0, points),
        [replace(each, training=()) for each in everyone],
        [each.chain for each, bare in zip(known, untrained, strict=True) if bare],
        losses[untrained],
        noises[untrained],
    )[0]
    for_good = {
        each.key: (RECOVERED * max(0.0, more - less) ** 2 / points + KEPT * max(0.0, much)) / 2
        for each, more, less, much in zip(everyone, with_, without, lost, strict=True)
    }

    def features(chain: Chain) -> Features:
        return _loss_features(chain, for_good[chain.key] * toil(chain), points)

    loss, loss_sd = _regressed(features, chains, [each.chain for each in known], losses, noises)
    return Expected(gain, gain_sd, loss, loss_sd)


def _regressed(
    features: Callable[[Chain], Features],
    chains: Sequence[Chain],
    about: Sequence[Chain],
    values: Floats,
    noise: Floats,
) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the function at `chains`, after its `values` at `about`."""
    described = [features(each) for each in (*chains, *about)]
    columns = {
        key: index for index, key in enumerate(dict.fromkeys(key for each in described for key in each))
    }
    design, mean = np.zeros((len(described), len(columns))), np.zeros(len(columns))
    for row, each in enumerate(described):
        for key, (value, middle, spread) in each.items():
            design[row, columns[key]] = value * spread
            mean[columns[key]] = middle / spread
    new, old = design[: len(chains)], design[len(chains) :]
    before = new @ mean
    variance = (new**2).sum(axis=1)
    if len(about):
        cross, kernel = new @ old.T, old @ old.T + np.diag(noise**2)
        weights = np.linalg.solve(kernel, np.column_stack([values - old @ mean, cross.T]))
        before = before + cross @ weights[:, 0]
        variance = variance - (cross * weights[:, 1:].T).sum(axis=1)
    return before, np.sqrt(np.maximum(variance, 1e-8))


def _gain_features(chain: Chain) -> Features:
    there, ending = chain.runtime, repr(chain.ending)
    found: Features = {("on", there): (1.0, 0.5, 0.7), ("ending", ending, there): (1.0, 0.0, 0.15)}
    for step in (*chain.opening, *chain.ending):
        found["did", step.pass_id, there] = (1.0, 0.1, 0.35)
        found["exactly", repr(step), there] = (1.0, 0.0, 0.1)
    for step in chain.shrinking:
        stated = strength(step)
        # What nobody can set to be faster is probably no faster at all.
        much = -log(1 - min(0.95, stated or UNSTATED))
        found["shrinks", step.pass_id] = (much, 0.5, 0.5) if stated else (much, 0.0, 0.2)
        found["shrinks", step.pass_id, there] = (much, 0.0, 0.2)
        found["shrinks", repr(step)] = (much, 0.0, 0.1)
        found["shrinks", repr(step), ending, there] = (much, 0.0, 0.05)
    for step in chain.training:
        found["trains", step.pass_id] = (1.0, 0.0, 0.02)
    return found


def _loss_features(chain: Chain, for_good: float, points: float) -> Features:
    """Return the features of a loss; `for_good` is what is usually left of it after training."""
    found: Features = {("ending", repr(chain.ending), chain.runtime): (1.0, 0.0, 0.3)}
    for step in (*chain.opening, *chain.ending):
        found["did", step.pass_id] = (1.0, 0.2, 0.7)
        found["exactly", repr(step)] = (1.0, 0.0, 0.3)
    for step in chain.shrinking:
        if chain.trains_long:
            lost = for_good / len(chain.shrinking)
            found["recovered", step.pass_id, chain.training[-1].pass_id] = (lost, 1.0, RECOVERED_SD)
            found["recovered", repr(step)] = (lost, 0.0, RECOVERED_SD / 2)
        else:  # corrected statistics recover a part, which each technique knows of itself
            lost = (strength(step) or UNSTATED) ** 2
            for each in chain.training:
                found["corrected", each.pass_id] = (-lost, BARE_SD / points, BARE_SD / points)
            found["lost", step.pass_id] = (lost, BARE / points, BARE_SD / points)
            found["lost", repr(step)] = (lost, 0.0, 10 / points)
    if chain.training and not chain.shrinking:
        found["trained", chain.training[-1].pass_id] = (1.0, 0.0, 0.3)
    return found
