"""What Prometheus scrapes: gathered when it is asked for, so that nothing is counted twice or costs meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from wiretask_protocol.messages import TaskState
from wiretask_scheduler.core.histogram import Histogram

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from wiretask_scheduler.flow import Flow
    from wiretask_scheduler.http.census import Counts
    from wiretask_scheduler.http.monitor import Monitor

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Queues that have figures of their own: a scrape is as large as the longest list of labels in it.
QUEUES = 500

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
_LIVE = (TaskState.WAITING, TaskState.SCHEDULED, TaskState.READY, TaskState.LEASED)
_LATENCIES = {
    "wait": ("wiretask_wait_seconds", "From the submission of a task to its first delivery."),
    "run": ("wiretask_run_seconds", "From the delivery of a task to the report of it."),
    "total": ("wiretask_total_seconds", "From the submission of a task to its success."),
}


class _Figures(Collector):
    """The figures of one scheduler."""

    def __init__(self, flow: Flow, counts: Counts, monitor: Monitor) -> None:
        self._flow = flow
        self._counts = counts
        self._monitor = monitor

    def collect(self) -> Iterator[Metric]:
        """Every figure, as it is now."""
        yield from self._tasks()
        yield from self._queues()
        yield from self._latencies()
        yield from self._peers()
        yield from self._store()
        yield histogram("wiretask_loop_lag_seconds", "How late the event loop was.", self._monitor.lag)

    def _tasks(self) -> Iterator[Metric]:
        state = self._flow.broker.state
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(f"wiretask_tasks_{name}", text, value=state.counts[name])
        attempts = CounterMetricFamily("wiretask_attempts", "Attempts that are over, by how.", labels=["outcome"])
        attempts.add_metric(["succeeded"], state.counts["succeeded"])
        attempts.add_metric(["failed"], state.counts["retried"] + state.counts["dead"])
        attempts.add_metric(["returned"], state.counts["returned"])
        yield attempts
        yield GaugeMetricFamily("wiretask_tasks", "Tasks that have not ended.", value=state.tasks.count)
        yield GaugeMetricFamily("wiretask_bodies_bytes", "Bodies in memory.", value=self._flow.outbox.octets)

    def _queues(self) -> Iterator[Metric]:
        deepest = sorted(self._counts.items(), key=lambda item: -sum(item[1].states))[:QUEUES]
        depth = GaugeMetricFamily("wiretask_queue_tasks", "Tasks of a queue by state.", labels=["queue", "state"])
        oldest = GaugeMetricFamily(
            "wiretask_queue_oldest_ready_seconds", "Since the oldest ready task was submitted.", labels=["queue"]
        )
        now_ms = self._monitor.now_ms()
        for queue, count in deepest:
            for state in _LIVE:
                depth.add_metric([queue, state.name.lower()], count.states[state])
            if count.oldest is not None:
                oldest.add_metric([queue], max(0, now_ms - count.oldest) / 1000)
        yield depth
        yield oldest
        paused = GaugeMetricFamily("wiretask_queue_mode", "1 for the mode that is on.", labels=["queue", "mode"])
        for of in self._flow.broker.state.queues:
            if of.mode:
                paused.add_metric([of.name, of.mode.name.lower()], 1)
        yield paused

    def _latencies(self) -> Iterator[Metric]:
        for name, (metric, text) in _LATENCIES.items():
            family = HistogramMetricFamily(metric, text, labels=["queue"])
            for queue, latencies in self._flow.broker.state.stopwatch.queues.items():
                of: Histogram = getattr(latencies, name)
                family.add_metric([queue], buckets(of), of.sum)
            yield family

    def _peers(self) -> Iterator[Metric]:
        state, server = self._flow.broker.state, self._flow.server
        leased = sum(len(worker.leases) for worker in state.sessions.values())
        yield GaugeMetricFamily("wiretask_leased", "Tasks that workers have.", value=leased)
        slots = sum(worker.slots for worker in state.workers.values())
        yield GaugeMetricFamily("wiretask_slots", "Tasks that workers take at a time.", value=slots)
        yield GaugeMetricFamily("wiretask_workers", "Connected workers.", value=len(state.workers))
        yield GaugeMetricFamily("wiretask_clients", "Connected clients.", value=len(state.clients))
        yield GaugeMetricFamily("wiretask_connections", "Connections.", value=len(server.links))
        yield CounterMetricFamily("wiretask_received_bytes", "Octets from peers.", value=server.received)
        yield CounterMetricFamily("wiretask_sent_bytes", "Octets to peers.", value=server.sent)

    def _store(self) -> Iterator[Metric]:
        full = self._flow.broker.state.store_full
        yield GaugeMetricFamily("wiretask_store_full", "1 while new tasks are refused.", value=int(full))
        figures = self._flow.committer.figures
        yield CounterMetricFamily("wiretask_commits", "Commits.", value=figures.commits)
        yield CounterMetricFamily("wiretask_commit_retries", "Commits that were tried again.", value=figures.retries)
        yield histogram("wiretask_commit_seconds", "How long commits take.", figures.durations)
        yield histogram("wiretask_commit_rows", "Rows of a commit.", figures.sizes)
        yield histogram("wiretask_sync_seconds", "Of a commit, until the disk has it.", figures.syncs)


def histogram(name: str, text: str, of: Histogram) -> HistogramMetricFamily:
    """A histogram without labels."""
    return HistogramMetricFamily(name, text, buckets=buckets(of), sum_value=of.sum)


def buckets(of: Histogram) -> list[tuple[str, float]]:
    """Cumulated counts, as Prometheus has them."""
    found: list[tuple[str, float]] = []
    passed = 0
    for bound, count in zip((*map(str, of.bounds), "+Inf"), of.counts, strict=True):
        passed += count
        found.append((bound, passed))
    return found


def render(flow: Flow, counts: Counts, monitor: Monitor) -> bytes:
    """All figures as text."""
    registry = CollectorRegistry()
    registry.register(_Figures(flow, counts, monitor))
    return generate_latest(registry)
