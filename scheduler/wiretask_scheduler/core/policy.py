"""How long to wait before another attempt."""

from __future__ import annotations

from wiretask_protocol.messages import RetryPolicy
from wiretask_scheduler.core.settings import Settings


def backoff_seconds(policy: RetryPolicy | None, failures: int, jitter: float, settings: Settings) -> float:
    """The wait after so many failures (from 1). `jitter` is drawn evenly from 0 to 1: it takes off, never adds."""
    if policy is None:
        base, factor, cap = settings.retry_base_seconds, 2.0, settings.retry_cap_seconds
        fraction = settings.retry_jitter
    else:
        base, factor = policy.base / 1000, policy.factor / 1000
        cap = policy.cap / 1000 if policy.cap else float("inf")
        fraction = policy.jitter / 1000
    # 64 doublings exceed any cap; without the bound a task with 65 535 attempts overflows the float.
    wait = min(base * factor ** min(failures - 1, 64), cap)
    return float(wait * (1 - fraction * jitter))
