"""What Prometheus scrapes: gathered when it is asked for, so that nothing is counted twice or costs meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from wiretask_scheduler.flow import Flow

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS = {
    "submitted": "Tasks that were taken in.",
    "dispatched": "Deliveries to workers.",
    "succeeded": "Tasks that ended with a result.",
    "dead": "Tasks that were given up.",
    "cancelled": "Tasks that were cancelled.",
    "expired": "Tasks that expired.",
    "retried": "Attempts that failed and were followed by another.",
    "returned": "Deliveries that were given back.",
    "revived": "Dead tasks that were given another life.",
    "stale": "Reports of leases that were not current.",
}


class _Figures(Collector):
    """The figures of one scheduler."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def collect(self) -> Iterator[Metric]:
        """Every figure, as it is now."""
        state = self._flow.broker.state
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(f"wiretask_tasks_{name}", text, value=state.counts[name])
        yield GaugeMetricFamily("wiretask_tasks", "Tasks that have not ended.", value=state.tasks.count)
        ready = GaugeMetricFamily("wiretask_ready", "Tasks that wait for a worker.", labels=["queue"])
        depths: Counter[str] = Counter()
        for lane in state.ready:
            depths[lane.queue.name] += lane.count
        for queue, count in depths.items():
            ready.add_metric([queue], count)
        yield ready
        leased = sum(len(worker.leases) for worker in state.sessions.values())
        yield GaugeMetricFamily("wiretask_leased", "Tasks that workers have.", value=leased)
        yield GaugeMetricFamily("wiretask_workers", "Connected workers.", value=len(state.workers))
        yield GaugeMetricFamily("wiretask_clients", "Connected clients.", value=len(state.clients))
        yield GaugeMetricFamily("wiretask_connections", "Connections.", value=len(self._flow.server.links))
        yield GaugeMetricFamily("wiretask_store_full", "1 while new tasks are refused.", value=int(state.store_full))
        yield GaugeMetricFamily("wiretask_bodies_bytes", "Bodies in memory.", value=self._flow.outbox.octets)
        figures = self._flow.committer.figures
        yield CounterMetricFamily("wiretask_commits", "Commits.", value=figures.commits)
        yield CounterMetricFamily("wiretask_commit_rows", "Rows that were committed.", value=figures.rows)
        yield CounterMetricFamily("wiretask_commit_seconds", "Seconds spent in commits.", value=figures.seconds)
        yield CounterMetricFamily("wiretask_commit_retries", "Commits that were tried again.", value=figures.retries)


def render(flow: Flow) -> bytes:
    """All figures as text."""
    registry = CollectorRegistry()
    registry.register(_Figures(flow))
    return generate_latest(registry)
