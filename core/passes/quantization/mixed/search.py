"""Search for the fastest assignment of precisions within a limit of loss; every one is measured whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from time import monotonic
from typing import Any

from core.domain.recipe import Target
from core.examples import example_feed
from core.machine.environment import fingerprint
from core.passes.latency import RoughTime, rough_times
from core.passes.openvino_files import write
from core.passes.quantization.loss import BATCH, Judge, Loss
from core.passes.quantization.mixed.assignment import Low, cheapest, flipped, regions, runs
from core.passes.quantization.mixed.kept import Kept, load, save
from core.passes.quantization.mixed.layer_times import LayerTimes, layer_times
from core.passes.quantization.mixed.reversible import Reversible
from core.protocols import LocalArtifact, PassContext, Session
from core.registry import get_runtime
from core.serde import digest, to_plain

MOST_REGIONS = 24
SWITCHES = (0.0, 2.0, 8.0)
"""Costs of a change of precision that assignments are proposed for, in steps between layers of this model."""
HALVINGS = 6
"""Of the weight of noise, to find the least that respects the limit."""
MOST_FLIPS = 8
AT_ONCE = 4
"""Variants in one race: all are in memory."""
SENSING = 0.4
"""Share of the time left for finding out where the noise comes from."""
FAINT = 0.02
"""Share of all noise below which a stretch of layers is not looked into."""
CLOSE = 1.08
"""Ratio of rough times from which a plain conversion need not race at the end."""
CLEAR = 0.99
"""Ratio of times from which one counts as faster."""
RACE_S, LAST_S = 0.4, 0.8
"""Of each in a race, and in the last one between the winner and those of one precision."""


class Variant:
    """A whole model that was built; it is judged when somebody asks for its loss, which can take seconds.

    Args:
        low: Its assignment; all in 8 bits for one that others quantized.
        artifact: Its files.
        judge: Returns its loss.
        limits: Most points and most error, as `Loss.within` takes them.
    """

    def __init__(
        self, low: Low, artifact: LocalArtifact, judge: Callable[[], Loss], limits: tuple[float, float]
    ) -> None:
        self.low, self.artifact = low, artifact
        self._judge, self._limits = judge, limits

    @cached_property
    def loss(self) -> Loss:
        """Against the original."""
        return self._judge()

    @property
    def fits(self) -> bool:
        """Whether it respects the limit."""
        return self.loss.within(*self._limits)


class Search:
    """One search.

    Args:
        context: Of the pass.
        network: Quantized once.
        remainder: Precision of what is not in 8 bits: ``bf16`` or ``f32``.
        limits: Most points and most error, as `Loss.within` takes them.
        seconds: After which nothing more is tried.
        folder: For the files of variants.
        ready: Whole models that others quantized, in OpenVINO's format: the fastest within the limit is never
            slower than these.
        made_with: How the network was quantized: what is found out holds for that.

    Attributes:
        reused: Whether times and sensitivities of an earlier search were there.
    """

    def __init__(
        self,
        context: PassContext,
        network: Reversible,
        remainder: str,
        limits: tuple[float, float],
        seconds: float,
        folder: Path,
        ready: Sequence[LocalArtifact] = (),
        made_with: object = None,
    ) -> None:
        self._context, self._network, self._limits = context, network, limits
        self._options = {"precision": remainder}
        self._until, self._folder = monotonic() + seconds, folder
        self._made: dict[tuple[Low, str], Variant] = {}
        self._key = digest(
            network.groups, made_with, remainder, fingerprint(), to_plain(context.target), context.threads
        )
        original = LocalArtifact("openvino", *_files(network.original, folder / "original"))
        with closing(self._opened(original)) as session:
            self.judge = Judge(context, session.run)
        kept = load(context.statistics, self._key, len(network.groups))
        self.reused = kept is not None
        self._kept = kept or Kept(self._key, self._all_times())
        self.times = self._kept.times
        self.regions = regions(self.times[0].groups, self.times[1].groups, MOST_REGIONS)
        self.all_low = self.variant((True,) * len(self.regions))
        self.all_float = self.variant((False,) * len(self.regions))
        self.ready = [self._whole(self.all_low.low, each) for each in ready]

    def _opened(self, artifact: LocalArtifact) -> Session:
        target = Target("openvino", threads=self._context.threads, batch=BATCH)
        return get_runtime("openvino").open(artifact, target, self._context.model)

    def _all_times(self) -> tuple[LayerTimes, LayerTimes]:
        """Return the times with all layers in 8 bits, and with none."""
        return self._profiled(set(range(len(self._network.groups)))), self._profiled(set())

    def _profiled(self, low: set[int]) -> LayerTimes:
        threads = self._context.target.threads if self._context.target else 1
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self._options["precision"],
        }
        batch = self._context.target.batch if self._context.target else 1
        feed = example_feed(self._context.model, batch, self._context.seed)
        model = self._network.variant(low)
        return layer_times(model, self._network.original, self._network.groups, feed, settings)

    def variant(self, low: Low, precision: str = "") -> Variant:
        """Return the whole model of an assignment, built and judged once."""
        precision = precision or self._options["precision"]
        if (low, precision) not in self._made:
            groups = {
                each
                for region, chosen in zip(self.regions, low, strict=True)
                if chosen
                for each in region.groups
            }
            path, files = _files(self._network.variant(groups), self._folder / str(len(self._made)))
            artifact = LocalArtifact("openvino", path, files)
            self._made[low, precision] = self._whole(low, artifact, precision)
        return self._made[low, precision]

    def _whole(self, low: Low, artifact: LocalArtifact, precision: str = "") -> Variant:
        precision = precision or self._options["precision"]
        chosen = replace(artifact, options={"precision": precision} if precision != "f32" else {})

        def judged() -> Loss:
            with closing(self._opened(chosen)) as session:
                return self.judge.loss(session.run)

        return Variant(low, chosen, judged, self._limits)

    def _in_float32(self, variants: Sequence[Variant]) -> list[Variant]:
        """Return the same files with the remainder in FP32: where little is left, BF16 only adds steps."""
        return [
            self._whole(each.low, each.artifact, "f32")
            for each in variants
            if each.artifact.options.get("precision")
        ]

    def race(self, variants: Sequence[Variant], seconds: float = RACE_S) -> list[RoughTime]:
        """Return the times of `variants`, their ratio to the first."""
        return rough_times([each.artifact for each in variants], self._context, seconds)

    def _sense(self) -> None:
        """Measure what noise comes from where: the noisiest stretch is halved until time is over.

        What lies in a stretch that is hardly heard, or was not halved any more, shares its noise. It goes on
        with what earlier searches heard.
        """
        until = monotonic() + SENSING * max(0.0, self._until - monotonic())
        kept, whole = self._kept, (0, len(self.regions))
        heard = kept.heard
        if kept.total is None or not kept.hears(len(self.regions)):
            heard.clear()
            kept.silence = self._noise(())
            kept.total = max(0.0, self._noise(range(*whole)) - kept.silence)
            heard[whole] = kept.total
        while monotonic() < until:
            limit = FAINT * kept.total
            loud = [part for part, noise in heard.items() if part[1] - part[0] > 1 and noise > limit]
            if not loud:
                break
            start, end = max(loud, key=heard.__getitem__)
            middle = (start + end) // 2
            halves = ((start, middle), (middle, end))
            noises = [max(0.0, self._noise(range(*half)) - kept.silence) for half in halves]
            del heard[start, end]
            heard.update(zip(halves, noises, strict=True))
        save(self._context.statistics, kept)
        for (start, end), noise in heard.items():
            for index in range(start, end):
                self.regions[index] = replace(self.regions[index], noise=noise / (end - start))

    def _noise(self, low: Sequence[int]) -> float:
        """Return the noise with the regions of these numbers in 8 bits, on a few rows."""
        model = self._network.variant({group for index in low for group in self.regions[index].groups})
        path, files = _files(model, self._folder / "sensed")
        sensed = LocalArtifact("openvino", path, files, dict(self._options))
        with closing(self._opened(sensed)) as session:
            return self.judge.noise(session.run)

    @property
    def _over(self) -> bool:
        return monotonic() > self._until

    def best(self) -> Variant:
        """Return the fastest variant within the limit; without one the original in FP32."""
        whole = [self.all_low, *self.ready]
        plain = [self.all_float, *whole, *self._in_float32(whole)]
        proposed = [self.variant(low) for low in self._proposals(0.0) if not self._over]
        quick = self._ordered([*plain, *proposed])
        start = quickest = next(iter(quick))
        sensed = not start.fits
        if sensed:
            self._sense()
            found = [*self._quieted(start.low), *self._within_limit()]
            start = next((each for each in quick if each.fits), self.variant(self.all_float.low, "f32"))
            start = self._faster(start, [each for each in found if each.fits])
        better = self._refined(start)
        close = [each for each in plain if quick[each] < CLOSE * quick.get(start, quick[quickest])]
        chosen = self._faster(better, [start, *close, *self._in_float32([better])], LAST_S)
        if not sensed:
            self._sense()
        return chosen

    def _proposals(self, noise_ms: float) -> Iterable[Low]:
        step = max(each.between for each in self.times)
        return dict.fromkeys(cheapest(self.regions, count * step, noise_ms) for count in SWITCHES)

    def _quieted(self, low: Low) -> list[Variant]:
        """Return variants of `low` with its noisiest regions in float: as few as the limit asks for."""
        noisy = sorted(
            (index for index, chosen in enumerate(low) if chosen), key=self._noise_at, reverse=True
        )
        found: list[Variant] = []
        least, most = 0, len(noisy)  # the first is too loud, the last is quiet
        while most - least > 1 and not self._over:
            # Noise comes from few layers as a rule: doubling finds them sooner than halving.
            count = min(2 * least + 1, (least + most) // 2)
            quiet = set(noisy[:count])
            tried = self.variant(tuple(each and index not in quiet for index, each in enumerate(low)))
            found.append(tried)
            least, most = (least, count) if tried.fits else (count, most)
        return found

    def _noise_at(self, index: int) -> float:
        return self.regions[index].noise

    def _within_limit(self) -> list[Variant]:
        """Return variants that give up as little time as the limit asks for, by the sum over regions."""
        found: list[Variant] = []
        whole = sum(each.float_ms + each.low_ms for each in self.regions)
        quiet = min((each.noise for each in self.regions if each.noise), default=1.0)
        low, high = -3.0, 2.0  # powers of ten; at the upper end nothing noisy is left in 8 bits
        for _ in range(HALVINGS):
            if self._over:
                break
            middle = (low + high) / 2
            tried = [self.variant(each) for each in self._proposals(10**middle * whole / quiet)]
            fitting = [each for each in tried if each.fits]
            found += fitting
            low, high = (low, middle) if fitting else (middle, high)
        return list(dict.fromkeys(found))

    def _refined(self, start: Variant) -> Variant:
        """Return `start` after runs of it were tried in the other precision, the most promising first."""
        best, seen = start, {start.low}
        for _ in range(MOST_FLIPS):
            gains = [(self._gain(best.low, *run), flipped(best.low, *run)) for run in _pieces(best.low)]
            fresh = [low for _, low in sorted(gains, reverse=True) if low not in seen][:2]
            if self._over or not fresh:
                break
            seen |= set(fresh)
            best = self._faster(best, [self.variant(low) for low in fresh])
        return best

    def _gain(self, low: Low, start: int, end: int) -> float:
        return sum(
            (each.low_ms - each.float_ms) * (1 if low[index] else -1)
            for index, each in enumerate(self.regions)
            if start <= index < end
        )

    def _ordered(self, variants: Sequence[Variant], seconds: float = RACE_S) -> dict[Variant, float]:
        """Return the variants from the fastest on, with their times relative to the first that was given."""
        first, *rest = dict.fromkeys(variants)
        ratios = {first: 1.0}
        while rest:
            racing, rest = rest[: AT_ONCE - 1], rest[AT_ONCE - 1 :]
            times = self.race([first, *racing], seconds)
            ratios |= {each: time.ratio for each, time in zip(racing, times[1:], strict=True)}
        return {each: ratios[each] for each in sorted(ratios, key=ratios.__getitem__)}

    def _faster(self, best: Variant, others: Sequence[Variant], seconds: float = RACE_S) -> Variant:
        """Return the fastest of `others` that is within the limit, or `best` where that is no clear gain."""
        ahead = takewhile(lambda each: each is not best, self._ordered([best, *others], seconds))
        return next((each for each in ahead if each.fits and self._clearly(each, best)), best)

    def _clearly(self, one: Variant, other: Variant) -> bool:
        return self.race([other, one])[1].ratio < CLEAR


def _pieces(low: Low) -> list[tuple[int, int]]:
    """Return the runs of an assignment, and each half of long ones."""
    found = []
    for start, end in runs(low):
        found.append((start, end))
        if end - start > 1:
            middle = (start + end) // 2
            found += [(start, middle), (middle, end)]
    return found


def _files(model: Any, folder: Path) -> tuple[Path, tuple[Path, ...]]:
    folder.mkdir(exist_ok=True)
    files = write(model, folder, compress=False)
    return files[0], files
