"""Chains, groups and recurring tasks: what is sent for them."""

import asyncio
from typing import Any

import pytest

from wiretask_client import BadCall, BadSchedule, Client, Refused, UnknownSchedule, call, chain, group
from wiretask_client.groups import plan
from wiretask_client.schedules import schedule_request, times_of
from wiretask_protocol.codec import decode_envelope
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import Encoding, Gather, GatherForm, Group, Schedule, ScheduleAction, Submit


def ids():
    number = 0

    def new_id(queue):
        nonlocal number
        number += 1
        return number.to_bytes(14, "big") + queue[:2].encode()

    return new_id


def planned(step):
    return plan(step, ids())


def shapes(step):
    """Who is sent, in order, by type; a letter for each that somebody waits for."""
    return [each.template.type.upper() if each.template.flags else each.template.type for each in planned(step)]


def test_each_step_of_a_chain_is_the_callback_of_the_one_before():
    first, middle, last = planned(chain(call("a", 1), call("b"), call("c", 2, queue="slow")))
    assert first.tags == {"group": Group(middle.task_id, 0)}
    assert middle.tags == {"gather": Gather(1, GatherForm.VALUE), "group": Group(last.task_id, 0)}
    assert last.tags == {"gather": Gather(1, GatherForm.VALUE)}
    assert [each.template.flags for each in (first, middle, last)] == [0, 0, 1]
    assert last.task_id[14:] == b"sl"


def test_a_chain_of_one_is_a_task():
    (only,) = planned(chain(call("a", 1)))
    assert (only.tags, only.template.flags) == ({}, 1)


def test_members_come_before_their_callback_and_have_their_places():
    *members, callback = planned(group([call("a", number) for number in range(3)], callback=call("sum", "x")))
    assert [each.tags["group"] for each in members] == [Group(callback.task_id, place) for place in range(3)]
    assert callback.tags == {"gather": Gather(3, GatherForm.LIST)}
    assert decode_envelope(callback.envelope).body == b'["x"]'


def test_a_group_without_members_is_its_callback():
    (callback,) = planned(group([], callback=call("sum")))
    assert callback.tags == {"gather": Gather(0, GatherForm.LIST)}


def test_a_group_of_groups_gathers_what_its_callbacks_return():
    parts = [group([call("a"), call("a")], callback=call("part", queue="slow")) for _ in range(2)]
    a, _, first, _, b, second, total = planned(group(parts, callback=call("total")))
    assert shapes(group(parts, callback=call("total"))) == ["a", "a", "part", "a", "a", "part", "TOTAL"]
    assert (a.tags, b.tags) == ({"group": Group(first.task_id, 0)}, {"group": Group(second.task_id, 1)})
    assert first.tags == {"group": Group(total.task_id, 0), "gather": Gather(2, GatherForm.LIST)}
    assert second.tags == {"group": Group(total.task_id, 1), "gather": Gather(2, GatherForm.LIST)}
    assert first.task_id[14:] == b"sl"


def test_a_member_can_be_a_chain_and_a_chain_can_begin_with_a_group():
    first, second, other, total, last = planned(
        chain(group([chain(call("a"), call("b")), call("c")], callback=call("total")), call("last"))
    )
    assert first.tags == {"group": Group(second.task_id, 0)}
    assert second.tags == {"group": Group(total.task_id, 0), "gather": Gather(1, GatherForm.VALUE)}
    assert other.tags == {"group": Group(total.task_id, 1)}
    assert total.tags == {"group": Group(last.task_id, 0), "gather": Gather(2, GatherForm.LIST)}
    assert last.tags == {"gather": Gather(1, GatherForm.VALUE)}


def test_every_callback_comes_after_its_members():
    step = group([chain(call("a"), call("b")), group([call("c")], callback=call("d"))], callback=call("e"))
    places = {each.task_id: place for place, each in enumerate(planned(step))}
    assert all(
        places[each.tags["group"].callback] > places[each.task_id] for each in planned(step) if "group" in each.tags
    )


def test_options_of_a_group_hold_where_a_call_says_nothing():
    low, high, last = planned(
        group([call("a"), call("a", priority=9)], callback=call("sum", queue="sums"), priority=1, queue="slow")
    )
    assert [each.template.priority for each in (low, high, last)] == [1, 9, 1]
    assert [each.template.queue for each in (low, high, last)] == ["slow", "slow", "sums"]
    assert [each.task_id[14:] for each in (low, high, last)] == [b"sl", b"sl", b"su"]


def test_inner_options_go_before_outer_ones():
    inner = chain(call("a"), call("b", priority=3), priority=2)
    assert [each.template.priority for each in planned(group([inner], callback=call("c"), priority=1))] == [2, 3, 1]


def test_options_that_can_be_read_only_once_hold_for_all():
    tied = group([call("a"), call("b")], callback=call("c"), requires=iter(["gpu"]))
    assert [each.tags["requires"] for each in planned(tied)] == [("gpu",)] * 3


def test_somebody_waits_for_the_last_one_and_for_who_says_so():
    assert shapes(chain(call("a"), call("b", want_result=True), call("c"))) == ["a", "B", "C"]
    assert shapes(chain(call("a"), call("b"), want_result=False)) == ["a", "b"]


