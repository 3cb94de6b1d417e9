"""The core's one door: messages, time and the store's answers come in here, and turns go out.

`receive_many`, `tick` and the others fill the present turn; the shell takes it with `take_turn` and carries it out (see
`turn`). `deadline` says when `tick` is due. What each message means is decided in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from msgspec.structs import replace

from wiretask_protocol import codec, machines
from wiretask_protocol.errors import ErrorCode, WireError, error_message
from wiretask_protocol.limits import FRAME_LIMIT
from wiretask_protocol.messages import (
    Accepted,
    Await,
    Cancel,
    CancelMode,
    Credit,
    Error,
    Goodbye,
    GoodbyeReason,
    Hello,
    Outcome,
    Progress,
    Query,
    Result,
    Resume,
    Return,
    Role,
    Schedule,
    ScheduleAction,
    Submit,
    Subscribe,
    ToScheduler,
)
from wiretask_scheduler.core import (
    admission,
    delivery,
    dependencies,
    endings,
    facts,
    groups,
    limits,
    loading,
    operations,
    plain,
    recurring,
    reports,
    requests,
    sessions,
    submissions,
    uniques,
)
from wiretask_scheduler.core.grants import EVERYTHING, Grant
from wiretask_scheduler.core.peers import Client, Peer, Worker
from wiretask_scheduler.core.queues import Mode
from wiretask_scheduler.core.records import StoredFact, StoredSession, StoredTask
from wiretask_scheduler.core.recurring import NO_CALENDAR, Calendar
from wiretask_scheduler.core.sessions import Leaving
from wiretask_scheduler.core.settings import Settings
from wiretask_scheduler.core.state import State
from wiretask_scheduler.core.tasks import move
from wiretask_scheduler.core.timers import Kind
from wiretask_scheduler.core.turn import Lookup, Now, Send, Turn

#: Timers that one tick handles: a million that come up at once must not stop the world.
_TIMERS_A_TICK = 5000


class Broker:
    """The scheduler's state and everything that can happen to it."""

    def __init__(
        self,
        settings: Settings,
        jitter: Callable[[], float],
        token: Callable[[], bytes],
        calendar: Calendar = NO_CALENDAR,
    ) -> None:
        """`jitter` is drawn evenly from 0 to 1, `token` is 16 secret octets, `calendar` knows cron expressions."""
        self.state = State(settings, jitter, token, calendar)
        self.state.timers.matters = self._matters

    # -- what the shell does with it --

    def take_turn(self) -> Turn:
        """What has been decided since the last call; a fresh turn takes its place."""
        turn, self.state.turn = self.state.turn, Turn()
        return turn

    def send(self, peer: int, message: Send) -> None:
        """Sends a message of the shell's own, in the order of the turn."""
        self.state.turn.send(peer, message)

    def deadline(self, now: Now) -> float | None:
        """When `tick` is due, by the monotonic clock."""
        return self.state.timers.deadline(now)

    def set_store_full(self, *, full: bool) -> None:
        """While the store is full, new tasks are refused; everything else goes on."""
        self.state.store_full = full

    # -- what can happen --

    def join(self, peer: int, hello: Hello, principal: str, now: Now, grant: Grant = EVERYTHING) -> bytes | None:
        """A peer has been accepted, and is who it says. Returns the token of the session that a worker begins."""
        state = self.state
        limit = min(hello.frame_limit or FRAME_LIMIT, state.settings.frame_limit)
        name = hello.name or hello.agent or f"peer {peer}"
        if hello.role == Role.CLIENT:
            state.clients[peer] = Client(
                number=peer,
                name=name,
                principal=principal,
                frame_limit=limit,
                in_flight=state.settings.in_flight,
                grant=grant,
            )
            return None
        worker = Worker(
            number=peer,
            name=name,
            principal=principal,
            frame_limit=limit,
            in_flight=state.settings.in_flight,
            grant=grant,
            session=state.token(),
            joined=now.wall,
        )
        state.workers[peer] = worker
        state.sessions[worker.session] = worker
        state.turn.changes.sessions.append((worker.session, name))
        if principal:
            state.turn.changes.facts[facts.principal(worker.session)] = facts.Fact(principal.encode())
        return worker.session

    def receive_many(self, peer: int, messages: Sequence[ToScheduler], now: Now) -> None:
        """Messages of one peer, in order. A message that breaks the protocol closes the connection with its error."""
        state = self.state
        who: Peer | None = state.clients.get(peer) or state.workers.get(peer)
        if who is None:
            return
        if isinstance(who, Client) and who.asked:
            who.backlog.extend(messages)
            return
        state.now = now
        if isinstance(who, Worker) and who.leases:
            state.stopwatch.reported(who, messages, now)
        try:
            at = 0
            while (at := plain.take(state, who, messages, at, now)) < len(messages):
                message = messages[at]
                if type(message) is Submit and submissions.must_ask(state, cast("Client", who), message):
                    submissions.wait(state, cast("Client", who), messages[at:])
                    break
                _HANDLERS[type(message)](self, who, message, now)
                at += 1
        except WireError as error:
            state.turn.closes.append((peer, error.to_message()))
        state.accept(who)
        self._settle(now)

    def _settle(self, now: Now) -> None:
        """What has ended is told to those that wait for it, and what is ready is handed out."""
        if self.state.dependencies.news:
            dependencies.settle(self.state)
        delivery.hand_out(self.state, now)

    def received(self, peer: int) -> int:
        """The last seq that came from a peer."""
        who: Peer | None = self.state.clients.get(peer) or self.state.workers.get(peer)
        return who.received if who is not None else 0

    def is_waiting(self, peer: int) -> bool:
        """Whether what comes from a client waits for what the store says: better not to read it before."""
        client = self.state.clients.get(peer)
        return client is not None and bool(client.asked)

    def leave(self, peer: int, leaving: Leaving, now: Now) -> None:
        """The connection of a peer has ended."""
        state = self.state
        state.now = now
        state.clients.pop(peer, None)
        worker = state.workers.get(peer)
        if worker is not None:
            sessions.leave(state, worker, "goodbye" if worker.draining else leaving, now)
        self._settle(now)

    def tick(self, now: Now) -> None:
        """Time has passed."""
        state = self.state
        state.now = now
        for kind, what in state.timers.pop(now, _TIMERS_A_TICK):
            _TIMERS[kind](state, what, now)
        self._settle(now)

    def _matters(self, kind: Kind, what: Any) -> bool:
        """Whether a timer may still have something to do."""
        matter = _MATTERS.get(kind)
        return matter is None or matter(self.state, what)

    def found(self, lookup: Lookup, stored: StoredTask | None, now: Now) -> None:
        """The store's answer to a lookup."""
        self.state.now = now
        if lookup.kind == "dependency":
            succeeded = stored is not None and stored.outcome == Outcome.SUCCEEDED
            dependencies.outcome_found(self.state, lookup.task_id, succeeded=succeeded)
            self._settle(now)
            return
        if lookup.kind != "submit":
            requests.found(self.state, lookup, stored, now)
            return
        client = self.state.clients.get(lookup.peer)
        if client is not None:
            ended = stored is not None and stored.outcome is not None
            # Only how it ended matters here: reports of thousands of dependencies must not gather in memory.
            client.known[lookup.task_id] = replace(stored, report=None) if stored is not None and ended else None
            client.asked.discard(lookup.task_id)
            if not client.asked:
                backlog, client.backlog = client.backlog, []
                self.receive_many(lookup.peer, backlog, now)
            if not client.asked:
                client.known.clear()

    def conflicted(self, ids: Iterable[bytes], now: Now) -> None:
        """These ids were in the store already, of tasks that have ended: what was taken in for them is dropped.

        The shell calls this before it releases the turn that inserted them. Who waits gets the Result that is there,
        and what waits for one of them is told how it has ended.
        """
        state = self.state
        state.now = now
        for task_id in ids:
            task = state.tasks.get(task_id)
            if task is None:
                continue
            worker = state.sessions.get(task.holder)
            if worker is not None and task.lease:
                worker.release(task.lease)
            # A record in no state but this is a dead entry in its lane, and its Dispatch is not current any more.
            former, task.state = task.state, machines.TaskMachineState.EXPIRED
            state.vacate(task, former)
            state.remove(task)
            dependencies.drop(state, task)
            endings.let_go(state, task)
            if task_id in state.dependencies.dependents:
                # They were taken in as if it lived: the store says how it has ended.
                state.turn.lookups.append(Lookup(0, task.seq, task_id, "dependency"))
            state.unsettled = True
            for peer in (task.waiter, *(task.rare.waiters if task.rare is not None else ())):
                if peer in state.clients:
                    state.turn.lookups.append(Lookup(peer, 0, task_id, "await"))
        self._settle(now)

    def load(
        self,
        tasks: Iterable[StoredTask],
        stored_sessions: Iterable[StoredSession],
        stored_facts: Iterable[StoredFact] = (),
        *,
        lease_ceiling: int,
        last_seq: int,
        now: Now,
    ) -> None:
        """What the store had at the start. Leases go on at the durable ceiling: none is ever issued twice."""
        state = self.state
        state.last_seq = last_seq
        state.next_lease = max(lease_ceiling, 1)
        state.lease_ceiling = state.next_lease
        state.now = now
        loading.load(state, tasks, stored_sessions, stored_facts, now)
        self._settle(now)

    # -- what operators ask for --

    def configure(self, settings: Settings) -> None:
        """Takes other limits, as far as nobody has been told them: the rest holds from the next start on."""
        operations.configure(self.state, settings)

    def put_schedule(self, schedule: Schedule, now: Now) -> None:
        """Creates or replaces a recurring task. Raises BadScheduleError."""
        self.state.now = now
        recurring.put(self.state, schedule, now)

    def set_mode(self, queue: str, mode: Mode, now: Now) -> None:
        """Pauses a queue, lets it run empty, or opens it again."""
        self.state.now = now
        operations.set_mode(self.state, queue, mode)
        self._settle(now)

    def cancel(self, task_id: bytes, now: Now, *, tree: bool = False) -> bool:
        """Stops a task. Whether it was there."""
        self.state.now = now
        task = self.state.tasks.get(task_id)
        if task is None:
            return False
        if tree:
            dependencies.uproot(self.state, task)
        requests.stop(self.state, task, CancelMode.COOPERATIVE, now)
        self._settle(now)
        return True

    def revive(self, stored: StoredTask, parts: Iterable[tuple[int, bytes]], now: Now) -> str | None:
        """Gives a dead task another life. Returns why not, where it cannot be."""
        self.state.now = now
        refusal = operations.revive(self.state, stored, parts)
        self._settle(now)
        return refusal

    def purge(self, dead: Sequence[StoredTask], now: Now) -> int:
        """Forgets dead tasks. Returns how many."""
        self.state.now = now
        return operations.purge(self.state, dead)

    def shut_down(self) -> None:
        """Says goodbye to everybody. The shell commits, sends and exits."""
        for peer in (*self.state.clients, *self.state.workers):
            self.state.turn.send(peer, Goodbye(GoodbyeReason.SHUTTING_DOWN))


