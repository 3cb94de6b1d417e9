"""A run as it might have been."""

from wiretask_bench.figures import Goal, Peer, Results, Row

MACHINE = {
    "processor": "2 × Some",
    "system": "Linux 6",
    "python": "CPython 3.11",
    "sqlite": "3.40",
    "files": "ext4",
    "commit": "abc1234",
    "load": "0.1",
}


def row(name="durable", ratios=(0.3, 0.3, 0.3), benchmark=None, **more):
    made = {
        "what": f"what {name} is",
        "unit": "tasks/s",
        "value": 99_000.0,
        "floor": "bare relay",
        "floor_value": 330_000.0,
    }
    return Row(name=name, benchmark=benchmark or name, ratios=list(ratios), **{**made, **more})


def peer(name, rate, **more):
    made = {"system": f"{name} 1.0", "settings": "the best", "survives": "nothing"}
    return Peer(name=name, rates=[rate], **{**made, **more})


def results(*rows, peers=(), missing=()):
    return Results(
        when="2030-01-01 00:00 UTC",
        machine=dict(MACHINE),
        settings={},
        rows=list(rows),
        peers=list(peers),
        missing=list(missing),
    )


def everything():
    """One of everything."""
    return results(
        row(goals=[Goal("≥ 100 000", met=False), Goal("≤ 128 MiB of log: 70", met=True)]),
        row("latency-durable", (1.1,), "latency", better="less", unit="ms", value=0.61, notes=["p99 1.30 ms"]),
        row("memory-per-task", (2.0,), "bytes", better="less", unit="bytes", value=214.0),
        row("arrays", (), value=None, unit="elements/s", notes=["not built"], goals=[Goal("≥ 700 000", met=False)]),
        row("codec-decode", (), "codec", value=None, floor_value=None, error="ImportError: no protobuf"),
        peers=[
            peer("gearmand", 350_000.0, p50_ms=0.15, p99_ms=0.23, bytes_per_task=906.4),
            peer("redis-lists-synced", 82_000.0, survives="all (AOF synced at each write)"),
            peer("dask", 0.0, error="it did not listen"),
        ],
        missing=["celery (no redis-server on the PATH)"],
    )
