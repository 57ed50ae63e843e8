"""Quality with confidence intervals: accuracy by a metric, fidelity to the baseline."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.domain.measurement import Interval


@dataclass(frozen=True)
class Scale:
    """How a metric is read.

    Attributes:
        name: As part of a sentence.
        unit: ``%`` for a share, ``dB``, or empty for a plain number, such as an error in the targets' unit.
        higher: Whether more is better.
    """

    name: str = "accuracy"
    unit: str = "%"
    higher: bool = True

    @property
    def label(self) -> str:
        """The name at the head of a line."""
        first = self.name.replace("-", " ").partition(" ")[0]
        return self.name[:1].upper() + self.name[1:] if first.islower() else self.name

    @property
    def title(self) -> str:
        """The name at the head of a column, with the unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def step(self) -> str:
        """The unit of differences: ``points`` of a share."""
        return "points" if self.unit == "%" else self.unit

    def words(self, value: float, digits: int = 1) -> str:
        """Return a value with its unit: `digits` decimals of a share, else four digits in all."""
        number = f"{value:.{digits}f}" if self.unit == "%" else f"{value:.4g}"
        return f"{number} {self.unit}".strip()

    def difference(self, value: float) -> str:
        """Return a signed difference with its unit."""
        number = f"{round(value, 2) + 0.0:+.2f}" if self.unit == "%" else f"{value:+.3g}"
        return f"{number} {self.step}".strip()


@dataclass(frozen=True)
class Accuracy:
    """Quality against labels, paired with the baseline on the same samples.

    Attributes:
        metric: Id of the metric, such as ``top1``.
        value: In the unit of `scale`.
        drop: By how much the candidate is worse than the baseline, whichever direction is worse, in the unit
            of `scale` (points of a share), with a paired 95 % interval; exactly 0 for the baseline.
        samples: Evaluated samples: images, texts or rows.
        flips: Predictions whose correctness differs from the baseline's; None where none is right or wrong.
        mcnemar_p: Exact McNemar p-value of the flips.
        interval: `value` with its own 95 % interval; None in results of old.
        places: Predictions in each sample: the pixels of a segmentation, the tokens of a text, else 1.
        effective: Independent predictions that are worth as much as all of them; None in results of old, and
            where no closed form needs it.
        scale: How the metric is read.
        output: Name of the output that was judged; empty in results of old.
        numbering: Of boxes: which of the ways to count classes is the model's, see `DataSet.box_classes`.
        sequential: The interval of `drop` holds however the number of samples was chosen, looking at the
            figures on the way.
    """

    metric: str
    value: float
    drop: Interval
    samples: int
    flips: int | None
    mcnemar_p: float | None
    interval: Interval | None = None
    places: int = 1
    effective: float | None = None
    scale: Scale = field(default_factory=Scale)
    output: str = ""
    sequential: bool = False
    numbering: int = 0

    @property
    def change(self) -> Interval:
        """By how much the value differs from the baseline's."""
        if not self.scale.higher:
            return self.drop
        return Interval(0.0 - self.drop.value, 0.0 - self.drop.high, 0.0 - self.drop.low)


@dataclass(frozen=True)
class Detections:
    """Fidelity of lists of boxes, paired one to one by class and overlap.

    Row by row there is nothing to compare: another number of boxes, or another order, moves all rows.

    Attributes:
        compared: Detections of baseline and candidate together.
        confidence: The least score of those.
        overlap: Mean intersection over union of the pairs; None without any.
        same: All detections are the baseline's but for rounding.
    """

    compared: int
    confidence: float
    overlap: float | None
    same: bool