def _on_goodbye(broker: Broker, peer: Peer, message: Goodbye, now: Now) -> None:
    if isinstance(peer, Worker):
        peer.draining = True


def _on_accepted(broker: Broker, peer: Peer, message: Accepted, now: Now) -> None:
    if message.seq > peer.sent:
        detail = f"seq {message.seq} was never sent; the last one was {peer.sent}"
        raise WireError(ErrorCode.BAD_SEQUENCE, "seq", 0, command=Accepted.COMMAND, detail=detail)
    if isinstance(peer, Worker) and peer.superseded:
        peer.heard(message.seq)
        broker.state.unsettled = True


def _on_schedule(broker: Broker, client: Client, schedule: Schedule, now: Now) -> None:
    """Puts or removes a recurring task, or says why not."""
    client.take(schedule.seq, Schedule.COMMAND)
    state = broker.state
    code, text = ErrorCode.BAD_SCHEDULE, None
    former = state.recurring.get(schedule.name)
    if schedule.action is ScheduleAction.DELETE:
        if former is not None and client.sees(former.principal):
            recurring.delete(state, schedule.name)
            return
        code = ErrorCode.UNKNOWN_SCHEDULE
    elif former is not None and not client.sees(former.principal):
        code, text = ErrorCode.FORBIDDEN, f"the name {schedule.name} is another's; choose another name"
    elif (forbidden := _forbidden(client, schedule)) is not None:
        code, text = ErrorCode.FORBIDDEN, forbidden
    else:
        try:
            recurring.put(state, schedule, now, former.principal if former is not None else client.principal)
        except recurring.BadScheduleError as error:
            code, text = error.code, str(error)
        else:
            return
    state.refuse(client.number, error_message(code, command=Schedule.COMMAND, seq=schedule.seq, text=text))


