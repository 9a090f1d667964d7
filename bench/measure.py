"""Ratios that survive a noisy machine: subject and reference take turns, and the median of the rounds counts."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Job = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Ratio:
    """``figure`` and ``reference_figure`` are medians in seconds a call; ``spread`` is (max − min) / median of the rounds' ratios."""

    figure: float
    reference_figure: float
    ratio: float
    spread: float

    def turned(self) -> Ratio:
        """As calls a second: the reference's time over the subject's."""
        return Ratio(self.figure, self.reference_figure, 1 / self.ratio, self.spread)

    def row(self, job: str, reference: str, target: str, unit: str = "µs") -> dict[str, object]:
        """A line of the table that ``make bench`` prints."""
        scale = {"s": 1.0, "ms": 1e3, "µs": 1e6}[unit]
        return {
            "job": job,
            "reference": reference,
            "figure": f"{self.figure * scale:.2f} {unit}",
            "reference_figure": f"{self.reference_figure * scale:.2f} {unit}",
            "ratio": round(self.ratio, 2),
            "target": target,
            "spread": round(self.spread, 2),
        }


def calls_for(job: Job, seconds: float, clock: Callable[[], float]) -> int:
    """How many calls of ``job`` take about that long."""
    calls = 1
    while True:
        taken = _time(job, calls, clock)
        if taken >= seconds / 4:
            return max(1, round(calls * seconds / taken))
        calls *= 4


def _time(job: Job, calls: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(calls):
        job()
    return clock() - start


def compare(
    subject: Job, reference: Job, rounds: int = 7, seconds: float = 0.05, clock: Callable[[], float] = time.process_time
) -> Ratio:
    """Time both in turns, ``seconds`` each and round, by this process's CPU time unless another clock is given.

    A round lasts long enough for the clock; each round's ratio stands alone, so a slow spell hits both sides.
    """
    subject_calls = calls_for(subject, seconds, clock)
    reference_calls = calls_for(reference, seconds, clock)
    figures: list[float] = []
    references: list[float] = []
    gc.collect()
    for _ in range(max(rounds, 5)):
        references.append(_time(reference, reference_calls, clock) / reference_calls)
        figures.append(_time(subject, subject_calls, clock) / subject_calls)
    ratios = [figure / other for figure, other in zip(figures, references, strict=True)]
    ratio = statistics.median(ratios)
    return Ratio(statistics.median(figures), statistics.median(references), ratio, (max(ratios) - min(ratios)) / ratio)
