import asyncio
import hashlib

import pytest

from wiretask_client import BadCall, Client, Refused, TaskFailed, Unreachable
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Submit


@pytest.fixture(autouse=True)
def quick_backoff(monkeypatch):
    monkeypatch.setattr("wiretask_client.core.backoff.FIRST_SECONDS", 0.0)


def run(main, seconds=20):
    async def bounded():
        async with asyncio.timeout(seconds):
            await main()

    asyncio.run(bounded())


def digest(body):
    return hashlib.sha256(body).hexdigest().encode()


def bodies(count):
    return [b"%d" % number for number in range(count)]


async def until(condition):
    while not condition():  # noqa: ASYNC110 -- bytes on a socket have no event
        await asyncio.sleep(0)


async def collected(results):
    return [result async for result in results]


def test_results_come_in_order(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            assert await collected(client.map("sha256", bodies(3000))) == [digest(body) for body in bodies(3000)]

    run(main)


def test_results_come_as_they_end(scheduler):
    async def main():
        def hold_first(envelope):
            return None if envelope.body == b"0" else (1, b"\0\0\0\0\0\1" + envelope.body[:1])

        scheduler.work = hold_first
        async with scheduler, Client(scheduler.address) as client:
            results = client.map("echo", bodies(5), ordered=False)
            assert [await anext(results) for _ in range(4)] == [b"1", b"2", b"3", b"4"]
            scheduler.finish(scheduler.of(Submit)[0].task_id, (1, b"\0\0\0\0\0\1x"))
            scheduler.peers[0].flush()
            assert await collected(results) == [b"x"]

    run(main)


def test_iterables_side_by_side_are_arguments(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            assert await collected(client.map("add", [1, 2, 3], [4, 5, 6])) == [5, 7, 9]

    run(main)


def test_an_asynchronous_iterable_is_read_as_there_is_room(scheduler):
    async def numbers():
        for number in range(50):
            await asyncio.sleep(0)
            yield b"%d" % number

    async def main():
        async with scheduler, Client(scheduler.address) as client:
            assert await collected(client.map("echo", numbers(), in_flight=3)) == bodies(50)

    run(main)


def test_no_more_than_the_window_is_under_way(scheduler):
    async def main():
        scheduler.work = lambda envelope: None
        async with scheduler, Client(scheduler.address) as client:
            read = []

            def reading():
                for body in bodies(1000):
                    read.append(body)
                    yield body

            results = client.map("echo", reading(), in_flight=7)
            waiting = asyncio.ensure_future(anext(results))
            await until(lambda: len(scheduler.of(Submit)) == 7)
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(read) == 7
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    run(main)


@pytest.mark.parametrize("ordered", [True, False])
def test_memory_is_bounded_by_the_window(scheduler, ordered):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            stream = client.stream("echo", ordered=ordered, in_flight=10)
            feeding = asyncio.create_task(stream.feed((body,) for body in bodies(2000)))
            count = 0
            while batch := await stream.take():
                count += len(batch)
                assert len(stream._out) <= 31
            assert count == 2000
            await feeding

    run(main)


def test_the_first_failure_is_raised(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            results = client.map("fail_odd", bodies(5))
            assert await anext(results) == b"0"
            with pytest.raises(TaskFailed, match="1 is odd"):
                await anext(results)

    run(main)


def test_failures_are_yielded_where_they_are_wanted(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            results = await collected(client.map("fail_odd", bodies(4), return_exceptions=True))
            assert [str(result) for result in results] == [
                "b'0'",
                "ValueError: 1 is odd",
                "b'2'",
                "ValueError: 3 is odd",
            ]

    run(main)


def test_a_refused_task_is_one_failure_among_others(scheduler):
    def refuse_second(peer, message):
        if isinstance(message, Submit) and len(scheduler.of(Submit)) == 2:
            peer.refuse(message, ErrorCode.QUEUE_FULL)
            return True
        return False

    async def main():
        scheduler.on_message = refuse_second
        async with scheduler, Client(scheduler.address) as client:
            results = await collected(client.map("echo", bodies(3), return_exceptions=True))
            assert [type(result) for result in results] == [bytes, Refused, bytes]

    run(main)


def test_a_refused_connection_ends_the_stream(scheduler):
    def refuse(peer, message):
        if isinstance(message, Submit):
            peer.send(error_message(ErrorCode.INTERNAL, text="a bug", seq=message.seq))
            peer.send(error_message(ErrorCode.BAD_SEQUENCE, text="a bug"))
            peer.flush()
            peer.transport.close()
            return True
        return False

    async def main():
        scheduler.on_message = refuse
        async with scheduler, Client(scheduler.address) as client:
            with pytest.raises(Refused, match="a bug"):
                await collected(client.map("echo", bodies(3), return_exceptions=True))

    run(main)


def test_a_scheduler_that_stays_away_ends_the_stream(scheduler):
    async def main():
        async with scheduler:
            scheduler.work = lambda envelope: None
            client = Client(scheduler.address)
            await client.connect()
            client._driver.core.timeout_seconds = 0.05
            results = client.map("echo", bodies(3), return_exceptions=True)
            waiting = asyncio.ensure_future(anext(results))
            await until(lambda: scheduler.of(Submit))
        with pytest.raises(Unreachable):
            await waiting
        await client.close()

    run(main)


def test_what_the_source_raises_is_raised_after_what_it_gave(scheduler):
    def broken():
        yield b"0"
        raise KeyError("the source is broken")

    async def main():
        async with scheduler, Client(scheduler.address) as client:
            results = client.map("echo", broken())
            assert await anext(results) == b"0"
            with pytest.raises(KeyError, match="the source is broken"):
                await anext(results)

    run(main)


def test_an_item_that_cannot_be_sent_is_raised(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            results = client.map("echo", [b"0", object()])
            assert await anext(results) == b"0"
            with pytest.raises(BadCall, match="cannot be written as JSON"):
                await anext(results)

    run(main)


def test_stopping_early_sends_no_more(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            results = client.map("echo", bodies(100_000), in_flight=100)
            assert await anext(results) == b"0"
            await results.aclose()
            for _ in range(10):
                await asyncio.sleep(0)
            assert len(scheduler.of(Submit)) <= 2200
            assert await client.submit("add", 1, 1) == 2

    run(main)


def test_an_empty_source_gives_nothing(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            assert await collected(client.map("echo", [])) == []
            assert await client.submit_many("echo", []) == []

    run(main)


def test_a_map_wants_something_to_map(scheduler):
    async def nothing():
        return
        yield

    async def main():
        async with scheduler, Client(scheduler.address) as client:
            for iterables in ((), ([1], nothing())):
                with pytest.raises((BadCall, IndexError)):
                    await collected(client.map("echo", *iterables))

    run(main)


def test_many_are_submitted_and_durable_before_their_handles_are_given(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            handles = await client.submit_many("sha256", bodies(300), queue="mail")
            assert len({handle.id for handle in handles}) == 300
            assert {queue for _, queue in scheduler.routes.values()} == {"mail"}
            assert await handles[7] == digest(b"7")

    run(main)


def test_submitting_many_waits_for_the_oldest_when_too_many_are_ahead(scheduler, monkeypatch):
    monkeypatch.setattr("wiretask_client.client._SUBMIT_AHEAD", 10)

    async def main():
        async with scheduler, Client(scheduler.address) as client:
            handles = await client.submit_many("sha256", bodies(35))
            assert [await handle for handle in handles] == [digest(body) for body in bodies(35)]

    run(main)


def test_many_tasks_survive_a_scheduler_that_drops_its_clients(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            got = []
            async for result in client.map("sha256", bodies(2000), in_flight=300):
                got.append(result)
                if len(got) % 400 == 0:
                    scheduler.drop()
            assert got == [digest(body) for body in bodies(2000)]
            assert set(scheduler.runs.values()) == {1}

    run(main)


def test_ids_are_given_where_no_results_are_wanted(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            ids = await collected(client.map("later", bodies(3), want_result=False))
            assert [client_id.replace("-", "") for client_id in ids] == [task.hex() for task in scheduler.routes]

    run(main)


def test_the_oldest_unfinished_task_is_known(scheduler):
    async def main():
        scheduler.work = lambda envelope: None
        async with scheduler, Client(scheduler.address) as client:
            stream = client.stream("echo")
            assert stream.oldest is None
            stream.push([(b"0",), (b"1",)])
            await until(lambda: len(scheduler.of(Submit)) == 2)
            assert str(stream.oldest).replace("-", "") == scheduler.of(Submit)[0].task_id.hex()
            stream.abandon()

    run(main)
