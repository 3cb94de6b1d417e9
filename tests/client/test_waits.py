"""A wait is level-triggered and ends in a typed outcome, whatever happens to the connection and to the key."""

import asyncio
import hashlib

import pytest

from wiretask_client import Client, NotFinished, Refused, UnknownTask, blocking, call
from wiretask_client.ids import id_bytes, id_text
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import Await, Submit, SubmitFlags

KEY = "invoice-7"


def digest(body):
    return hashlib.sha256(body).hexdigest().encode()


def run(main):
    asyncio.run(asyncio.wait_for(main(), 10))


def keep_keys(scheduler):
    """Makes the fake refuse a key that another task has."""
    holders = {}

    def on_message(peer, message):
        if isinstance(message, Submit) and message.unique is not None:
            holder = holders.setdefault(message.unique.key, message.task_id)
            if holder != message.task_id:
                peer.refuse(message, ErrorCode.UNIQUE_CONFLICT, existing_id=holder)
        return False

    scheduler.on_message = on_message


def test_a_second_task_with_the_key_is_the_first_one(scheduler):
    async def main():
        keep_keys(scheduler)
        async with scheduler, Client(scheduler.address) as client:
            first = client.submit("sha256", b"x", unique=KEY)
            second = client.submit("sha256", b"y", unique=KEY)
            assert await second == digest(b"x") == await first
            assert (first.existed, second.existed, second.id) == (False, True, first.id)
            assert (await second.status()).id == first.id

    run(main)


def test_a_third_process_waits_for_a_task_that_it_never_submitted(scheduler):
    async def main():
        keep_keys(scheduler)
        async with scheduler:
            async with Client(scheduler.address) as client:
                first = await client.submit("later", unique=KEY).accepted()
            async with Client(scheduler.address) as another:
                second = another.submit("later", unique=KEY)
                await second.accepted()
                assert second.id == first.id
                scheduler.finish(id_bytes(first.id), (1, b"\0\0\0\0\0\4done"))
                assert await second == b"done"

    run(main)


def test_the_task_that_has_the_key_is_found_without_wanting_its_result(scheduler):
    async def main():
        keep_keys(scheduler)
        async with scheduler, Client(scheduler.address) as client:
            first = client.submit("sha256", b"x", unique=KEY)
            second = await client.submit("sha256", b"y", unique=KEY, want_result=False).accepted()
            assert (second.existed, second.id) == (True, first.id)
            assert await second.result() == digest(b"x")

    run(main)


def test_a_map_with_one_key_has_one_task_and_many_answers(scheduler):
    async def main():
        keep_keys(scheduler)
        async with scheduler, Client(scheduler.address) as client:
            found = [each async for each in client.map("sha256", [b"a", b"b", b"c"], unique=KEY)]
            assert found == [digest(b"a")] * 3
            assert sum(scheduler.runs.values()) == 1

    run(main)


def test_without_an_event_loop_it_is_the_same(served):
    keep_keys(served.scheduler)
    with blocking.Client(served.address) as client:
        first, second = (client.submit("sha256", body, unique=KEY) for body in (b"x", b"y"))
        assert second.result() == digest(b"x")
        assert (second.existed, second.id, first.existed) == (True, first.id, False)


def test_a_lost_connection_after_a_conflict_does_not_end_the_wait(scheduler):
    async def main():
        keep_keys(scheduler)
        async with scheduler, Client(scheduler.address) as client:
            first = client.submit("later", unique=KEY)
            second = await client.submit("later", unique=KEY).accepted()
            scheduler.drop()
            await client.ping()
            scheduler.finish(id_bytes(first.id), (1, b"\0\0\0\0\0\4done"))
            assert [await first, await second] == [b"done", b"done"]
            assert {each.task_id for each in scheduler.of(Await)} == {id_bytes(first.id)}

    run(main)