@dataclass(frozen=True)
class OutputFidelity:
    """Fidelity of one output to the baseline's: top-1 agreement, SQNR, output error.

    Attributes:
        name: Of the output.
        sqnr_db: Power of the baseline's output by the power of the error, in decibel; None where they are
            identical.
        max_abs_error: Largest absolute difference.
        top1_agreement: Percent of equal answers (the same arg-max, or the same whole number), with a 95 %
            interval; None where it has neither, or where agreement would mean nothing.
        noise: Power of the error in percent of what the output varies from input to input, with a 95 %
            interval: a constant offset is no signal. None in whole numbers and in results of old.
        detections: Of lists of boxes: then `top1_agreement` is the percent of detections that both have (F1),
            `max_abs_error` the largest difference between scores of a pair, and there is no SQNR.
        max_rel_error: `max_abs_error` by the baseline's largest magnitude; None of detections, of zeros,
            and in results of old.
        cosine: Cosine between the values of both over all samples; None likewise.
    """

    name: str
    sqnr_db: float | None
    max_abs_error: float
    top1_agreement: Interval | None = None
    noise: Interval | None = None
    detections: Detections | None = None
    max_rel_error: float | None = None
    cosine: float | None = None

    @property
    def of_numbers(self) -> bool:
        """Whether it holds floats that are compared one by one."""
        return self.noise is not None and self.detections is None

    @property
    def loss(self) -> Interval:
        """Percent of answers that differ or, where there are none, the noise in percent of the variance."""
        agreement = self.top1_agreement
        if agreement is not None:
            return agreement.rest_of(100)
        share = 0.0 if self.sqnr_db is None else 100 * 10.0 ** (-self.sqnr_db / 10)
        return self.noise or Interval(share, share, share)


@dataclass(frozen=True)
class Fidelity:
    """Fidelity of all outputs to the baseline's; needs no labels and is no accuracy.

    Attributes:
        top1_agreement: Percent of predictions with the same arg-max in the output that has classes, with a
            95 % interval; None where there are no classes or where agreement means nothing, see `collapsed`.
        sqnr_db: Signal to quantization-noise ratio of the worst output in decibel; None for identical ones.
        max_abs_error: Largest absolute difference of any output.
        samples: Compared samples.
        outputs: Every output by itself; empty in results of old.
        collapsed: Why figures on these inputs say little, and what to give instead, in a plain sentence;
            empty where they mean something.
        random: The inputs were drawn at random, not taken from data.
        blind: What the artifact was calibrated on was random, too.
    """

    top1_agreement: Interval | None
    sqnr_db: float | None
    max_abs_error: float
    samples: int
    outputs: tuple[OutputFidelity, ...] = ()
    collapsed: str = ""
    random: bool = False
    blind: bool = False

    @property
    def each(self) -> tuple[OutputFidelity, ...]:
        """Every output; one that stands for all of them in results of old."""
        old = OutputFidelity("all outputs", self.sqnr_db, self.max_abs_error, self.top1_agreement)
        return self.outputs or (old,)

    @property
    def detections(self) -> Detections | None:
        """How lists of boxes were compared; None where there are none."""
        return next((each.detections for each in self.outputs if each.detections is not None), None)

    @property
    def agreement_name(self) -> str:
        """What `top1_agreement` counts, at the head of a line."""
        return "Top-1 agreement" if self.detections is None else "Detection agreement"

    @property
    def worst(self) -> OutputFidelity:
        """The output that lost most by its own measure."""
        return max(self.each, key=lambda output: output.loss.value)


@dataclass(frozen=True)
class OtherBatch:
    """What a call of another number of rows gives, held against the baseline's answers to the same rows.

    Attributes:
        batch: Rows of the call.
        fidelity: On these rows; None where the file takes no such call.
    """

    batch: int
    fidelity: Fidelity | None = None


@dataclass(frozen=True)
class Quality:
    """Quality on some rows.

    Attributes:
        accuracy: By the run's metric; None without labels.
        fidelity: Agreement with the baseline.
        undefined: Why the metric has no value on these labels, in a sentence; empty where it has one.
    """

    accuracy: Accuracy | None
    fidelity: Fidelity
    undefined: str = ""


@dataclass(frozen=True)
class Evaluation:
    """How the outputs on the evaluation set were computed.

    Attributes:
        rows: Rows that were run.
        planned: Rows that there were to run.
        batch: Rows of a call.
        copies: Copies of the model that ran at the same time, each with the target's threads.
        seconds: That it took.
        note: Why calls are no larger than the target's, in a sentence; empty where there is nothing to say.
        stopped: Why it ended early though there was time, in a sentence: the figures are rough then, and the
            intervals allow for it. Empty where it did not.
    """

    rows: int
    planned: int
    batch: int
    copies: int = 1
    seconds: float = 0.0
    note: str = ""
    stopped: str = ""
