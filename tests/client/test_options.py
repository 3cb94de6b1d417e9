import datetime as dt

import pytest

from wiretask_client.errors import BadCall
from wiretask_client.keys import Fairness, Rate, Unique
from wiretask_client.options import Options, RetryPolicy, header_tags, tags
from wiretask_protocol import messages
from wiretask_protocol.messages import Header

NOBODY = "0190aaaabbbb7ccc8dddeeeeffff37a8"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (Options(), {}),
        (Options(delay=1.5), {"delay": 1500}),
        (Options(delay=dt.timedelta(minutes=1)), {"delay": 60000}),
        (Options(delay=0), {}),
        (Options(delay=0.0001), {"delay": 1}),
        (Options(delay=0.1 + 0.2), {"delay": 300}),
        (Options(not_before=1.5), {"not_before": 1500}),
        (Options(not_before=dt.datetime(1970, 1, 2, tzinfo=dt.UTC)), {"not_before": 86_400_000}),
        (Options(expires_in=2, expires_at=3), {"expires_in": 2000, "expires_at": 3000}),
        (Options(time_limit=0), {}),
        (Options(time_limit=2), {"time_limit": 2000}),
        (Options(max_attempts=3, cost=2, note="why"), {"max_attempts": 3, "cost": 2, "note": "why"}),
        (Options(retention=10_000_000), {"retention": 10_000_000_000}),
        (Options(retry=2), {"retry": messages.RetryPolicy(2000, 2000, 600_000, 100)}),
        (Options(requires=["gpu", "eu"]), {"requires": ("gpu", "eu")}),
        (Options(resources={"gpu": 1}), {"resources": (messages.Resource("gpu", 1),)}),
        (Options(unique="k"), {"unique": messages.UniqueKey("k", 1, 2, 0)}),
        (Options(unique=Unique("k", "body", "begun")), {"unique": messages.UniqueKey("k", 3, 1, 0)}),
        (Options(unique=Unique("k", "type", 1.5)), {"unique": messages.UniqueKey("k", 2, 3, 1500)}),
        (Options(concurrency=("db", 3)), {"concurrency": messages.ConcurrencyKey("db", 3)}),
        (Options(rate=Rate("api", 5)), {"rate": messages.RateKey("api", 5, 1000, 5)}),
        (Options(rate=("api", 5, 60, 2)), {"rate": messages.RateKey("api", 5, 60_000, 2)}),
        (Options(fairness="acme"), {"fairness": messages.FairnessKey("acme", 1)}),
        (Options(fairness=("acme", 4)), {"fairness": messages.FairnessKey("acme", 4)}),
        (Options(retry={"base": 2, "jitter": 0}), {"retry": messages.RetryPolicy(2000, 2000, 600_000, 0)}),
        (Options(requires=["gpu", "gpu"]), {"requires": ("gpu",)}),
        (Options(fairness=Fairness("acme", 4)), {"fairness": messages.FairnessKey("acme", 4)}),
        (Options(after=[NOBODY, bytes(16), NOBODY]), {"after": (bytes.fromhex(NOBODY), bytes(16))}),
        (Options(after=[]), {}),
        (Options(on_dependency_failure="run"), {"on_dependency_failure": 2}),
        (
            Options(retry=RetryPolicy(base=1, factor=1.5, cap=0, jitter=0)),
            {"retry": messages.RetryPolicy(1000, 1500, 0, 0)},
        ),
    ],
)
def test_options_become_tags(options, found):
    assert tags(options) == found


def test_headers_and_the_trace_travel_in_the_envelope():
    options = Options(headers={"a": "1", "b": "2"}, trace_context="00-1", trace_state="x=1")
    assert header_tags(options) == {
        "headers": (Header("a", "1"), Header("b", "2")),
        "trace_context": "00-1",
        "trace_state": "x=1",
    }
    assert header_tags(Options(headers={})) == {}


