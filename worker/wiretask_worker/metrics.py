"""What Prometheus gets of a worker. Read in the thread that serves it, from numbers that the event loop keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from wiretask_protocol.messages import Outcome
from wiretask_worker.version import VERSION

if TYPE_CHECKING:
    from wiretask_worker.counts import Counts, Histogram
    from wiretask_worker.engine import Engine

_OUTCOMES = {int(outcome): outcome.name.lower() for outcome in Outcome}


class WorkerCollector(Collector):
    """Everything of one worker."""

    def __init__(self, engine: Engine, counts: Counts, lag: Histogram, slots: int) -> None:
        self._engine, self._counts, self._lag, self._slots = engine, counts, lag, slots

    def collect(self) -> Iterator[Metric]:
        """What there is at this moment."""
        core, counts = self._engine.core, self._counts
        attempts = CounterMetricFamily(
            "wiretask_worker_attempts", "Attempts that have ended, by type and outcome.", labels=["type", "outcome"]
        )
        for (kind, outcome), times in dict(counts.ended).items():
            attempts.add_metric([kind, _OUTCOMES.get(outcome, str(outcome))], times)
        yield attempts
        seconds = HistogramMetricFamily("wiretask_worker_run_seconds", "How long attempts ran.", labels=["type"])
        for kind, histogram in dict(counts.seconds).items():
            seconds.add_metric([kind], _buckets(histogram), histogram.sum)
        yield seconds
        yield GaugeMetricFamily("wiretask_worker_running", "Slots in use.", value=core.used)
        yield GaugeMetricFamily("wiretask_worker_slots", "Slots that there are.", value=self._slots)
        yield GaugeMetricFamily("wiretask_worker_held", "Tasks that are here, running or not.", value=core.running)
        yield GaugeMetricFamily("wiretask_worker_credit", "Tasks that the scheduler may have here.", value=core.window)
        yield GaugeMetricFamily(
            "wiretask_worker_undelivered_results", "Results that the scheduler has not accepted.", core.undelivered
        )
        yield GaugeMetricFamily("wiretask_worker_serving", "1 while it takes tasks.", value=int(core.serving))
        yield CounterMetricFamily(
            "wiretask_worker_connections", "Connections to the scheduler that came about.", value=counts.connections
        )
        lag = HistogramMetricFamily("wiretask_worker_loop_lag_seconds", "How late the event loop was.")
        lag.add_metric([], _buckets(self._lag), self._lag.sum)
        yield lag
        info = GaugeMetricFamily("wiretask_worker_info", "1; its labels say which worker it is.", labels=["version"])
        info.add_metric([VERSION], 1)
        yield info

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are known from what is collected."""
        return ()


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    upto = accumulate(list(histogram.counts))
    return list(zip([*map(str, histogram.bounds), "+Inf"], upto, strict=True))
