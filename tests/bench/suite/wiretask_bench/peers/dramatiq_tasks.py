"""The actor, for worker and submitter; where the Redis is, the environment says."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from wiretask_bench.peers.work import digest

_url = os.environ["PEER_URL"]
dramatiq.set_broker(RedisBroker(url=_url, middleware=[Retries(), Results(backend=RedisBackend(url=_url))]))
actor = dramatiq.actor(store_results=True)(digest)
