"""The app, for worker and submitter; where the Redis is, the environment says."""

from __future__ import annotations

import os

from celery import Celery

from wiretask_bench.peers.work import digest

_url = os.environ["PEER_URL"]
app = Celery("peer", broker=f"{_url}/0", backend=f"{_url}/1")
app.conf.update(
    worker_prefetch_multiplier=500,
    worker_send_task_events=False,
    worker_disable_rate_limits=True,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    task_default_delivery_mode="transient",
)
task = app.task(digest)
