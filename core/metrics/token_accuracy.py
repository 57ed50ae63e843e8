"""Token accuracy: the share of tokens whose highest score is that of their label."""

from __future__ import annotations

from core.metrics.judging import proportion
from core.metrics.top1 import right
from core.protocols import Judged, LabelledOutput, Metric, Paired


class TokenAccuracy(Metric):
    """Texts are independent, their tokens are not: a text is a cluster of its tokens."""

    id = "token_accuracy"
    name = "token accuracy"
    order = -10
    tasks = frozenset({"token-classification"})

    def fits(self, about: LabelledOutput) -> bool:
        """A row of labels per sample."""
        return about.classes is not None and len(about.row) == 1 and about.places > 1

    def judge(self, given: Paired) -> Judged | str:
        """Return the share of the tokens that are not to be ignored, with score intervals."""
        return proportion(right, given)


METRIC = TokenAccuracy()
