"""The plain path leads to what the general one leads to, whatever comes: both live through the same, side by side."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scheduler.core.conftest import Scene, short
from wiretask_protocol import codec
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import (
    Cancel,
    CancelMode,
    ConcurrencyKey,
    Credit,
    Envelope,
    FairnessKey,
    Report,
    Result,
    Submit,
)
from wiretask_scheduler.core import Dispatch, plain
from wiretask_scheduler.core.queues import Mode

CLIENTS, WORKERS = (1, 2), (8, 9)
#: What a Submit may have that makes it a special one, and what only looks so.
OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {}, {}, {}, {}, {}, {}, {},
    {"delay": 500}, {"expires_in": 300}, {"note": "hm"}, {"max_attempts": 2}, {"cost": 3}, {"retention": 0},
    {"time_limit": 100}, {"concurrency": ConcurrencyKey("k", 1)}, {"fairness": FairnessKey("t", 1)},
)  # fmt: skip


class Twin(Scene):
    """A scene in which batches come whole."""

    def __init__(self, *, general: bool) -> None:
        super().__init__(queue_length_limits={"short": 3})
        self.general = general
        self.leases: list[tuple[int, bytes, int]] = []
        self.told: list[object] = []
        for client in CLIENTS:
            self.client(client)
        for worker in WORKERS:
            self.worker(worker, slots=12, queues=("default", "mail", "short"), types=("work", "play"))

    def many(self, peer: int, messages: list) -> None:
        with pytest.MonkeyPatch.context() as patch:
            if self.general:
                patch.setattr(plain, "take", lambda state, peer, messages, at, now: at)
            self.receive(peer, *messages)

    def look(self) -> None:
        """Writes down all that was decided."""
        turn = self.turn()
        for peer, sends in turn.sends.items():
            self.leases += [(peer, send.task.id, send.lease) for send in sends if isinstance(send, Dispatch)]
            self.told.append(
                (peer, [(*short(send), *(send[1:] if isinstance(send, Dispatch) else (send,))) for send in sends])
            )
        changes = turn.changes
        self.told.append((changes.inserted, changes.updated, changes.ended, changes.facts, turn.closes, turn.lookups))
        state = self.broker.state
        assert state.tasks.count == sum(map(len, state.tasks.parts))
        self.told.append((state.tasks.count, dict(state.counts), {queue.name: queue.live for queue in state.queues}))
        for worker in state.workers.values():
            assert worker.outstanding == sum(task.options.cost for task in worker.leases.values())
            self.told.append((worker.done, worker.outstanding, worker.outstanding_octets, sorted(worker.leases)))
        self.told.append(sorted((lane.key, lane.count, lane.mask, [t.id for t in lane]) for lane in state.ready))
        for task in state.tasks:
            self.told.append((task.id, task.seq, task.state, task.lease, task.holder, task.waiter, task.submitted))


def submits(scene: Twin, client: int, chance: random.Random) -> list:
    sent: list = []
    for _ in range(chance.randrange(1, 9)):
        kind, queue = (
            chance.choice(("work", "work", "play", "wiretask.x")),
            chance.choice(("default", "default", "mail", "short")),
        )
        envelope = codec.encode_envelope(Envelope(kind, queue, 0, bytes(chance.choice((3, 3, 3, 70_000)))))
        task_id = scene.id(chance.choice((queue, queue, queue, queue, "elsewhere")))
        if chance.random() < 0.1 and scene.number > 1:
            task_id = chance.randrange(1, scene.number).to_bytes(14, "big") + task_id[14:]
        seq = scene.seq(client) + (chance.random() < 0.005)
        flags, priority = chance.choice((0, 1, 1, 1, 1, 3)), chance.choice((5, 5, 5, 9))
        sent.append(Submit(seq, task_id, flags, priority, envelope, **chance.choice(OPTIONS)))
        if chance.random() < 0.1:
            sent.append(Cancel(scene.seq(client), task_id, 0, CancelMode.COOPERATIVE))
    return sent


def results(scene: Twin, worker: int, chance: random.Random) -> list:
    sent: list = []
    mine = [lease for lease in scene.leases if lease[0] == worker]
    chance.shuffle(mine)
    for lease in mine[: chance.randrange(8)]:
        scene.leases.remove(lease)
        _, task_id, number = lease
        outcome = chance.choice((1, 1, 1, 1, 1, 2))
        report = codec.encode_report(Report(0, b"done", error_type=None if outcome == 1 else "Boom"))
        number += chance.random() < 0.05
        sent.append(Result(scene.seq(worker), task_id, number, outcome, report, no_retry=chance.choice((None, True))))
        if chance.random() < 0.1:
            sent.append(Credit(12, 0, number, 6))
    return sent


def day(scene: Twin, seed: int) -> list:
    """What happens, by chance; chance is the same for both."""
    chance = random.Random(seed)
    for _ in range(25):
        what = chance.random()
        if what < 0.45:
            client = chance.choice(CLIENTS)
            scene.many(client, submits(scene, client, chance))
        elif what < 0.85:
            worker = chance.choice(WORKERS)
            scene.many(worker, results(scene, worker, chance))
        elif what < 0.93:
            scene.passes(chance.choice((0.1, 0.3, 1.0)))
        elif what < 0.96:
            scene.broker.set_mode(chance.choice(("default", "mail")), chance.choice(list(Mode)), scene.now)
        elif what < 0.98:
            scene.broker.set_store_full(full=chance.random() < 0.5)
        else:
            scene.leave(CLIENTS[1])
        scene.look()
    return scene.told


@given(st.integers(0, 1 << 32))
@settings(max_examples=150, deadline=None)
def test_both_paths_lead_to_the_same(seed):
    assert day(Twin(general=False), seed) == day(Twin(general=True), seed)


def test_a_run_ends_where_something_is_special(scene):
    client, worker = scene.client(), scene.worker()
    envelope = codec.encode_envelope(Envelope("work", "default", 0, b""))
    sent = [Submit(seq, scene.id(), 1, 5, envelope, **({"note": "x"} if seq == 3 else {})) for seq in range(1, 6)]
    state = scene.broker.state
    assert plain.take(state, state.clients[client], sent, 0, scene.now) == 2
    assert plain.take(state, state.clients[client], sent, 2, scene.now) == 2
    assert plain.take(state, state.workers[worker], sent, 0, scene.now) == 0
    assert plain.take(state, state.clients[client], sent, 5, scene.now) == 5
    assert state.tasks.count == 2


@pytest.mark.parametrize("seq", [0, 2])
def test_a_seq_that_is_not_the_next_one_is_left_to_who_refuses_it(scene, seq):
    client = scene.client()
    envelope = codec.encode_envelope(Envelope("work", "default", 0, b""))
    scene.receive(client, Submit(seq, scene.id(), 1, 5, envelope))
    assert scene.sent() == [(client, "close", "Error", ErrorCode.BAD_SEQUENCE)]
    assert scene.broker.state.tasks.count == 0
