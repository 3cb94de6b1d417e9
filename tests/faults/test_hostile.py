"""Peers that mean no good, at a real scheduler: each gets the error of the spec, memory stays in its bounds, and the
neighbour is served all the while.
"""

import asyncio
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from wiretask_protocol import codec
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.limits import FRAME_LIMIT, RELAY_HEADROOM
from wiretask_protocol.messages import (
    Await,
    Credit,
    Error,
    Hello,
    HelloKind,
    Outcome,
    Query,
    Result,
    Return,
    Role,
    Status,
    Submit,
    SubmitFlags,
    Task,
    VersionRange,
)

sys.path.insert(0, str(Path(__file__).parent))

from neighbour import neighbour  # type: ignore[import-not-found] # it lies beside
from place import scaled  # type: ignore[import-not-found]
from raw_peer import RawPeer, encoded, envelope, report, run, submit, task_id  # type: ignore[import-not-found]

pytestmark = [pytest.mark.processes, pytest.mark.slow]

MIB = 1 << 20
PING = encoded(Hello(HelloKind.PING, 1))
#: What a scheduler may need more for one peer that misbehaves; its own figures are below, where they are larger.
USUAL = 48 * MIB


async def drown(peer, octets, times):
    """Sends the same again and again, as fast as it is taken."""
    with suppress(ConnectionError):
        for _ in range(times):
            peer.writer.write(octets)
            await peer.writer.drain()
            await asyncio.sleep(0)


# -- the handshake --


def test_those_who_never_end_their_greeting_are_let_go(place):
    """Some say nothing at all, some one octet at a time."""
    place.settings["handshake_seconds"] = 1.0
    number = scaled(200, 4000)
    hello = encoded(Hello(HelloKind.OPEN, 1, versions=VersionRange(1, 1), role=Role.CLIENT))

    async def trickle(peer):
        for octet in hello[:-1]:
            peer.writer.write(bytes([octet]))
            await asyncio.sleep(0.05)

    async def one(talks):
        peer = await RawPeer.connect(place.address)
        talking = asyncio.create_task(trickle(peer)) if talks else None
        code = await peer.refused()
        if talking is not None:
            talking.cancel()
        return code

    async def story():
        place.start()
        async with neighbour(place) as other:
            codes = await asyncio.gather(*(one(index % 2) for index in range(number)))
        assert set(codes) == {ErrorCode.HANDSHAKE_TIMEOUT}
        assert other.growth < USUAL

    run(story())


def test_a_flood_of_strangers_is_told_what_is_wrong_and_costs_nothing(place):
    """They connect, say something that is not the protocol, and connect again."""
    said = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0", bytes(64), b"\xff" * 4096, encoded(submit(1))]

    async def stranger(index, other, answers):
        while not other.content:
            peer = await RawPeer.connect(place.address)
            peer.writer.write(said[index % len(said)])
            answers.add((index % len(said), (await peer.reader.read(9))[:1]))
            peer.writer.close()

    async def story():
        place.start()
        answers = set()
        async with neighbour(place) as other:
            await asyncio.gather(*(stranger(index, other, answers) for index in range(scaled(50, 500))))
        assert answers == {(0, b"H"), *((index, bytes([Error.COMMAND])) for index in range(1, len(said)))}
        assert other.growth < USUAL

    run(story())


def test_an_address_has_so_many_connections_and_no_more(place):
    place.settings["connections_per_address"] = 60

    async def story():
        place.start()
        async with neighbour(place):
            peers = [await RawPeer.join(place.address) for _ in range(58)]
            for _ in range(20):
                assert await (await RawPeer.connect(place.address)).refused() == ErrorCode.TOO_MANY_CONNECTIONS
            for peer in peers:
                await peer.pong()

    run(story())


# -- frames --

TINY = {
    "pings": ("client", PING),
    "commands that are skipped": ("client", b"\xc5\0\0\0\0\x81\0\0\0\0"),
    "credits": ("worker", encoded(Credit(2**32 - 1, 2**64 - 1, 2**64 - 1))),
    "errors": ("worker", encoded(Error(401, 2, 0, 2, 1, ""))),
}