def _forbidden(client: Client, schedule: Schedule) -> str | None:
    assert schedule.envelope is not None  # R-SCH-001
    _, queue = codec.envelope_route(schedule.envelope)
    return None if client.grant.allows(queue) else admission.forbidden(queue)


def _ignored(broker: Broker, peer: Peer, message: Any, now: Now) -> None:
    """Hello, Auth and Error are the shell's: it keeps connections, this keeps tasks."""


_HANDLERS: dict[type, Callable[[Broker, Any, Any, Now], None]] = {
    Submit: lambda broker, peer, message, now: submissions.on_submit(broker.state, peer, message, now),
    Result: lambda broker, peer, message, now: reports.on_result(broker.state, peer, message, now),
    Return: lambda broker, peer, message, now: reports.on_return(broker.state, peer, message, now),
    Credit: lambda broker, peer, message, now: reports.on_credit(broker.state, peer, message),
    Progress: lambda broker, peer, message, now: reports.on_progress(broker.state, peer, message),
    Subscribe: lambda broker, peer, message, now: sessions.on_subscribe(broker.state, peer, message),
    Resume: lambda broker, peer, message, now: sessions.on_resume(broker.state, peer, message, now),
    Cancel: lambda broker, peer, message, now: requests.on_cancel(broker.state, peer, message, now),
    Await: lambda broker, peer, message, now: requests.on_await(broker.state, peer, message),
    Query: lambda broker, peer, message, now: requests.on_query(broker.state, peer, message, now),
    Schedule: _on_schedule,
    Goodbye: _on_goodbye,
    Accepted: _on_accepted,
    Hello: _ignored,
    Error: _ignored,
}