@pytest.mark.parametrize("headers", [3, "a=1", ["a"]])
def test_headers_that_are_no_mapping_are_refused(headers):
    with pytest.raises(BadCall, match="give a dict of names and texts"):
        header_tags({"headers": headers})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(delay=-1), "delay is -1 s; it must be between 0 and 4294967 s"),
        (Options(delay=5_000_000), "must be between"),
        (Options(delay=float("nan")), "in seconds or as a timedelta"),
        (Options(delay=float("inf")), "in seconds or as a timedelta"),
        ({"delay": "soon"}, "in seconds or as a timedelta"),
        (Options(time_limit=dt.timedelta(days=-1)), "time_limit"),
        (Options(not_before=dt.datetime(2030, 1, 1)), "has no time zone"),  # noqa: DTZ001 -- that is the point
        (Options(retry=RetryPolicy(factor=0.5)), "retry.factor is 0.5; it must be between 1 and 65.535"),
        (Options(retry=RetryPolicy(jitter=2)), "retry.jitter"),
        (Options(retry=RetryPolicy(factor=float("nan"))), "must be a number"),
        (Options(retry=-1), "retry.base"),
        (Options(requires="gpu"), "give a list of labels"),
        ({"requires": [1]}, "a label in requires is 1; it must be 1 to 128 of"),
        ({"requires": 5}, "requires is 5; give a list of labels"),
        (Options(requires=["a b"]), "a label in requires is 'a b'"),
        (Options(requires=[""]), "a label in requires is ''"),
        (
            Options(requires=[f"l{number}" for number in range(65)]),
            "65 items, 64 are the most; let one stand for several",
        ),
        (Options(resources={f"r{number}": 1 for number in range(65)}), "65 items, 64 are the most"),
        (Options(resources={"": 1}), "a name in resources is ''"),
        (Options(resources={"gpu": 2**64}), "it must be a whole number between 0"),
        (Options(unique=""), "unique.key is ''; it must be 1 to 128 of"),
        (Options(unique="invoice 7"), "give another, or a hash of it"),
        (Options(unique="x" * 129), "unique.key is 'x+…; it must"),
        (Options(unique="é"), "unique.key"),
        (Options(unique=Unique("k", until=0)), "give a time in which a second task is kept out"),
        ({"unique": Unique("k", until=None)}, "unique.until is None"),  # type: ignore[arg-type]
        ({"unique": ("k", "queue", "ended", 4)}, "made of: key, scope, until"),
        (Options(concurrency=("", 1)), "concurrency.key is ''"),
        (Options(concurrency=("db", 65536)), "concurrency.limit is 65536"),
        ({"concurrency": ("db",)}, "give a Concurrency, or a tuple or a dict of what it is made of: key, limit"),
        ({"concurrency": {"key": "db", "most": 1}}, "made of: key, limit"),
        (Options(rate=("", 1)), "rate.key is ''"),
        (Options(rate=("api", 0)), "rate.limit is 0"),
        (Options(rate=("api", 1, -1)), "rate.period is -1 s"),
        (Options(rate=("api", 1, 1e9)), "rate.period is 1e"),
        ({"rate": 5}, "give a Rate"),
        (Options(fairness=""), "fairness.key is ''"),
        (Options(fairness=("acme", 65536)), "fairness.weight is 65536"),
        (Options(expires_in=0), "expires_in is 0 s; give the task some time to begin"),
        (Options(expires_in=-1), "expires_in is -1 s"),
        (Options(not_before=-1.0), "not_before is -1 s"),
        (Options(retention=-1), "retention is -1 s"),
        ({"max_attempts": "3"}, "max_attempts is '3'; it must be a whole number between 1 and 65535"),
        ({"max_attempts": True}, "max_attempts is True"),
        ({"cost": 1.5}, "cost is 1.5"),
        ({"note": 3}, "note is 3; give a text"),
        (Options(note="é" * 513), "note has 1026 bytes, 1024 are the most"),
        ({"after": 5}, "give a list of handles or ids"),
        ({"after": [None]}, "is not a task id"),
        ({"retry": {"basis": 1}}, "made of: base, factor, cap, jitter"),
        ({"on_dependency_failure": ["run"]}, "it is one of cancel, run"),
        ({"resources": ["gpu"]}, "give a dict of names and amounts"),
        (Options(resources={"gpu": -1}), "it must be a whole number between 0"),
        ({"resources": {"gpu": 0.5}}, "it must be a whole number"),
        (Options(unique=Unique("k", "world")), "it is one of queue, type, body"),
        (Options(unique=Unique("k", until="later")), "it is begun, ended, or a number of seconds"),
        (Options(unique=Unique("k", until=-1)), "unique.until"),
        ({"unique": 7}, "give a Unique, or a tuple"),
        (Options(concurrency=("db", 0)), "concurrency.limit is 0; it must be a whole number between 1 and 65535"),
        ({"concurrency": "db"}, "give a Concurrency, or a tuple"),
        (Options(rate=Rate("api", 5, 0)), "rate.period is 0; give more than 0 seconds"),
        (Options(rate=Rate("api", 5, 1, 0)), "rate.burst"),
        (Options(fairness=Fairness("acme", 0)), "fairness.weight"),
        (Options(after=NOBODY), "give a list of handles or ids"),
        (Options(after=["zz"]), "is not a task id"),
        (Options(after=[number.to_bytes(16, "big") for number in range(65536)]), "65535 are the most"),
        (Options(on_dependency_failure="pray"), "it is one of cancel, run"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_the_remedy(options, words):
    with pytest.raises(BadCall, match=words):
        tags(options)
