"""Chains, groups and recurring tasks: what is sent for them."""

import asyncio

import pytest

from wiretask_client import BadCall, Client, call
from wiretask_client.groups import plan_chain, plan_group
from wiretask_client.schedules import schedule_request, times_of
from wiretask_protocol.codec import decode_envelope
from wiretask_protocol.messages import Encoding, Gather, GatherForm, Group, Schedule, ScheduleAction, Submit


def ids():
    number = 0

    def new_id(queue):
        nonlocal number
        number += 1
        return number.to_bytes(14, "big") + queue[:2].encode()

    return new_id


def test_each_step_of_a_chain_is_the_callback_of_the_one_before():
    first, middle, last = plan_chain([call("a", 1), call("b"), call("c", 2, queue="slow")], ids())
    assert first.template.tags == {"group": Group(middle.task_id, 0)}
    assert middle.template.tags == {"gather": Gather(1, GatherForm.VALUE), "group": Group(last.task_id, 0)}
    assert last.template.tags == {"gather": Gather(1, GatherForm.VALUE)}
    assert [each.template.flags for each in (first, middle, last)] == [0, 0, 1]
    assert last.task_id[14:] == b"sl"


def test_a_chain_of_one_is_a_task():
    (only,) = plan_chain([call("a", 1)], ids())
    assert (only.template.tags, only.template.flags) == ({}, 1)


def test_members_come_before_their_callback_and_have_their_places():
    *members, callback = plan_group([call("a", number) for number in range(3)], call("sum", "x"), ids())
    assert [each.template.tags["group"] for each in members] == [Group(callback.task_id, place) for place in range(3)]
    assert callback.template.tags == {"gather": Gather(3, GatherForm.LIST)}
    assert decode_envelope(callback.envelope).body == b'["x"]'


def test_a_group_without_members_is_its_callback():
    (callback,) = plan_group([], call("sum"), ids())
    assert callback.template.tags == {"gather": Gather(0, GatherForm.LIST)}


def test_options_and_arguments_of_a_call_are_told_apart():
    made = call("a", x=1, priority=9, kwargs={"queue": "an argument"})
    assert made.options == {"priority": 9}
    assert made.kwargs == {"queue": "an argument", "x": 1}


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (lambda: plan_chain([], ids()), "a chain needs a call"),
        (
            lambda: plan_group([call("a")] * 65536, call("b"), ids()),
            "65535 members are the most; make a group of groups",
        ),
        (lambda: plan_chain([call("a", priority=99)], ids()), "priority cannot be sent"),
        (lambda: plan_group([call("a", object())], call("b"), ids()), "cannot be written as JSON"),
    ],
)
def test_what_cannot_be_tied_is_refused_before_anything_is_sent(plan, words):
    with pytest.raises(BadCall, match=words):
        plan()


def times(**said):
    return times_of(
        **{"cron": None, "every": None, "zone": None, "overlap": None, "catch_up": None, "spread": None, **said}
    )


def test_times_become_tags():
    assert times(every=1.5, spread=2) == {"every": 1500, "spread": 2000}
    assert times(cron="0 0 * * *", zone="Europe/Zurich", overlap="replace", catch_up="all") == {
        "cron": "0 0 * * *",
        "zone": "Europe/Zurich",
        "overlap": 3,
        "catch_up": 3,
    }


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "give cron or every, one of them"),
        ({"cron": "* * * * *", "every": 1}, "give cron or every, one of them"),
        ({"every": 1, "zone": "UTC"}, "zone is for cron"),
        ({"every": 0}, "at least a millisecond"),
        ({"every": -1}, "every is -1 s"),
        ({"every": 1, "overlap": "both"}, "it is one of skip, queue, replace"),
        ({"every": 1, "catch_up": "some"}, "it is one of skip, one, all"),
    ],
)
def test_times_that_make_no_sense_are_refused(said, words):
    with pytest.raises(BadCall, match=words):
        times(**said)


@pytest.mark.parametrize("option", [{"not_before": 1.0}, {"after": [bytes(16)]}, {"on_progress": print}])
def test_what_is_for_one_task_is_refused_for_one_that_recurs(option):
    with pytest.raises(BadCall, match="is for one task, and this one recurs"):
        schedule_request("job", call("a", **option), times(every=1))


def test_a_chain_and_a_schedule_go_over_the_wire(scheduler):
    async def main():
        async with asyncio.timeout(10), scheduler, Client(scheduler.address) as client:
            last = client.chain(call("nobody", 1), call("nobody"))
            await last.accepted()
            assert [submit.task_id.hex() for submit in scheduler.of(Submit)] == [
                handle.id.replace("-", "") for handle in (*last.members, last)
            ]
            await client.schedule("job", "sha256", b"x", every=60, priority=7)
            await client.unschedule("job")
            put, deleted = scheduler.of(Schedule)
            assert (put.name, put.every, put.priority, put.action) == ("job", 60_000, 7, ScheduleAction.PUT)
            assert decode_envelope(put.envelope).encoding == Encoding.RAW
            assert deleted.action == ScheduleAction.DELETE

    asyncio.run(main())
