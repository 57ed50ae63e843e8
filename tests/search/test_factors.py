from __future__ import annotations

from math import log

import pytest

from core.search.factors import Seen, by_answers, expect
from core.search.space import Chain
from core.search.spelling import parse


def chain(spelled: str) -> Chain:
    return Chain.of(parse(spelled))


PRUNED = "prune_channels:ratio=0.3+"
SEEN = [
    Seen(chain("@openvino"), 2.0, 0.0),
    Seen(chain("bf16@openvino"), 3.0, 0.1),
    Seen(chain("int8_static_nncf@openvino"), 5.0, 0.5),
    Seen(chain(f"{PRUNED}bf16@openvino"), 4.5, 6.0),
]


def test_what_was_measured_is_expected_again_and_relatives_follow_their_factors() -> None:
    wanted = [*(each.chain for each in SEEN), chain(f"{PRUNED}int8_static_nncf@openvino")]
    found = expect(wanted, SEEN)
    for index, seen in enumerate(SEEN):
        assert found.gain[index] == pytest.approx(log(seen.gain), abs=0.05)
        assert found.loss[index] == pytest.approx(seen.loss, abs=0.5)
    assert found.gain[-1] == pytest.approx(log(7.5), abs=0.12)
    assert found.gain_sd[-1] > found.gain_sd[0]
    assert found.loss[-1] == pytest.approx(6.4, abs=1.5)


def test_nothing_seen_leaves_what_is_usual_and_much_doubt() -> None:
    found = expect([chain("@openvino"), chain(f"{PRUNED}bf16@openvino")], [])
    assert found.gain[1] > found.gain[0] > 0
    assert all(found.gain_sd > 0.3)
    assert found.loss[1] > 1.0


def test_other_models_count_less_than_this_one() -> None:
    own, other = (
        expect([chain("bf16@openvino")], [Seen(chain("bf16@openvino"), 9.0, None, other=other)]).gain_sd[0]
        for other in (False, True)
    )
    assert own < 0.5 * other


def test_what_loses_less_untrained_loses_less_for_good() -> None:
    conversions = [Seen(chain("bf16@openvino"), 3.0, 0.1)]
    pruned = [Seen(chain("prune_depth:share=0.4+bf16@openvino"), 4.2, lost) for lost in (20.0, 60.0)]
    trained = [chain("prune_depth:share=0.4+distill+bf16@openvino")]
    little, much = (expect(trained, [*conversions, each]).loss[0] for each in pruned)
    assert 0.1 < little < much < 2.0
    longer = expect(trained, [*conversions, pruned[1]], toil=lambda _: 0.5).loss[0]
    assert longer < much


def test_before_anything_is_seen_a_trained_network_loses_what_is_usual() -> None:
    found = expect([chain("prune_depth:share=0.4+distill+bf16@openvino")], [])
    assert 0.1 < found.loss[0] < 2.0


def test_few_changed_answers_make_a_loss_surer() -> None:
    loss, sd = by_answers(1.2, 0.6, 3.0)
    assert 0.5 < loss < 1.2
    assert sd < 0.4
    assert by_answers(1.2, 0.6, None) == by_answers(1.2, 0.6, 40.0) == (1.2, 0.6)