def _on_due(state: State, what: Any, now: Now) -> None:
    if what.state is not machines.TaskMachineState.SCHEDULED:
        return
    what.rare.due = None
    what.rare.backoff = False
    move(what, machines.TaskMachineEvent.DUE)
    state.make_ready(what)


_EXPIRABLE = frozenset(
    {machines.TaskMachineState.WAITING, machines.TaskMachineState.SCHEDULED, machines.TaskMachineState.READY}
)


def _on_expire(state: State, what: Any, now: Now) -> None:
    if what.state in _EXPIRABLE and what not in state.held_back:
        endings.expire(state, what, now)
    elif _lives(state, what):
        # A worker has it, or may have it: it may go on, and nothing of it begins any more.
        what.rarely().overdue = True


def _on_limit(state: State, what: Any, now: Now) -> None:
    """The worker has not stopped a task at its time limit: the scheduler takes it away."""
    task, lease = what
    worker = state.sessions.get(task.holder)
    if task.lease != lease or worker is None:
        return
    requests.ask_worker_to_stop(state, task, CancelMode.HARD)
    worker.revoke(lease)
    text = "it ran past its time limit, and its worker did not stop it"
    state.note(task, Outcome.TIMED_OUT, "TimeLimitExceeded", text, worker.name)
    reports.failed(state, worker, task, Outcome.TIMED_OUT, endings.own_report("TimeLimitExceeded", text), now)


_TIMERS: dict[str, Callable[[State, Any, Now], None]] = {
    "due": _on_due,
    "expire": _on_expire,
    "limit": _on_limit,
    "open": limits.on_open,
    "unique": lambda state, what, now: uniques.release(state, *what),
    "settle": lambda state, what, now: None,
    "group": lambda state, what, now: groups.forget(state, what),
    "recur": recurring.on_recur,
    "record": lambda state, what, now: delivery.record_leases(state, what),
    "ask": lambda state, what, now: delivery.look_again(state),
    "resume": sessions.give_up_waiting,
    "grace": lambda state, what, now: sessions.release_held_back(state, now, over=True),
}


def _lives(state: State, what: Any) -> bool:
    return what.state not in submissions.FINAL_STATES


#: Of timers that may be far away; the others are few, or come up soon.
_MATTERS: dict[Kind, Callable[[State, Any], bool]] = {
    "due": _lives,
    "expire": _lives,
    "limit": lambda state, what: what[0].lease == what[1],
    "unique": lambda state, what: state.uniques.get(what[0]) == what[1],
    "recur": lambda state, what: state.recurring.get(what.schedule.name) is what,
}