def test_a_task_that_had_the_key_and_is_forgotten_is_unknown(scheduler):
    async def main():
        gone = bytes(16)

        def on_message(peer, message):
            if isinstance(message, Submit):
                peer.refuse(message, ErrorCode.UNIQUE_CONFLICT, existing_id=gone)
            return False

        scheduler.on_message = on_message
        async with scheduler, Client(scheduler.address) as client:
            handle = client.submit("sha256", b"x", unique=KEY)
            with pytest.raises(UnknownTask):
                await handle
            assert handle.id == id_text(gone)

    run(main)


def test_what_waits_for_a_handle_waits_for_the_task_that_it_turned_out_to_be(scheduler):
    async def main():
        keep_keys(scheduler)
        async with scheduler, Client(scheduler.address) as client:
            first = client.submit("sha256", b"x", unique=KEY)
            second = client.submit("sha256", b"y", unique=KEY)
            await client.submit("sha256", b"z", after=[second])
            assert scheduler.of(Submit)[-1].after == (id_bytes(first.id),)

    run(main)


def test_a_list_that_has_grown_between_two_submissions_is_read_again(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            after, labels, resources = [], ["eu"], {"gpu": 1}
            for number in range(3):
                after.append(client.submit("sha256", b"", after=after, requires=labels, resources=resources))
                labels.append(f"l{number}")
                resources["gpu"] += 1
            await asyncio.gather(*after)
            sent = scheduler.of(Submit)
            assert [len(each.after or ()) for each in sent] == [0, 1, 2]
            assert [len(each.requires) for each in sent] == [1, 2, 3]
            assert [each.resources[0].amount for each in sent] == [1, 2, 3]

    run(main)


def test_a_group_outlives_the_connection_and_is_submitted_once(scheduler):
    async def main():
        lost = []

        def on_message(peer, message):
            if isinstance(message, Submit) and message.gather is not None and not lost:
                lost.append(message)
                peer.transport.abort()
                return True
            return False

        scheduler.on_message = on_message
        async with scheduler, Client(scheduler.address) as client:
            last = client.group([call("echo", b"%d" % n) for n in range(3)], callback=call("echo", b"done"))
            assert await last == b"done"
            assert [await each for each in last.members] == [b"0", b"1", b"2"]
            assert set(scheduler.runs.values()) == {1}
            repeated = [each for each in scheduler.of(Submit) if each.flags & SubmitFlags.REPEAT]
            assert repeated[-1].gather is not None

    run(main)


@pytest.mark.parametrize("code", [ErrorCode.UNKNOWN_DEPENDENCY, ErrorCode.DEPENDENCY_CYCLE, ErrorCode.QUEUE_CLOSED])
def test_a_refusal_ends_every_way_of_waiting(scheduler, code):
    async def main():
        def on_message(peer, message):
            if isinstance(message, Submit):
                peer.refuse(message, code)
            return False

        scheduler.on_message = on_message
        async with scheduler, Client(scheduler.address) as client:
            handle = client.submit("later", after=[bytes(16)])
            for wait in (handle.accepted(), handle.result(), handle.report(), handle.result(timeout=5)):
                with pytest.raises(Refused, match=code.name):
                    await wait

    run(main)


def test_a_wait_that_was_given_up_can_be_begun_again(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            handle = await client.submit("later").accepted()
            with pytest.raises(NotFinished):
                await handle.result(timeout=0)
            scheduler.finish(id_bytes(handle.id), (1, b"\0\0\0\0\0\4done"))
            assert await handle.result() == b"done"
            assert await handle.result() == b"done"
            assert await client.result(handle.id) == b"done"

    run(main)


def test_a_wait_that_begins_after_the_end_is_answered_at_once(scheduler):
    async def main():
        async with scheduler:
            async with Client(scheduler.address) as client:
                task_id = (await client.submit("sha256", b"x", want_result=False).accepted()).id
            async with Client(scheduler.address) as another:
                assert await another.result(task_id) == digest(b"x")

    run(main)
