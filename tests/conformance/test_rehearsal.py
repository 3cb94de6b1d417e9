"""The rehearsal: what an adapter must do before its part is judged, and what is said of one that does not."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from wiretask_conformance import behaviour, rehearsal, spec
from wiretask_conformance.testee import ContractError, Died, Hung

SPEC = spec.load()
OK: dict[str, Any] = {"ok": {}}
#: How long it waits that waits in vain, in seconds.
VAIN = 0.02

Answer = Callable[..., Any]


class Adapter:
    """Answers what it is asked: with what is written here, by raising it, or with what it makes of the arguments."""

    scale = 1.0

    def __init__(self, **answers: Any) -> None:
        self.answers = {"end": OK, **answers}
        self.asked: list[str] = []
        self.opened: list[socket.socket] = []

    def ask(self, op: str, *, seconds: float, **arguments: Any) -> dict[str, Any]:
        self.asked.append(op)
        answer = self.answers[op]
        if callable(answer):
            answer = answer(self, **arguments)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def stop(self) -> None:
        self.asked.append("(stopped)")

    def fail(self) -> None:
        self.asked.append("(failed)")


class Troupe(behaviour.Troupe):
    """One adapter for all."""

    def __init__(self, adapter: Any, role: str) -> None:
        super().__init__(["x"], role, SPEC, 1.0)
        self.adapter = adapter

    def testee(self) -> Any:
        return self.adapter


@pytest.fixture
def rehearse() -> Iterator[Callable[..., list[str]]]:
    """Rehearses a role with these answers; what was asked."""
    adapters: list[Adapter] = []

    def rehearse(role: str, **answers: Any) -> list[str]:
        adapters.append(Adapter(**answers))
        rehearsal.run(Troupe(adapters[-1], role))
        return adapters[-1].asked

    yield rehearse
    for adapter in adapters:
        for one in adapter.opened:
            one.close()


def connects(adapter: Adapter, *, connect: str, **more: Any) -> dict[str, Any]:
    host, _, port = connect.rpartition(":")
    adapter.opened.append(socket.create_connection((host, int(port))))
    return OK


def address(one: socket.socket) -> str:
    host, port = one.getsockname()
    return f"{host}:{port}"


def listens(adapter: Adapter, **_: Any) -> dict[str, Any]:
    adapter.opened.append(socket.create_server(("127.0.0.1", 0)))
    return {"ok": {"listening": address(adapter.opened[-1])}}


def at_nobody(adapter: Adapter, **_: Any) -> dict[str, Any]:
    """An address at which nobody listens: its port is taken, by one who does not."""
    adapter.opened.append(socket.socket())
    adapter.opened[-1].bind(("127.0.0.1", 0))
    return {"ok": {"listening": address(adapter.opened[-1])}}


STARTS: list[tuple[str, str, Answer]] = [
    ("worker", "serve", connects),
    ("client", "open", connects),
    ("scheduler", "listen", listens),
]


@pytest.mark.parametrize(("role", "op", "does"), STARTS)
def test_an_adapter_that_drives_its_part_is_asked_two_things(rehearse: Any, role: str, op: str, does: Answer) -> None:
    assert rehearse(role, **{op: does}) == [op, "end"]


@pytest.mark.parametrize(("role", "op", "does"), STARTS)
def test_an_adapter_that_has_no_end_is_stopped(rehearse: Any, role: str, op: str, does: Answer) -> None:
    assert rehearse(role, **{op: does, "end": {"skipped": "not yet"}}) == [op, "end", "(stopped)"]


@pytest.mark.parametrize(("role", "op"), [("worker", "serve"), ("client", "open"), ("scheduler", "listen")])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"skipped": "no"}, "{}: is skipped (no), and nothing can be judged without it"),
        ({"crashed": "KeyError: 1"}, "{} crashed: KeyError: 1"),
        ({"ok": 1}, "the answer to {} is ok (an object) or skipped, not {{'ok': 1}}"),
        (Died("it died"), "it died"),
        (Hung("it hangs"), "it hangs"),
    ],
)
def test_one_that_does_not_start_its_part_is_told_so(rehearse: Any, role: str, op: str, answer: Any, said: str) -> None:
    with pytest.raises(ContractError) as error:
        rehearse(role, **{op: answer})
    assert str(error.value) == said.format(op)


@pytest.mark.parametrize(("role", "op", "does"), STARTS)
@pytest.mark.parametrize("answer", [{"crashed": "KeyError: 1"}, {"error": "what"}, Hung("it hangs")])
def test_one_that_does_not_end_its_part_is_told_so(
    rehearse: Any, role: str, op: str, does: Answer, answer: Any
) -> None:
    with pytest.raises(ContractError, match=r"end crashed|the answer to end|it hangs"):
        rehearse(role, **{op: does, "end": answer})


@pytest.mark.parametrize(("role", "op"), [("worker", "serve"), ("client", "open")])
def test_a_part_that_never_connects_is_given_up_soon(
    rehearse: Any, role: str, op: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "CONNECT_SECONDS", VAIN)
    said = f"{op}: the {role} does not connect to 127[.]0[.]0[.]1:[0-9]+ in 0.02 seconds"
    with pytest.raises(ContractError, match=said):
        rehearse(role, **{op: OK})


@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        ":1",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:99999",
        "127.0.0.1:0",
        "127.0.0.1:x",
        "a\0b:1",
        None,
        5,
        [],
    ],
)
def test_an_address_that_is_none_is_told_so(rehearse: Any, address: Any) -> None:
    with pytest.raises(ContractError, match=r'ok of listen is {"listening": "HOST:PORT"}, not '):
        rehearse("scheduler", listen={"ok": {"listening": address}})


def test_an_address_at_which_nobody_listens_is_told_so(rehearse: Any) -> None:
    with pytest.raises(ContractError, match=r"listen: the scheduler does not take a connection at [0-9.:]+: "):
        rehearse("scheduler", listen=at_nobody)


def test_a_name_that_no_resolver_takes_is_told_so(rehearse: Any) -> None:
    with pytest.raises(ContractError, match="label too long"):
        rehearse("scheduler", listen={"ok": {"listening": "a" * 300 + ":1"}})


def test_an_address_in_brackets_is_one(rehearse: Any) -> None:
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        except OSError:
            pytest.skip("this machine has no IPv6")
        address = f"[::1]:{server.getsockname()[1]}"
        assert rehearse("scheduler", listen={"ok": {"listening": address}}) == ["listen", "end"]


def test_nobody_is_left_waiting_after_it(rehearse: Any) -> None:
    """A part that comes back finds nobody: the port of the rehearsal is closed."""
    addresses: list[str] = []

    def noting(adapter: Adapter, *, connect: str, **more: Any) -> dict[str, Any]:
        addresses.append(connect)
        return connects(adapter, connect=connect)

    rehearse("worker", serve=noting)
    host, _, port = addresses[0].rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
