"""The work that is measured, and what is measured beside it: counted right, and checked."""

import asyncio
from itertools import islice

import pytest

from wiretask_bench import floors, load, waiting
from wiretask_bench.figures import percentile
from wiretask_bench.frames import OWN, SMALL
from wiretask_protocol import codec, messages


class Stream:
    """Gives prepared results, whatever is pushed."""

    def __init__(self, batches):
        self.batches = list(batches)

    async def feed(self, calls):
        self.fed = list(islice(calls, 2))

    async def take(self):
        await asyncio.sleep(0)
        return self.batches.pop(0) if self.batches else []


class Client:
    def __init__(self, batches):
        self.made = Stream(batches)

    def stream(self, task_type):
        assert task_type == "sha256"
        return self.made


def test_results_are_counted_and_held_against_their_digests_round_and_round():
    every = load._DIGESTS
    client = Client([every[:99_999], [every[99_999], every[0]], every[1:3]])
    stretch = asyncio.run(load.stretch(client, 60))
    assert stretch.tasks == 100_003
    assert [count for _, count in stretch.marks] == [99_999, 100_001, 100_003]
    assert client.made.fed == [(b"Hello, World! 0",), (b"Hello, World! 1",)]


def test_a_wrong_result_ends_the_measurement():
    with pytest.raises(RuntimeError, match="a result is wrong"):
        asyncio.run(load.stretch(Client([[load._DIGESTS[0], b"wrong"]]), 0.01))


def test_nothing_is_submitted_after_the_time_is_over():
    assert list(load._calls_until(0)) == []


def test_the_rates_of_parts_are_of_what_was_done_within_them():
    marks = [(second / 10, second * 100) for second in range(1, 41)]
    assert load.Stretch(4000, 4.0, marks).rates(2) == pytest.approx([1000, 1000])


def test_a_stretch_too_short_for_parts_has_its_own_rate():
    assert load.Stretch(10, 2.0, [(2.0, 10)]).rates(6) == [5.0]


@pytest.mark.parametrize("frames", [OWN, SMALL])
def test_every_task_becomes_a_result_however_the_octets_are_split(frames):
    octets = frames.tasks(0, 3)
    for at in range(len(octets)):
        first, rest = frames.work(octets[:at])
        second, rest = frames.work(rest + octets[at:])
        assert rest == b""
        assert frames.results(first + second) == (3, b"")
    assert frames.results(first + second + octets[:1])[1] == octets[:1]


def test_tasks_that_wait_are_what_a_client_may_submit():
    import random

    chance = random.Random(1)
    for seq in range(1, 9):
        for make in (waiting.plain, waiting.mixed):
            frame = codec.encode(make(seq, chance))
            assert codec.DECODERS[messages.Submit.COMMAND](frame, 5, len(frame)).seq == seq
    assert len({waiting.task_id(number) for number in range(1000)}) == 1000


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 3), (0.99, 5), (1, 5)])
def test_percentiles(share, value):
    assert percentile([5, 1, 4, 2, 3], share) == value


def test_a_synced_write_takes_its_time(tmp_path):
    assert len(floors.synced_writes(tmp_path, 3)) == 3
    assert (tmp_path / "synced").stat().st_size == 3 * 64


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.parametrize("kind", ["own", "small"])
def test_a_relay_brings_all_results_back(kind):
    with floors.Relayed() as relays:
        port = relays.relay(kind)
        measured = floors.relayed if kind == "own" else floors.dict_relayed
        assert measured(port, 0.05) > 0
        assert measured(port, 0.05) > 0


@pytest.mark.slow
@pytest.mark.processes
def test_an_echo_comes_back():
    async def main(port):
        echo = await floors.Echo.connect(port)
        times = await echo.round_trips(5)
        echo.close()
        return times

    with floors.Relayed() as relays:
        assert len(asyncio.run(main(relays.relay("echo")))) == 5
