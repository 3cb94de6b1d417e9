"""One scenario for each cell of the connection machines: every message, in every state, to every role.

A cell that the machine allows must leave the connection as the machine says; every other one must be answered with
UNEXPECTED_MESSAGE and the end of the connection. How a state is reached is the only thing that is written by hand here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wiretask_conformance.matching import merged
from wiretask_conformance.scenario import Scenario, Step
from wiretask_conformance.spec import Event, Spec

#: The name of the one connection.
IT = "it"
_SERVED: list[Step] = [
    {"listen": "all"},
    {"ask": "serve", "with": {"connect": "$address", "queue": "$queue", "slots": 2}},
]
_OPENED: list[Step] = [
    {"listen": "all"},
    {"ask": "open", "with": {"connect": "$address"}},
    {
        "ask": "submit",
        "with": {"key": "a", "type": "conformance.echo", "queue": "$queue", "body": "hex:01", "options": {}},
    },
]
#: Something that keeps a worker from being done when it hears a goodbye.
_BUSY: list[Step] = [
    {"expect": IT, "message": "Credit"},
    {"send": IT, "message": "Task", "value": {"lease": 1, "envelope": {"type": "conformance.wait"}}},
    {"expect": IT, "message": "Credit", "where": {"begun": 1}},
]
_GOODBYE: Step = {"send": IT, "message": "Goodbye", "value": {"reason": "shutting_down"}}
#: The same, of an implementation that has been given a token.
_GUARDED: dict[str, list[Step]] = {
    role: [
        merged(step, {"with": {"credentials": "$credentials"}}) if step.get("ask") in ("serve", "open") else step
        for step in steps
    ]
    for role, steps in (("worker", _SERVED), ("client", _OPENED))
}
_PROVED: list[Step] = [{"challenge": IT}, {"expect_proof": IT}]
_HEARD: Step = {"accept": IT, "answer": False}
_TAKEN: Step = {"accept": IT}
_SUBMITTED: Step = {"expect": IT, "message": "Submit", "bind": {"task": "task_id"}}
#: How an implementation comes into a state.
REACHED: dict[str, dict[str, list[Step]]] = {
    "scheduler": {
        "greeting": [{"connect": IT, "open": False}],
        "challenged": [
            {"connect": IT, "as": "client", "key": "ann", "accepted": False},
            {"expect": IT, "message": "Auth", "where": {"kind": "challenge"}},
        ],
        "worker_new": [{"connect": IT, "as": "worker"}],
        "worker": [{"connect": IT, "as": "worker"}, {"send": IT, "message": "Subscribe"}],
        "worker_draining": [
            {"connect": IT, "as": "worker"},
            {"send": IT, "message": "Subscribe"},
            {"send": IT, "message": "Goodbye", "value": {"reason": "drain"}},
        ],
        "client": [{"connect": IT, "as": "client"}],
    },
    "worker": {
        "opening": [*_SERVED, _HEARD],
        "proving": [*_GUARDED["worker"], _HEARD, *_PROVED],
        "accepted": [*_SERVED, _TAKEN],
        "leaving": [*_SERVED, _TAKEN, *_BUSY, _GOODBYE],
    },
    "client": {
        "opening": [*_OPENED, _HEARD],
        "proving": [*_GUARDED["client"], _HEARD, *_PROVED],
        "accepted": [*_OPENED, _TAKEN, _SUBMITTED],
        "leaving": [*_OPENED, _TAKEN, _SUBMITTED, _GOODBYE],
    },
}
#: States that a peer without tokens never comes to.
_NEEDS_AUTH = {"challenged", "proving"}
#: The rest of the handshake: it shows that a connection goes on that has not been accepted yet.
_ALIVE: dict[str, dict[str, list[Step]]] = {
    "scheduler": {
        "greeting": [
            {"send": IT, "message": "Hello", "value": {"kind": "open"}},
            {"expect": IT, "message": "Hello", "where": {"kind": "accept"}},
        ]
    },
    "worker": {
        "opening": [
            {"send": IT, "message": "Hello", "value": {"kind": "accept", "session": "$session"}},
            {"expect": IT, "message": "Credit"},
        ]
    },
    "client": {
        "opening": [
            {"send": IT, "message": "Hello", "value": {"kind": "accept"}},
            {"expect": IT, "message": "Submit"},
        ]
    },
}
#: What may be said to a message that is allowed but means nothing here: an answer, or that it is not known.
_ANSWERS = ["Error", "Result", "Return", "Status", "Resume", "Submit", "Await", "Query"]
_NEVER_SENT: list[Step] = [{"expect_refused": IT, "code": "BAD_SEQUENCE"}]
_UNKNOWN: list[Step] = [{"expect_error": IT, "code": "UNKNOWN_TASK", "where": {"seq": 1}}]
#: Messages whose answer is known.
_ANSWERED: dict[str, dict[str, list[Step]]] = {
    "scheduler": {
        "Accepted": _NEVER_SENT,
        "Query": _UNKNOWN,
        "Await": _UNKNOWN,
        "Resume": [{"expect": IT, "message": "Resume", "where": {"leases": []}}],
    },
    "worker": {
        "Accepted": _NEVER_SENT,
        "Task": [{"expect": IT, "message": "Result", "where": {"lease": 1}}],
        "Resume": [{"expect_refused": IT, "code": "UNEXPECTED_MESSAGE"}],
    },
}
_BARRIER: list[Step] = [{"barrier": IT, "allow": [*_ANSWERS, "Goodbye"]}]


def cells(spec: Spec, role: str) -> Iterator[Scenario]:
    """Every cell of the machine of a role."""
    machine = spec.machine(role)
    for state in machine.reading():
        for event in spec.events():
            stranger = state == "greeting" and spec.messages[event.message]["command"] != spec.first_command
            code = "NOT_WIRETASK" if stranger else "UNEXPECTED_MESSAGE"
            target = None if stranger else machine.table[state].get(event.name)
            yield _cell(role, state, event, target, code)


def _cell(role: str, state: str, event: Event, target: str | None, code: str) -> Scenario:
    name = "cell/%s/%s/%s" % (role, state, event.name)
    reached = REACHED[role][state]
    if event.name == "Auth.challenge" and target is not None:
        reached = [*_GUARDED[role], _HEARD]
    steps = [*reached, _sent(role, state, event), *_outcome(role, state, event, target, code)]
    auth = {"auth"} if state in _NEEDS_AUTH or (target is not None and event.name == "Auth.challenge") else set()
    return Scenario(
        "k-" + name.partition("/")[2].replace("/", "-"),
        name,
        role,
        "%s in the state %s of the %s's connection" % (event.name, state, role),
        "MUST",
        (),
        ("cell:%s/%s/%s" % (role, state, event.name), "transition:%s_connection/%s/%s" % (role, state, event.name)),
        tuple(auth),
        {},
        alone=False,
        kind="cell",
        steps=tuple(steps),
    )


def _sent(role: str, state: str, event: Event) -> Step:
    if state == "challenged" and event.name == "Auth.proof":
        return {"prove": IT}
    if state == "proving" and event.name == "Hello.accept":
        return {"admit": IT}
    value: dict[str, Any] = {"kind": event.kind} if event.kind is not None else {}
    if event.name == "Hello.accept" and role == "worker":
        value["session"] = "$session"
    if event.name == "Hello.open" and role == "scheduler":
        value["role"] = "client"
    return {"send": IT, "message": event.message, "value": value}


def _outcome(role: str, state: str, event: Event, target: str | None, code: str) -> list[Step]:
    """What must come of it."""
    if target is None:
        return [{"expect_refused": IT, "code": code, "left": state == "leaving"}]
    if target == "closed":
        return [{"expect_close": IT}]
    if event.name == "Hello.open":
        return [{"expect": IT, "message": "Hello", "where": {"kind": "accept"}}]
    if event.name == "Auth.challenge":
        return [{"expect_proof": IT}, {"admit": IT}, *_ALIVE[role]["opening"][1:]]
    if state == "challenged":
        return [*([{"prove": IT}] if event.name != "Auth.proof" else []), {"expect_proved": IT}]
    if state == "proving" and event.name != "Hello.accept":
        return [{"admit": IT}, *_ALIVE[role]["opening"][1:]]
    if event.name == "Hello.accept":
        return _ALIVE[role]["opening"][1:]
    if event.name in _ANSWERED.get(role, {}):
        return _ANSWERED[role][event.name]
    if event.name == "Hello.ping":
        return [{"expect": IT, "message": "Hello", "where": {"kind": "pong", "nonce": 7}}]
    return _ALIVE[role].get(state, _BARRIER)
