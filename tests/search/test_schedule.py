"""What a search knows of time: what is left, what fits, and what a training of that length recovers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.measurement import Interval
from core.domain.run import RunRequest
from core.domain.trial import Trial
from core.protocols import SearchContext
from core.search.schedule import HALVING_S, TRIED_SHARE, Schedule, training_s
from core.search.space import Chain
from core.search.spelling import parse
from tests.factories import ENVIRONMENT, model

BASELINE = Trial(parse("@pytorch"), seconds=20.0)
GAIN = Interval(15.0, 14.0, 16.0)
TRAINED = "prune_depth:share=0.3+distill+export_onnx+bf16@openvino"


def schedule(budget_s: float | None, *trials: Trial, macs: int = 40_000_000) -> Schedule:
    request = RunRequest("m", "d", budget_s=budget_s)
    context = SearchContext(request, model("pt2", macs=macs), ENVIRONMENT, ("openvino",))
    return Schedule(context, [BASELINE, *trials], [Chain.of(each.recipe) for each in trials])


def chain(spelled: str) -> Chain:
    return Chain.of(parse(spelled))


def test_a_strength_is_tried_for_a_while_and_trained_on_with_all_the_rest() -> None:
    assert training_s(1000.0, further=False) == TRIED_SHARE * 1000.0
    assert training_s(1000.0, further=True) == 1000.0
    assert training_s(HALVING_S, further=False) == HALVING_S


def test_a_small_budget_has_time_for_conversions_and_none_for_training() -> None:
    small, large = schedule(60.0), schedule(1200.0)
    assert small.fits(chain("bf16@openvino"))
    assert not small.fits(chain(TRAINED))
    assert large.fits(chain(TRAINED))
    assert not schedule(25.0).fits(chain("bf16@openvino"))
    assert schedule(None).fits(chain(TRAINED))


def test_what_is_trained_already_costs_no_training_again() -> None:
    done = Trial(parse(TRAINED), seconds=500.0, trained_s=450.0, gain=GAIN)
    found, other = schedule(1200.0, done), chain("prune_depth:share=0.3+distill+int8_static_nncf@openvino")
    assert not found.trains_anew(other)
    assert found.seconds(other) < 30.0
    assert found.trains_anew(chain("prune_depth:share=0.2+distill+bf16@openvino"))
    again = chain("prune_depth:share=0.3+distill+distill+bf16@openvino")
    assert found.seconds(again) > 500.0 > found.seconds(chain("prune_depth:share=0.2+distill+bf16@openvino"))


def test_a_training_goes_on_for_a_good_part_of_the_time_that_it_had_or_not_at_all() -> None:
    again = chain("prune_depth:share=0.3+distill+distill+bf16@openvino")
    done = Trial(parse(TRAINED), seconds=500.0, trained_s=450.0, gain=GAIN)
    assert schedule(750.0, done).fits(again)
    assert not schedule(650.0, done).fits(again)


def test_what_was_refused_was_not_trained() -> None:
    refused = schedule(1200.0, Trial(parse(TRAINED), seconds=5.0))
    assert refused.trains_anew(chain(TRAINED))


def test_more_steps_recover_more_and_a_continued_training_counts_what_came_before() -> None:
    short, long = (schedule(seconds).toil(chain(TRAINED)) for seconds in (400.0, 4000.0))
    assert long < short
    assert schedule(4000.0, macs=4 * 10**9).toil(chain(TRAINED)) > 2 * long
    first = chain(TRAINED)
    again = replace(first, training=first.training * 2)
    done = schedule(1200.0, Trial(parse(TRAINED), seconds=500.0, trained_s=450.0, gain=GAIN))
    assert (
        done.toil(again)
        < done.toil(first)
        == pytest.approx(
            schedule(1200.0, Trial(parse(TRAINED), seconds=900.0, trained_s=450.0, gain=GAIN)).toil(first)
        )
    )
