import datetime as dt

import pytest

from wiretask_client.errors import BadCall
from wiretask_client.options import Options, RetryPolicy, header_tags, tags
from wiretask_protocol import messages
from wiretask_protocol.messages import Header


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
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_the_remedy(options, words):
    with pytest.raises(BadCall, match=words):
        tags(options)