@pytest.mark.parametrize("case", TINY)
def test_a_million_tiny_frames_are_taken_and_nobody_else_notices(place, case):
    role, frame = TINY[case]
    number = scaled(200_000, 1_000_000)

    async def story():
        place.start()
        async with neighbour(place) as other:
            peer = await (RawPeer.work(place.address) if role == "worker" else RawPeer.join(place.address))
            sent = 0
            while not other.content:
                await drown(peer, frame * 1000, number // 1000)
                sent += number
                await peer.send(Hello(HelloKind.PING, 7))
                answers = 0
                while (await peer.get(Hello)).nonce != 7:
                    answers += 1
                assert answers == (number if case == "pings" else 0)
        assert sent >= number
        assert other.growth < USUAL

    run(story())


def test_who_asks_and_does_not_read_is_cut_off(place):
    place.settings["heartbeat_seconds"] = 0.3

    async def story():
        place.start()
        async with neighbour(place) as other:
            deaf = await RawPeer.join(place.address, deaf=True)
            await drown(deaf, PING * 1000, 10_000)
            while "SLOW_CONSUMER" not in place.log:  # noqa: ASYNC110 -- the scheduler tells its log
                await asyncio.sleep(0.01)
        assert other.growth < USUAL

    run(story())


def test_frames_that_never_end_are_ended(place):
    """Many peers begin the longest frame there is, and add an octet now and then."""
    place.settings["heartbeat_seconds"] = 0.3
    beginning = bytes([Submit.COMMAND]) + FRAME_LIMIT.to_bytes(4, "big") + b"\0"

    async def one():
        peer = await RawPeer.join(place.address)
        await peer.send(beginning)
        adding = asyncio.create_task(add(peer))
        code = await peer.refused()
        adding.cancel()
        return code

    async def add(peer):
        while True:
            peer.writer.write(b"\0")
            await asyncio.sleep(0.1)

    async def story():
        place.start()
        async with neighbour(place) as other:
            assert set(await asyncio.gather(*(one() for _ in range(50)))) == {ErrorCode.FRAME_TOO_SLOW}
        assert other.growth < USUAL

    run(story())


def test_unfinished_frames_cost_what_they_are_and_are_given_back(place):
    beginning = bytes([Submit.COMMAND]) + FRAME_LIMIT.to_bytes(4, "big")

    async def story():
        place.start()
        async with neighbour(place) as other:
            peers = [await RawPeer.join(place.address) for _ in range(24)]
            await asyncio.gather(*(peer.send(beginning + bytes(FRAME_LIMIT - 1)) for peer in peers))
            for peer in peers:
                peer.writer.write_eof()
                assert await peer.refused() == ErrorCode.TRUNCATED
            grown = place.rss() - other.before
        assert other.growth < 24 * FRAME_LIMIT * 2 + USUAL
        assert grown < 24 * FRAME_LIMIT + USUAL

    run(story())


@pytest.mark.skipif(
    codec.MODE == "reference",
    reason="construct leaves each frame to the collector of cycles: memory is promised of the fast codec",
)
def test_the_longest_frames_go_through_and_memory_stays_in_its_bounds(place):
    """The longest bodies that there are, more of them than the cache holds, there and back."""
    place.settings["body_cache_bytes"] = 16 * MIB
    number = scaled(40, 400)
    room = FRAME_LIMIT - RELAY_HEADROOM - len(envelope(b""))
    longest = bytes(FRAME_LIMIT - RELAY_HEADROOM - len(report(b"")))

    async def send(client):
        for seq in range(1, number + 1):
            await client.send(submit(seq, body=bytes(room)))

    async def story():
        place.start()
        async with neighbour(place) as other:
            client = await RawPeer.join(place.address)
            sending = asyncio.create_task(send(client))
            worker = await RawPeer.work(place.address, slots=4)
            for seq in range(1, number + 1):
                task = await worker.get(Task)
                assert len(task.envelope) == FRAME_LIMIT - RELAY_HEADROOM
                await worker.send(Result(seq, task.task_id, task.lease, Outcome.SUCCEEDED, report(longest)))
            got = {(await client.get(Result)).task_id for _ in range(number)}
            assert got == {task_id(seq) for seq in range(1, number + 1)}
            await sending
            await client.send(submit(number + 1, body=bytes(room + 1)))
            assert (await client.get(Error)).code == ErrorCode.TASK_TOO_LARGE
            await client.send(bytes([Submit.COMMAND]) + (FRAME_LIMIT + 1).to_bytes(4, "big"))
            assert await client.refused() == ErrorCode.FRAME_TOO_LARGE
        # 300 of them take no more than 40: what is on its way to the store, what a commit has, and what waits for sockets.
        assert other.growth < 600 * MIB

    run(story())


def test_floods_of_tags_are_read_and_forgotten(place):
    """As many as a section holds, in each message: unknown ones are skipped, what is out of order or critical is not."""
    unknown = tuple((0x4000 + number, b"x" * 100) for number in range(255))

    async def story():
        place.start()
        async with neighbour(place) as other:
            peer = await RawPeer.join(place.address)
            for seq in range(1, scaled(1000, 20_000) + 1):
                await peer.send(submit(seq, flags=0, unknown=unknown))
            await peer.accepted(seq)
            ping = codec.encode(Query(1, task_id(1)))[:-1]
            for tags, code in (
                (b"\x02\x40\x02\0\0\0\0\x40\x01\0\0\0\0", ErrorCode.TAG_ORDER),
                (b"\x02\x40\x01\0\0\0\0\x40\x01\0\0\0\0", ErrorCode.TAG_ORDER),
                (b"\xff" + b"\x80\x01\0\0\0\0", ErrorCode.CRITICAL_TAG),
                (b"\xff", ErrorCode.TRUNCATED),
                (b"\x01\x40\x01\xff\xff\xff\xff", ErrorCode.TRUNCATED),
            ):
                peer = await RawPeer.join(place.address)
                payload = ping[5:] + tags
                await peer.send(bytes([Query.COMMAND]) + len(payload).to_bytes(4, "big") + payload)
                assert await peer.refused() == code
        assert other.growth < USUAL

    run(story())


# -- what belongs to others --


def test_a_worker_that_reports_tasks_of_others_changes_nothing(place):
    async def story():
        place.start()
        async with neighbour(place):
            client, honest = await RawPeer.join(place.address), await RawPeer.work(place.address, slots=20)
            await client.send(*(submit(seq) for seq in range(1, 21)))
            tasks = [await honest.get(Task) for _ in range(20)]
            thief = await RawPeer.work(place.address, slots=0)
            seqs = count(1)
            for task in tasks:
                for lease in (task.lease, task.lease + 1, 0, 2**64 - 1):
                    await thief.send(Result(next(seqs), task.task_id, lease, Outcome.SUCCEEDED, report(b"stolen")))
                    await thief.send(Return(next(seqs), task.task_id, max(lease, 1), 1))
            errors = [await thief.get(Error) for _ in range(160)]
            assert {(error.code, error.seq) for error in errors} == {(ErrorCode.STALE_LEASE, n) for n in range(1, 161)}
            for seq, task in enumerate(tasks, 1):
                await honest.send(Result(seq, task.task_id, task.lease, Outcome.SUCCEEDED, report(b"mine")))
            assert {(await client.get(Result)).report for _ in tasks} == {report(b"mine")}

    run(story())


def test_an_id_of_somebody_else_names_what_that_one_has_submitted(place):
    """What is said of it a second time, by whomever, changes nothing: one task, one body, one end."""

    async def story():
        place.start()
        async with neighbour(place):
            owner, thief = await RawPeer.join(place.address), await RawPeer.join(place.address)
            await owner.send(submit(1, body=b"mine"))
            await owner.accepted(1)
            repeats = int(SubmitFlags.WANT_RESULT | SubmitFlags.REPEAT)
            await thief.send(submit(1, 1, b"other"), submit(2, 1, b"more"), submit(3, 1, b"again", flags=repeats))
            await thief.accepted(3)
            worker = await RawPeer.work(place.address)
            task = await worker.get(Task)
            assert task.envelope == envelope(b"mine")
            await worker.send(Result(1, task.task_id, task.lease, Outcome.SUCCEEDED, report(b"once")))
            assert (await owner.get(Result)).report == (await thief.get(Result)).report == report(b"once")
            await thief.send(Query(4, task_id(1)))
            assert (await thief.get(Status)).attempt == 1
            await worker.pong()
            assert not [message for message in worker.inbox if isinstance(message, Task)]

    run(story())


# -- windows --


def test_a_worker_that_takes_everything_and_reads_nothing_is_cut_off_and_others_do_its_work(place):
    place.settings |= {"heartbeat_seconds": 0.3, "body_cache_bytes": 8 * MIB, "resume_window_seconds": 0.1}
    number = scaled(6_000, 50_000)

    async def story():
        place.start()
        async with neighbour(place) as other:
            client = await RawPeer.join(place.address)
            for seq in range(1, number + 1):
                await client.send(submit(seq, body=bytes(3000)))
            await client.accepted(number)
            greedy = await RawPeer.work(place.address, slots=2**32 - 1)
            await greedy.get(Task)
            greedy.stop_reading()
            while "SLOW_CONSUMER" not in place.log:  # noqa: ASYNC110 -- the scheduler tells its log
                await asyncio.sleep(0.01)
            honest = await RawPeer.work(place.address, slots=200)
            for seq in range(1, number + 1):
                task = await honest.get(Task)
                await honest.send(Result(seq, task.task_id, task.lease, Outcome.SUCCEEDED, report()))
            assert len({(await client.get(Result)).task_id for _ in range(number)}) == number
        assert other.growth < 3 * USUAL + number * 3000

    run(story())


def test_more_in_flight_than_was_agreed_ends_the_connection(place):
    place.settings["in_flight"] = 100

    async def story():
        place.start()
        async with neighbour(place):
            for kind in (lambda seq: submit(seq, owner=seq), lambda seq: Query(seq, task_id(seq))):
                peer = await RawPeer.join(place.address)
                await drown(peer, encoded(*map(kind, range(1, 5001))), 1)
                assert await peer.refused() == ErrorCode.TOO_MANY_IN_FLIGHT

    run(story())


#: What is asked, and how much memory it may take at the beginning and for each: a task that is there has its price.
FLOODS = {
    "questions": (lambda seq: Query(seq, task_id(seq)), USUAL, 0),
    "waits": (lambda seq: Await(seq, task_id(seq)), USUAL, 0),
    "submits that are sent again": (lambda seq: submit(seq, body=bytes(2000), flags=4), 3 * USUAL, 800),
    "names that nobody uses twice": (lambda seq: submit(seq, flags=0, task_type=f"type-{seq}"), USUAL, 4000),
}


@pytest.mark.parametrize("case", FLOODS)
def test_a_client_that_asks_without_end_waits_for_its_answers(place, case):
    """It keeps what it has in flight within what was agreed, and reads; that alone would let it fill the memory."""
    place.settings["body_cache_bytes"] = 8 * MIB
    number = scaled(20_000, 300_000)
    ask, least, each = FLOODS[case]

    async def story():
        place.start()
        async with neighbour(place) as other:
            peer = await RawPeer.join(place.address)
            for first in range(1, number + 1, 1000):
                await peer.send(*map(ask, range(first, first + 1000)))
                if first > 40_000:
                    await peer.accepted(first - 40_000)
            await peer.accepted(number)
        assert other.growth < least + each * number

    run(story())
