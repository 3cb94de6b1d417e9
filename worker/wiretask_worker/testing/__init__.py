"""For tests of your tasks: the real scheduler and the real worker in memory, with a clock that you move by hand.

    import tasks
    from wiretask_worker.testing import Bench

    def test_a_report_is_written_an_hour_later():
        with Bench(tasks) as bench:
            job = bench.submit(tasks.report, month=7, delay=3600)
            assert job.state == "scheduled"
            bench.advance(3600)
            assert job.result() == "done"

No socket, no thread, no sleeping: what runs runs to its end, or until it waits for time, before a call returns. Async
handlers run on an event loop whose clock is the bench's, so `asyncio.sleep(60)` takes `bench.advance(60)`. Retries,
limits, dependencies, groups and expiry are decided by the same code as in production. Needs `wiretask[scheduler]`.
"""

from wiretask_worker.testing.bench import Bench
from wiretask_worker.testing.jobs import Job, JobFailed, NotEnded

__all__ = ["Bench", "Job", "JobFailed", "NotEnded"]
