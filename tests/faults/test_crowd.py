"""A crowd: thousands of workers that come, stay, break off all at once and storm back; each keeps what it has begun, the
neighbour is served all the while, and memory stays in its bounds.
"""

import asyncio
import json
import resource
import sys
from pathlib import Path

import pytest

from wiretask_protocol.messages import Result

sys.path.insert(0, str(Path(__file__).parent))

from neighbour import neighbour  # type: ignore[import-not-found] # it lies beside
from place import scaled  # type: ignore[import-not-found]
from raw_peer import RawPeer, run, submit  # type: ignore[import-not-found]

pytestmark = [pytest.mark.processes, pytest.mark.slow]

#: Connections of the crowd; the scheduler and the crowd need a descriptor for each.
SPARE = 500
WANTED = scaled(300, 10_000)
CROWD = min(WANTED, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - SPARE)
#: What one idle connection with one lease may cost the scheduler, and what all of them together at the most besides.
EACH, USUAL = 24 << 10, 64 << 20


class Crowd:
    """The process of the crowd, and what it answers."""

    def __init__(self, process):
        self.process = process

    @classmethod
    async def start(cls, place):
        program, history = Path(__file__).with_name("crowd.py"), place.folder / "crowd.history"
        with (place.folder / "crowd.log").open("ab") as log:
            return cls(
                await asyncio.create_subprocess_exec(
                    *(sys.executable, str(program), place.address, str(history)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                )
            )

    async def tell(self, *words):
        """Has it do something; its answer."""
        self.process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        line = await self.process.stdout.readline()
        assert line, "the crowd is gone; see crowd.log"
        return json.loads(line)

    async def go(self):
        self.process.kill()
        await self.process.wait()


@pytest.mark.timeout(scaled(120, 900))
def test_a_crowd_that_storms_back_goes_on_where_it_was_and_nobody_else_notices(place):
    assert CROWD == WANTED, f"{WANTED} connections need a hard limit of {WANTED + SPARE} open files (ulimit -Hn)"
    # So that those who are cut off are waited for, however long a busy machine takes to let all of them in again.
    place.settings |= {"resume_window_seconds": 300}

    async def story():
        await asyncio.to_thread(place.start)
        crowd = await Crowd.start(place)
        try:
            async with neighbour(place) as other:
                client = await RawPeer.join(place.address)
                came = await crowd.tell("join", CROWD, "crowd")
                assert (came["here"], came["errors"]) == (CROWD, {})
                await client.send(*(submit(seq, task_type="crowd") for seq in range(1, CROWD + 1)))
                await client.accepted(CROWD)
                assert (await crowd.tell("beat"))["here"] == CROWD
                rounds = other.rounds
                assert (await crowd.tell("cut"))["held"] == CROWD
                back = await crowd.tell("back")
                assert (back["here"], back["held"], back["errors"]) == (CROWD, CROWD, {})
                await crowd.tell("work")
                got = {(await client.get(Result)).task_id for _ in range(CROWD)}
                assert len(got) == CROWD
                assert other.rounds > rounds
            grown = other.growth
            print(
                f"{CROWD} came in {came['seconds']} s, and back in {back['seconds']} s; {grown >> 20} MiB at the most"
            )
            assert grown < USUAL + CROWD * EACH
        finally:
            await crowd.go()

    run(story())
    words = (place.folder / "crowd.history").read_text().split("\n")
    # Nobody has begun anything twice: each lease that was got is kept by who came back with it, and done once.
    got = [line.split()[3] for line in words if line.startswith("got ")]
    done = [line.split()[3] for line in words if line.startswith("done ")]
    assert len(got) == len(set(got)) == len(done) == len(set(done)) == CROWD
