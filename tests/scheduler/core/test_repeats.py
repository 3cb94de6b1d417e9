"""Ids that come again from a client that has forgotten what it has sent: the task that is there wins, and all hear it."""

import pytest

from wiretask_protocol.connection import Connection
from wiretask_protocol.machines import ClientConnectionState
from wiretask_protocol.messages import Outcome, Result
from wiretask_scheduler.outbox import Found, Outbox


def done(lasting):
    """A task that has succeeded and that its client submits again, without saying so."""
    lasting.client()
    lasting.worker()
    task_id = lasting.submit()
    ((_, _, lease),) = lasting.dispatched()
    lasting.result(9, lease, task_id)
    lasting.sent()
    return task_id


def test_what_waits_for_an_id_that_came_again_is_told_how_it_has_ended(lasting):
    root = done(lasting)
    lasting.client(2)
    lasting.submit(2, id=root)
    leaf = lasting.submit(2, after=(root,))
    lasting.sent()  # it turns out to be there already,
    lasting.sent()  # and the store is asked how it has ended
    assert leaf in lasting.begun()


def test_nothing_is_left_of_what_an_id_that_came_again_waited_for(lasting):
    root, leaf = done(lasting), done(lasting)
    lasting.client(2)
    lasting.submit(2, id=root)
    lasting.submit(2, id=leaf, after=(root,))
    lasting.sent()
    lasting.sent()
    assert not lasting.broker.state.dependencies.dependents


@pytest.mark.parametrize("later", [0, 1], ids=["in the same turn", "in a later turn"])
def test_who_cancels_an_id_that_came_again_is_told_how_it_has_ended(lasting, later):
    """The task was ended as if it were new, before the store could say that it was there."""
    task_id = done(lasting)
    lasting.leave(9)
    lasting.sent()
    lasting.client(2)
    lasting.submit(2, id=task_id)
    turns = [lasting.broker.take_turn() for _ in range(later)]
    lasting.broker.cancel(task_id, lasting.now)
    turns.append(lasting.broker.take_turn())
    written, asked = [], []
    outbox = Outbox(
        lambda peer, octets: written.append(octets) or True,
        lambda wanted, arrived: asked.append((wanted, arrived)),
        limit=lambda peer: 1 << 20,
        failed=pytest.fail,
        idle=lambda peer: None,
        unsaid=lambda peer, error: pytest.fail(str(error)),
    )
    for turn in turns:
        outbox.take(turn)
    for turn in turns:
        conflicts = lasting.store.commit(1, [turn.changes]).conflicts
        if conflicts:
            outbox.drop(conflicts, [turn])
        outbox.release(turn)
    ((wanted, arrived),) = asked
    assert wanted.reports == [task_id]
    stored = lasting.store.tasks([task_id])[task_id]
    arrived(Found(reports={task_id: stored.report}, ends={task_id: (stored.outcome, stored.attempt)}))
    connection = Connection("client")
    connection._enter(ClientConnectionState.ACCEPTED)
    (told,) = (message for message in connection.receive(b"".join(written)) if isinstance(message, Result))
    assert (told.outcome, told.seq) == (Outcome.SUCCEEDED, 1)
    outbox.release(lasting.broker.take_turn())
    assert not outbox._repeated
