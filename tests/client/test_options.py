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
        ({"requires": [1]}, "give a list of labels"),
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