def test_options_and_arguments_of_a_call_are_told_apart():
    made = call("a", x=1, priority=9, kwargs={"queue": "an argument"})
    assert made.options == {"priority": 9}
    assert made.kwargs == {"queue": "an argument", "x": 1}


def test_the_largest_group_is_planned():
    assert len(planned(group([call("a", 1)] * 65535, callback=call("b")))) == 65536


#: As somebody without a type checker writes them.
loose_chain: Any = chain
loose_group: Any = group


@pytest.mark.parametrize(
    ("tie", "words"),
    [
        (loose_chain, "a chain needs a call"),
        (lambda: loose_chain("a"), "'a' is no step of a chain; make one with call"),
        (lambda: loose_chain([call("a"), call("b")]), "is no step of a chain"),
        (lambda: loose_chain(call("a"), group([], callback=call("b"))), "but as its first; make the others with call"),
        (lambda: loose_chain(call("a"), chain(call("b"))), "but as its first"),
        (lambda: loose_group(call("a"), callback=call("b")), "give a list of calls"),
        (lambda: loose_group([call("a"), "b"], callback=call("b")), "'b' is no member of a group"),
        (lambda: loose_group([[call("a")]], callback=call("b")), "is no member of a group"),
        (lambda: loose_group([], callback="b"), "callback is 'b'; make one with call"),
        (lambda: loose_group([], callback=chain(call("a"))), "a chain of the group for more"),
        (
            lambda: loose_group([call("a")] * 65536, callback=call("b")),
            "65535 members are the most; make a group of groups",
        ),
        (lambda: call("a", task_id=bytes(16)), "made by the client"),
        (lambda: planned(chain(call("a", priority=99))), "priority is 99"),
        (lambda: planned(group([call("a", object())], callback=call("b"))), "cannot be written as JSON"),
        (lambda: planned(group([call("a", unique="k")], callback=call("b"))), "let that one submit them"),
        (lambda: planned(group([call("a")], callback=call("b", unique="k"))), "unique: a task that was there"),
        (lambda: planned(chain(call("a"), call("b"), unique="k")), "unique: a task that was there"),
        (lambda: planned(chain(call("a"), call(print, queue=""))), "queue is ''"),
        (lambda: planned(chain(call("a"), call(lambda: 1))), "give the type as a string"),
    ],
)
def test_what_cannot_be_tied_is_refused_before_anything_is_sent(tie, words):
    with pytest.raises(BadCall, match=words):
        tie()


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
        ({"every": 5_000_000}, "every is 5e"),
        ({"every": "daily"}, "give it in seconds or as a timedelta"),
        ({"every": 1, "spread": -1}, "spread is -1 s"),
        ({"every": 1, "overlap": 3}, "overlap is 3; it is one of skip, queue, replace"),
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


@pytest.mark.parametrize("name", ["", "every night", "x" * 129, 7, "-x"])
def test_a_recurring_task_without_a_name_that_can_be_sent_is_refused(name):
    with pytest.raises(BadCall, match="the name of a recurring task is"):
        schedule_request(name, call("a"), times(every=1))


def test_refusals_of_recurring_tasks_have_types_and_remedies(scheduler):
    def refuse(peer, message):
        if isinstance(message, Schedule):
            put = message.action == ScheduleAction.PUT
            peer.refuse(message, ErrorCode.BAD_SCHEDULE if put else ErrorCode.UNKNOWN_SCHEDULE)
        return False

    async def main():
        scheduler.on_message = refuse
        async with asyncio.timeout(10), scheduler, Client(scheduler.address) as client:
            with pytest.raises(BadSchedule, match=r"never comes \[BAD_SCHEDULE\]"):
                await client.schedule("job", "a", cron="0 0 30 2 *")
            with pytest.raises(UnknownSchedule, match=r"wiretask schedule list` \[UNKNOWN_SCHEDULE\]"):
                await client.unschedule("job")
            with pytest.raises(BadCall, match="the name of a recurring task"):
                await client.unschedule("a job")

    asyncio.run(main())


def test_a_group_of_which_a_member_is_refused_ends_with_its_error(scheduler):
    def refuse(peer, message):
        if isinstance(message, Submit) and message.group is not None and message.group.index == 1:
            peer.refuse(message, ErrorCode.QUEUE_FULL)
            return False
        return False

    async def main():
        scheduler.on_message = refuse
        async with asyncio.timeout(10), scheduler, Client(scheduler.address) as client:
            last = client.group([call("nobody") for _ in range(3)], callback=call("nobody"))
            with pytest.raises(Refused, match="QUEUE_FULL"):
                await last
            await last.members[0].accepted()
            with pytest.raises(Refused, match="QUEUE_FULL"):
                await last.members[1].accepted()

    asyncio.run(main())


def test_the_result_of_a_member_can_be_had_too(scheduler):
    async def main():
        async with asyncio.timeout(10), scheduler, Client(scheduler.address) as client:
            last = client.group([call("sha256", b"x"), call("echo", b"y")], callback=call("echo", b"done"))
            assert await last == b"done"
            assert await last.members[1] == b"y"

    asyncio.run(main())


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
