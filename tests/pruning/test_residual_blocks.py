from __future__ import annotations

from collections.abc import Sequence

import pytest

from core.pruning.residual_blocks import Dataflow, ResidualBlock, choose, residual_blocks


def chain(blocks: int, shape: tuple[int, ...] = (2, 8)) -> Dataflow:
    """x + f(x) so many times, each f of 10 operations, between a stem and a head of 20."""
    inputs: dict[str, tuple[str, ...]] = {"x": (), "stem": ("x",)}
    macs, sums, last = {"stem": 20}, {}, "stem"
    for at in range(blocks):
        inputs |= {f"w{at}": (), f"f{at}": (last, f"w{at}"), f"y{at}": (f"f{at}", last)}
        macs[f"f{at}"], sums[f"y{at}"] = 10, (f"f{at}", last)
        last = f"y{at}"
    inputs["head"] = (last,)
    return Dataflow(inputs, sums, dict.fromkeys(inputs, shape), {**macs, "head": 20}, ("head",))


def test_blocks_are_found_with_their_weights_and_one_of_each_stage_stays() -> None:
    found = residual_blocks(chain(3))
    assert [(each.output, each.stream, each.macs, each.spare) for each in found] == [
        ("y0", "stem", 10, 2), ("y1", "y0", 10, 2), ("y2", "y1", 10, 2),
    ]  # fmt: skip
    assert found[1].gone == {"f1", "w1"}
    assert not residual_blocks(chain(1))


def test_parallel_branches_count_each() -> None:
    """x + f(x) + g(x): the second branch adds to a sum, and reads what that was made of."""
    flow = chain(1)
    inputs = dict(flow.inputs) | {"g": ("stem",), "z": ("y0", "g"), "head": ("z",)}
    both = Dataflow(
        {**{name: inputs[name] for name in inputs if name != "head"}, "head": ("z",)},
        {**flow.sums, "z": ("y0", "g")},
        dict.fromkeys(inputs, (2, 8)),
        {**flow.macs, "g": 10},
        ("head",),
    )
    assert [(each.output, each.stream) for each in residual_blocks(both)] == [("y0", "stem"), ("z", "y0")]


def test_a_sum_of_two_inputs_and_one_over_the_whole_network_are_no_blocks() -> None:
    inputs: dict[str, tuple[str, ...]] = {"a": (), "b": (), "s": ("a", "b"), "f": ("s",), "y": ("s", "f")}
    flow = Dataflow(inputs, {"s": ("a", "b"), "y": ("s", "f")}, dict.fromkeys(inputs, (2,)), {"f": 9}, ("y",))
    assert not residual_blocks(flow)


def block(at: int, stage: int = 1, spare: int = 9) -> ResidualBlock:
    return ResidualBlock(f"y{at}", "x", frozenset({f"f{at}"}), stage, 10, spare)


def additive(losses: Sequence[float]) -> object:
    return lambda gone, tried: [sum(losses[each] for each in gone) + losses[at] for at in tried]


@pytest.mark.parametrize(
    ("share", "count", "expected"),
    [(0.5, 0, [2, 0]), (0.01, 0, [2]), (0.5, 3, [2, 0, 3]), (0.9, 9, [2, 0, 3, 1])],
)
def test_the_cheapest_losses_go_until_the_share_or_the_count(
    share: float, count: int, expected: list[int]
) -> None:
    blocks, errors = [block(at) for at in range(4)], additive([0.2, 0.9, 0.1, 0.3])
    assert choose(blocks, [1.0] * 4, errors, share, count) == expected  # type: ignore[arg-type]


def test_a_block_is_worth_its_time_and_the_last_of_a_stage_stays() -> None:
    errors = additive([0.2, 0.2, 0.3])
    blocks = [block(0, 1, 1), block(1, 1, 1), block(2, 2, 1)]
    assert choose(blocks, [1.0, 4.0, 1.0], errors, 0.9, 0) == [1, 2]  # type: ignore[arg-type]


def test_what_depends_on_a_removed_block_is_measured_anew() -> None:
    """0 and 1 are cheap alone and dear together."""

    def errors(gone: Sequence[int], tried: Sequence[int]) -> list[float]:
        return [10.0 if {0, 1} <= {*gone, at} else 0.1 * (len(gone) + 1) + at / 100 for at in tried]

    assert choose([block(at) for at in range(3)], [1.0] * 3, errors, 0.0, 2) == [0, 2]
