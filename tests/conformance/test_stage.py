"""Scenarios against peers that are made up: each verb does what it says, and each way to be wrong has its verdict."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from wiretask_conformance import behaviour, spec
from wiretask_conformance.actor import pieces
from wiretask_conformance.matching import filled, merged
from wiretask_conformance.results import Result
from wiretask_conformance.scenario import Scenario, Step, templates
from wiretask_conformance.stage import Stage
from wiretask_conformance.testee import ContractError, Died, Hung
from wiretask_conformance.wire import HEADER, Wire

WIRE = Wire(spec.load())
TEMPLATES = templates()
CONNECT: Step = {"connect": "c"}
#: What templates name, as the peers say it.
BOUND = {"task": "hex:" + "11" * 16, "queue": "q", "nonce": 7}
#: How long a step waits that waits in vain, in milliseconds.
VAIN = 20


class Peer:
    """The implementation: its end of a connection, in readable values."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.seq = 0

    async def hear(self) -> tuple[str, dict[str, Any]]:
        header = await self.reader.readexactly(HEADER)
        payload = await self.reader.readexactly(int.from_bytes(header[1:], "big"))
        name, value, _ = WIRE.decode(header + payload, readable=True)
        return name, value

    def say(self, message: str, **value: Any) -> None:
        """A message; what is not said is taken from its template, and a seq is the next one."""
        kind = f".{value['kind']}" if "kind" in value else ""
        made = filled(merged(TEMPLATES[message + kind], value), BOUND)
        if WIRE.spec.messages[message]["sequenced"] and "seq" not in value:
            self.seq += 1
            made["seq"] = self.seq
        self.writer.write(WIRE.encode(message, made))

    async def greet(self) -> None:
        """Hears the open, and accepts it."""
        _, opening = await self.hear()
        self.say("Hello", kind="accept", nonce=opening["nonce"])

    async def serve(self) -> None:
        """Answers pings and accepts everything, to the end of the connection."""
        while True:
            message, value = await self.hear()
            if value.get("kind") == "ping":
                self.say("Hello", kind="pong", nonce=value["nonce"])
            elif "seq" in value and message not in ("Accepted", "Error"):
                self.say("Accepted", seq=value["seq"])


Script = Callable[[Peer], Awaitable[None]]


class Adapter:
    """Answers what the stage asks: with what is written here, or by raising it."""

    scale = 1.0

    def __init__(self, **answers: Any) -> None:
        self.answers = {"end": {"ok": {}}, **answers}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def ask(self, op: str, *, seconds: float, **arguments: Any) -> dict[str, Any]:
        self.asked.append((op, {"seconds": seconds, **arguments}))
        answer = self.answers[op]
        if callable(answer):
            answer = answer(**arguments)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def stop(self) -> None:
        self.asked.append(("stop", {}))

    def fail(self) -> None:
        self.asked.append(("fail", {}))


def scenario(*steps: Step, role: str = "scheduler", **more: Any) -> Scenario:
    fields: dict[str, Any] = {"id": "b-1", "name": "x", "about": "", "level": "MUST", "kind": "scenario"}
    fields.update(requires=(), covers=(), needs=(), config={}, alone=False)
    return Scenario(**{**fields, "role": role, "steps": steps, **more})


def play(script: Script | None, *steps: Step, adapter: Any = None, scale: float = 1.0) -> Result:
    """Plays steps against a scheduler that does what its script says with every connection."""

    async def played() -> Result:
        ends: list[tuple[asyncio.StreamWriter, asyncio.Future[None]]] = []

        def arrive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert script is not None
            ends.append((writer, asyncio.ensure_future(acted(script, reader, writer))))

        server = await asyncio.start_server(arrive, "127.0.0.1", 0)
        testee: Any = adapter or Adapter()
        stage = Stage(scenario(*steps), WIRE, testee, TEMPLATES, scale)
        stage.address = server.sockets[0].getsockname()[:2]
        if script is None:
            server.close()
            await server.wait_closed()
        result = await behaviour._played(stage)
        server.close()
        for writer, end in ends:
            end.cancel()
            writer.close()
        await asyncio.gather(*(end for _, end in ends), return_exceptions=True)
        await asyncio.gather(*(writer.wait_closed() for writer, _ in ends), return_exceptions=True)
        return result

    return asyncio.run(played())


async def acted(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        try:
            await script(Peer(reader, writer))
        finally:
            writer.close()
            await writer.wait_closed()


def accepting(*said: tuple[str, dict[str, Any]]) -> Script:
    """Accepts the open, says something, and serves."""

    async def script(peer: Peer) -> None:
        await peer.greet()
        for message, value in said:
            peer.say(message, **value)
        await peer.serve()

    return script


def ending(*said: tuple[str, dict[str, Any]]) -> Script:
    """Accepts the open, says something, and ends the connection."""

    async def script(peer: Peer) -> None:
        await peer.greet()
        for message, value in said:
            peer.say(message, **value)

    return script


async def silent(peer: Peer) -> None:
    """Takes a connection and says nothing."""
    await peer.reader.read()


STATUS = ("Status", {"query": 1, "state": "ready", "reason": "no_worker"})
REFUSAL = ("Error", {"code": 302, "scope": "connection", "retry": "never"})
NO_TASK = ("Error", {"code": 402, "scope": "request", "retry": "never"})


def error(name: str) -> tuple[str, dict[str, Any]]:
    entry = WIRE.spec.errors[name]
    return "Error", {key: entry[key] for key in ("code", "scope", "retry")}


# What passes


@pytest.mark.parametrize(
    ("script", "steps"),
    [
        (accepting(), [CONNECT]),
        (accepting(), [CONNECT, {"barrier": "c"}]),
        (accepting(), [{**CONNECT, "as": "worker"}, {"send": "c", "message": "Subscribe"}, {"barrier": "c"}]),
        (accepting(), [{"crowd": "c", "count": 3}, {"barrier": "c.2"}]),
        (accepting(), [{"repeat": 2, "steps": [CONNECT, {"close": "c"}]}]),
        (accepting(STATUS), [CONNECT, {"expect": "c", "message": "Status", "where": {"state": "ready"}}]),
        (accepting(STATUS, NO_TASK), [CONNECT, {"expect_all": "c", "messages": [{"message": "Error"}, {"message": "Status"}]}]),
        (accepting(STATUS), [CONNECT, {"expect_any": "c", "messages": [{"message": "Error"}, {"message": "Status"}]}]),
        (accepting(error("UNKNOWN_TASK")), [CONNECT, {"expect_error": "c", "code": "UNKNOWN_TASK"}]),
        (ending(error("UNEXPECTED_MESSAGE")), [CONNECT, {"expect_error": "c", "code": "UNEXPECTED_MESSAGE"}]),
        (ending(STATUS, error("UNEXPECTED_MESSAGE")), [CONNECT, {"expect_refused": "c", "code": "UNEXPECTED_MESSAGE"}]),
        (ending(), [CONNECT, {"expect_refused": "c", "code": "UNEXPECTED_MESSAGE", "left": True}]),
        (ending(), [CONNECT, {"expect_close": "c"}]),
        (ending(STATUS), [CONNECT, {"expect_close": "c", "allow": ["Status"]}]),
        (accepting(("Hello", {"kind": "ping", "nonce": 9})), [CONNECT, {"expect_ping": "c"}]),
        (accepting(), [CONNECT, {"half_close": "c"}, {"expect_close": "c"}]),
        (accepting(), [CONNECT, {"reset": "c"}]),
    ],
)  # fmt: skip
def test_a_peer_that_does_what_it_must_passes(script: Script, steps: list[Step]) -> None:
    result = play(script, *steps)
    assert (result.verdict, result.detail, result.log) == ("pass", "", ())


# What does not


@pytest.mark.parametrize(
    ("script", "steps", "verdict", "said"),
    [
        # It is not there, or does not speak
        (None, [CONNECT], "fail", "the scheduler does not take a connection at "),
        (silent, [{**CONNECT, "within": VAIN}], "timeout", "c: nothing came while Hello {'kind': 'accept'} was expected"),
        # Another message, or the end
        (ending(), [CONNECT, {"expect": "c", "message": "Status"}], "fail", "c: the connection ended while Status"),
        (ending(), [CONNECT, {"expect_all": "c", "messages": [{"message": "Status"}]}], "fail", "the connection ended while Status"),
        (ending(), [CONNECT, {"expect_any": "c", "messages": [{"message": "Status"}]}], "fail", "the connection ended while Status"),
        (ending(), [CONNECT, {"expect_ping": "c"}], "fail", "c: the connection ended without a ping"),
        (ending(), [CONNECT, {"barrier": "c"}], "fail", "c: the connection ended before the pong to "),
        (ending(), [CONNECT, {"expect_refused": "c", "code": "BAD_SEQUENCE"}], "fail", "the connection ended without BAD_SEQUENCE"),
        (accepting(NO_TASK), [CONNECT, {"expect": "c", "message": "Status"}], "fail", "c: Error {'code': 402"),
        (accepting(STATUS), [CONNECT, {"expect": "c", "message": "Status", "where": {"state": "dead"}}], "fail", "came while Status {'state': 'dead'}"),
        (accepting(STATUS, STATUS), [CONNECT, {"expect": "c", "message": "Status"}, {"expect": "c", "message": "Error"}], "fail", "c: Status"),
        (accepting(STATUS), [CONNECT, {"expect_all": "c", "messages": [{"message": "Error"}]}], "fail", "c: Status"),
        (accepting(STATUS), [CONNECT, {"expect_any": "c", "messages": [{"message": "Error"}]}], "fail", "c: Status"),
        (accepting(STATUS), [CONNECT, {"expect_close": "c"}], "fail", "came instead of the end of the connection"),
        # Something more than was expected
        (accepting(STATUS), [CONNECT], "fail", "c: Status"),
        (accepting(STATUS), [CONNECT, {"barrier": "c"}], "fail", "was not expected"),
        (accepting(STATUS), [CONNECT, {"barrier": "c", "allow": ["Error"]}], "fail", "was not expected"),
        (accepting(STATUS, STATUS), [CONNECT, {"expect": "c", "message": "Status"}], "fail", "was not expected"),
        (ending(error("UNEXPECTED_MESSAGE"), STATUS), [CONNECT, {"expect_refused": "c", "code": "UNEXPECTED_MESSAGE"}], "fail", "came instead of the end"),
        (accepting(REFUSAL), [CONNECT, {"barrier": "c", "allow": ["Error"]}], "fail", "Error"),
        # Another error than the one
        (accepting(NO_TASK), [CONNECT, {"expect_error": "c", "code": "TASK_TOO_LARGE"}], "wrong_error", "'code': 402"),
        (accepting(NO_TASK), [CONNECT, {"expect_error": "c", "code": "UNKNOWN_TASK", "where": {"seq": 7}}], "wrong_error", "'seq': 0"),
        (ending(error("BAD_SEQUENCE")), [CONNECT, {"expect_refused": "c", "code": "UNEXPECTED_MESSAGE"}], "wrong_error", "instead of UNEXPECTED_MESSAGE"),
        # Nothing at all
        (accepting(), [CONNECT, {"expect": "c", "message": "Status", "within": VAIN}], "timeout", "c: nothing came while Status"),
        (accepting(), [CONNECT, {"expect_all": "c", "messages": [{"message": "Status"}, {"message": "Error"}], "within": VAIN}], "timeout", "Status and Error"),
        (accepting(), [CONNECT, {"expect_any": "c", "messages": [{"message": "Status"}, {"message": "Error"}], "within": VAIN}], "timeout", "Status or Error"),
        (accepting(), [CONNECT, {"expect_ping": "c", "within": VAIN}], "timeout", "c: no ping came"),
        (accepting(), [CONNECT, {"expect_close": "c", "within": VAIN}], "timeout", "the end of the connection was expected"),
        (accepting(error("UNEXPECTED_MESSAGE")), [CONNECT, {"expect_refused": "c", "code": "UNEXPECTED_MESSAGE", "within": VAIN}], "timeout", "c: nothing came while"),
        (accepting(error("UNEXPECTED_MESSAGE")), [CONNECT, {"expect_error": "c", "code": "UNEXPECTED_MESSAGE", "within": VAIN}], "timeout", "c: nothing came while"),
        (accepting(), [CONNECT, {"expect_grease": "c"}], "fail", "c: no grease command came"),
        # What no peer may send, whatever the scenario says
        (accepting(("Submit", {})), [CONNECT, {"expect": "c", "message": "Submit"}], "fail", "Submit may not be sent"),
        (accepting(("Accepted", {"seq": 1})), [CONNECT], "fail", "it accepts 1, and 0 was sent"),
        (accepting(("Result", {"seq": 2})), [CONNECT, {"expect": "c", "message": "Result"}], "fail", "c: seq 2 came after 0"),
        (accepting(("Error", {"code": 402, "scope": "connection"})), [CONNECT, {"expect": "c", "message": "Error"}], "fail", "the Error 402 came with"),
        (accepting(("Hello", {"kind": "accept", "nonce": 7})), [CONNECT, {"barrier": "c"}], "fail", "Hello.accept may not be sent"),
    ],
)  # fmt: skip
def test_a_peer_that_is_wrong_is_told_how(script: Script | None, steps: list[Step], verdict: str, said: str) -> None:
    result = play(script, *steps)
    assert said in result.detail
    assert result.verdict == verdict


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"HTTP/1.1 400\r\n\r\n", "is the limit"),
        (bytes.fromhex("03000000"), "the stream ended in the middle of a frame"),
        (bytes.fromhex("0300000001ff"), "not legal: BAD_ENUM at kind"),
        (bytes.fromhex("0300000000"), "not legal: TRUNCATED at kind"),
        (bytes.fromhex("c300000000"), "it sent the unknown command 0xc3"),
    ],
)
def test_octets_that_are_no_message_are_told_so(octets: bytes, said: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.hear()
        peer.writer.write(octets)

    result = play(script, CONNECT)
    assert said in result.detail
    assert result.verdict == "fail"


def test_the_log_has_what_went_over_the_wire() -> None:
    log = play(accepting(STATUS), CONNECT, {"barrier": "c"}).log
    assert [line.split()[1:4] for line in log[:3]] == [["c", ">", "Hello"], ["c", "<", "Hello"], ["c", "<", "Status"]]


def test_a_pong_alone_does_not_show_that_nothing_more_comes() -> None:
    """It does not wait for what must be durable: the Accepted of all that was sent does."""

    async def script(peer: Peer) -> None:
        await peer.greet()
        await peer.hear()
        _, ping = await peer.hear()
        peer.say("Hello", kind="pong", nonce=ping["nonce"])
        await peer.serve()

    result = play(script, CONNECT, {"send": "c", "message": "Query"}, {"barrier": "c", "within": VAIN})
    assert result.verdict == "timeout"


# Octets


async def http(peer: Peer) -> None:
    """Answers as a web server does, and waits for more."""
    await peer.reader.readuntil(b"\r\n\r\n")
    peer.writer.write(b"HTTP/1.1 400 no\r\n")
    await peer.reader.read()


RAW: list[Step] = [{**CONNECT, "raw": True}, {"send_raw": "c", "octets": "GET / HTTP/1.1\r\n\r\n", "sizes": [1, 3]}]


def test_octets_are_expected_from_who_goes_on_as_well() -> None:
    assert play(http, *RAW, {"expect_octets": "c", "begin": "HTTP/1.1 400"}).verdict == "pass"


def test_other_octets_are_told_so() -> None:
    result = play(http, *RAW, {"expect_octets": "c", "begin": "HTTP/1.1 200"})
    assert result.detail.startswith("c: b'HTTP/1.1 400")
    assert result.verdict == "fail"


def test_octets_that_do_not_come_are_late() -> None:
    result = play(http, *RAW, {"expect_octets": "c", "begin": "HTTP/1.1 400 no\r\nand more", "within": VAIN})
    assert result.detail.endswith("octets came, and 25 were expected")
    assert result.verdict == "timeout"


def test_octets_that_end_too_soon_are_told_so() -> None:
    async def script(peer: Peer) -> None:
        peer.writer.write(b"HT")

    result = play(script, RAW[0], {"expect_octets": "c", "begin": "HTTP"})
    assert (result.verdict, result.detail) == ("fail", "c: b'HT' came instead of b'HTTP'")


@pytest.mark.parametrize(
    ("sizes", "made"),
    [
        (None, [b"abcdef"]),
        ([], [b"abcdef"]),
        ([2], [b"ab", b"cd", b"ef"]),
        ([1, 4], [b"a", b"bcde", b"f"]),
        ([9], [b"abcdef"]),
    ],
)
def test_octets_leave_in_pieces_of_these_sizes(sizes: list[int] | None, made: list[bytes]) -> None:
    assert pieces(b"abcdef", sizes) == made


# The scenario itself


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"dance": "c"}], "there is no verb dance"),
        ([{"barrier": "c"}], "there is no connection c"),
        ([{"send": "c", "message": "Query"}], "there is no connection c"),
        ([CONNECT, {"send": "c", "message": "Query", "value": {"task_id": "$nobody"}}], "nothing is bound to $nobody"),
        ([CONNECT, {"send": "c", "message": "Query", "value": {"seq": -1}}], "Query cannot be written as octets"),
        ([CONNECT, {"send": "c", "message": "Query", "bind": {"a": "b"}}], "there is no b in "),
        ([CONNECT, {"send": "c", "message": "Nothing"}], "please report it: KeyError('Nothing')"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_nobodys_fault_but_ours(steps: list[Step], said: str) -> None:
    result = play(accepting(), *steps)
    assert said in result.detail
    assert result.verdict == "harness_error"


def test_what_is_bound_is_filled_in() -> None:
    async def script(peer: Peer) -> None:
        await peer.greet()
        _, query = await peer.hear()
        peer.say("Accepted", seq=1)
        peer.say("Status", query=1, state="ready", task_id=query["task_id"])
        await peer.serve()

    status = {"expect": "c", "message": "Status", "where": {"task_id": "$wanted"}}
    steps: list[Step] = [CONNECT, {"new": "a"}, {"new": "b"}]
    asked = {"send": "c", "message": "Query", "value": {"task_id": "$a"}}
    assert play(script, *steps, asked, {"bind": {"wanted": "$a"}}, status).verdict == "pass"
    assert play(script, *steps, asked, {"bind": {"wanted": "$b"}}, status).verdict == "fail"


# The adapter


@pytest.mark.parametrize(
    ("answer", "verdict", "said"),
    [
        ({"ok": {"a": 1}}, "pass", ""),
        ({"ok": {"a": 1, "b": 2}}, "pass", ""),
        ({"ok": {"a": 2}}, "fail", "query was answered with {'a': 2}, not with {'a': 1}"),
        ({"ok": {}}, "fail", "query was answered with {}, not with {'a': 1}"),
        ({"skipped": "not yet"}, "not_applicable", "not yet"),
        ({"crashed": "segmentation fault"}, "fail", "query crashed: segmentation fault"),
        ({}, "contract", "the answer to query is ok (an object) or skipped, not {}"),
        ({"ok": True}, "contract", "the answer to query is ok (an object) or skipped"),
        ({"ok": []}, "contract", "the answer to query is ok (an object) or skipped"),
        ({"error": "NO"}, "contract", "the answer to query is ok (an object) or skipped"),
        (ContractError("its answer is no JSON"), "contract", "its answer is no JSON"),
        (Hung("no answer"), "timeout", "no answer"),
        (Died("it ended"), "crash", "it ended"),
        (ZeroDivisionError("ours"), "harness_error", "please report it: ZeroDivisionError('ours')"),
    ],
)
def test_an_answer_of_the_adapter_has_its_verdict(answer: Any, verdict: str, said: str) -> None:
    result = play(silent, {"ask": "query", "answer": {"a": 1}}, adapter=Adapter(query=answer))
    assert said in result.detail
    assert result.verdict == verdict


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": {}},
        {"ok": {"listening": "here"}},
        {"ok": {"listening": ":53211"}},
        {"ok": {"listening": "127.0.0.1:x"}},
        {"ok": {"listening": "127.0.0.1:0"}},
        {"ok": {"listening": "127.0.0.1:65536"}},
        {"ok": {"listening": "127.0.0.1:\u0663"}},
    ],
)
def test_a_scheduler_that_starts_again_says_where(answer: Any) -> None:
    result = play(silent, {"restart": "kill"}, adapter=Adapter(restart=answer))
    assert result.verdict == "contract"
    assert 'ok of restart is {"listening": "HOST:PORT"}' in result.detail


@pytest.mark.parametrize(("scale", "patience", "seconds"), [(1.0, 1.0, 10.0), (3.0, 1.0, 10.0), (3.0, 4.0, 40.0)])
def test_the_adapter_gets_the_patience_and_scales_it_itself(scale: float, patience: float, seconds: float) -> None:
    adapter = Adapter(query={"ok": {}})
    adapter.scale = scale
    play(silent, {"ask": "query", "with": {"what": 7}}, adapter=adapter, scale=scale * patience)
    assert adapter.asked == [("query", {"seconds": seconds, "what": 7})]


# A worker or a client: the implementation connects


def visited(script: Script, *steps: Step, role: str = "client") -> Result:
    """Plays steps against an implementation that connects as soon as it is asked to open."""

    async def played() -> Result:
        loop = asyncio.get_running_loop()
        ends: list[Any] = []

        async def connected(address: str) -> None:
            host, _, port = address.rpartition(":")
            await acted(script, *await asyncio.open_connection(host, int(port)))

        def come(connect: str) -> dict[str, Any]:
            ends.append(asyncio.run_coroutine_threadsafe(connected(connect), loop))
            return {"ok": {}}

        adapter: Any = Adapter(open=come)
        begun: list[Step] = [{"listen": "all"}, {"ask": "open", "with": {"connect": "$address"}}]
        stage = Stage(scenario(*begun, *steps, role=role), WIRE, adapter, TEMPLATES, 1.0)
        result = await behaviour._played(stage)
        for end in ends:
            end.cancel()
        await asyncio.gather(*map(asyncio.wrap_future, ends), return_exceptions=True)
        return result

    return asyncio.run(played())


def opening(message: str = "Hello", **value: Any) -> Script:
    """Opens, hears what comes of it, and serves."""

    async def script(peer: Peer) -> None:
        peer.say(message, **{"kind": "open", **value})
        await peer.hear()
        await peer.serve()

    return script


def test_a_client_that_opens_is_accepted() -> None:
    assert visited(opening(), {"accept": "c", "where": {"role": "client"}}, {"barrier": "c"}).verdict == "pass"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (opening(role="worker"), "came while Hello {'kind': 'open', 'role': 'client'} was expected"),
        (opening(kind="ping"), "Hello.ping may not be sent while it is greeting"),
        (opening(kind="accept", nonce=7), "Hello.accept may not be sent while it is greeting"),
    ],
)
def test_a_client_that_opens_with_something_else_is_told_so(script: Script, said: str) -> None:
    result = visited(script, {"accept": "c", "where": {"role": "client"}})
    assert said in result.detail
    assert result.verdict == "fail"


def test_who_does_not_come_is_late() -> None:
    steps: list[Step] = [{"accept": "c"}, {"accept": "d", "within": VAIN}]
    result = visited(opening(), *steps)
    assert (result.verdict, result.detail) == ("timeout", "the client does not connect")


def test_who_comes_back_too_soon_is_told_so() -> None:
    result = visited(opening(), {"accept": "c", "not_before": 60_000})
    assert result.verdict == "fail"
    assert result.detail.endswith("and not after 60000")


# All of them


class Troupe(behaviour.Troupe):
    """One adapter for all."""

    def __init__(self, adapter: Any, *lacks: str) -> None:
        super().__init__(["x"], "worker", WIRE.spec, 1.0)
        self.lacks = frozenset(lacks)
        self.adapter = adapter

    def testee(self) -> Any:
        if isinstance(self.adapter, Exception):
            raise self.adapter
        return self.adapter


def answering(*answers: Any) -> Callable[[], Any]:
    left: Iterator[Any] = iter(answers)
    return lambda: next(left)


ASK: Step = {"ask": "query"}
OK: dict[str, Any] = {"ok": {}}


def verdicts(troupe: Troupe, *scenarios: Scenario, **more: Any) -> list[tuple[str, str]]:
    return [(result.id, result.verdict) for result in behaviour.run(troupe, scenarios, **more)]


def numbered(count: int) -> list[Scenario]:
    return [scenario(ASK, role="worker", id=f"b-{number}") for number in range(count)]


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ((OK,), "pass"),
        ((Hung("late"), OK), "flaky"),
        ((Hung("late"), Hung("late")), "timeout"),
        ((Hung("late"), {"ok": 1}), "contract"),
        ((Died("dead"),), "crash"),
    ],
)
def test_what_was_late_is_played_once_more_and_nothing_else_is(answers: tuple[Any, ...], verdict: str) -> None:
    adapter = Adapter(query=answering(*answers))
    assert verdicts(Troupe(adapter), *numbered(1)) == [("b-0", verdict)]
    assert [op for op, _ in adapter.asked].count("query") == len(answers)


def test_where_many_are_late_none_is_played_again() -> None:
    for late in (behaviour.MOST_AGAIN, behaviour.MOST_AGAIN + 1):
        adapter = Adapter(query=answering(OK, *[Hung("late")] * 2 * late))
        found = [verdict for _, verdict in verdicts(Troupe(adapter), *numbered(late + 1))]
        assert found == ["pass", *["timeout"] * late]
        again = late if late <= behaviour.MOST_AGAIN else 0
        assert [op for op, _ in adapter.asked].count("query") == 1 + late + again


def test_where_nothing_comes_in_time_the_others_are_not_played() -> None:
    """A worker that never connects would cost the time of every case."""
    adapter = Adapter(query=Hung("late"))
    found = [verdict for _, verdict in verdicts(Troupe(adapter), *numbered(50))]
    assert found.count("timeout") + found.count("not_applicable") == 50
    assert behaviour.HOPELESS <= found.count("timeout") < behaviour.HOPELESS + behaviour.ADAPTERS
    assert [op for op, _ in adapter.asked].count("query") == found.count("timeout")


def test_the_second_try_has_more_time() -> None:
    adapter = Adapter(query=answering(Hung("late"), OK))
    verdicts(Troupe(adapter), *numbered(1))
    assert [more["seconds"] for op, more in adapter.asked if op == "query"] == [10.0, 40.0]


def test_who_is_not_to_be_patient_plays_nothing_again() -> None:
    adapter = Adapter(query=answering(Hung("late")))
    assert verdicts(Troupe(adapter), *numbered(1), again=False) == [("b-0", "timeout")]


def test_what_an_implementation_lacks_is_not_applicable() -> None:
    both = scenario(ASK, role="worker", id="b-1", needs=("auth", "cancel", "tls"))
    results = behaviour.run(Troupe(Adapter(query=OK), "tls", "auth"), [both, *numbered(1)])
    assert [(one.id, one.verdict, one.detail) for one in results] == [
        ("b-1", "not_applicable", "it lacks auth, tls"),
        ("b-0", "pass", ""),
    ]


def test_every_result_is_said_as_soon_as_it_is_there() -> None:
    """What does not apply at once, and what is played again once more."""
    said: list[tuple[str, str]] = []
    lacking = scenario(ASK, role="worker", id="b-1", needs=("tls",))
    troupe = Troupe(Adapter(query=answering(Hung("late"), OK)), "tls")
    behaviour.run(troupe, [*numbered(1), lacking], lambda result: said.append((result.id, result.verdict)))
    assert said == [("b-1", "not_applicable"), ("b-0", "timeout"), ("b-0", "flaky")]


def test_a_troupe_that_is_abandoned_starts_no_adapter() -> None:
    """A thread may be about to: it would be one that nobody ends."""
    troupe = behaviour.Troupe(["sh", "-c", "exit 7"], "worker", WIRE.spec, 1.0)
    troupe.abandon()
    with pytest.raises(ContractError, match="it is over"):
        troupe.testee()


def test_no_more_is_begun_once_enough_have_failed() -> None:
    found = verdicts(Troupe(Adapter(query={"ok": 1})), *numbered(20), enough=2)
    assert [verdict for _, verdict in found] == ["contract"] * len(found)
    assert 2 <= len(found) <= 1 + behaviour.ADAPTERS


@pytest.mark.parametrize(
    ("error", "verdict"), [(ContractError("no"), "contract"), (Died("no"), "crash"), (Hung("no"), "timeout")]
)
def test_an_adapter_that_does_not_start_costs_its_scenario(error: Exception, verdict: str) -> None:
    assert verdicts(Troupe(error), *numbered(1)) == [("b-0", verdict)]


def test_an_adapter_that_cannot_end_is_stopped() -> None:
    adapter = Adapter(query=OK, end=ContractError("no"))
    assert verdicts(Troupe(adapter), *numbered(1)) == [("b-0", "pass")]
    assert [op for op, _ in adapter.asked] == ["query", "end", "fail"]


def test_an_adapter_that_has_no_end_is_started_anew_and_has_not_failed() -> None:
    adapter = Adapter(query=OK, end={"skipped": "not yet"})
    assert verdicts(Troupe(adapter), *numbered(1)) == [("b-0", "pass")]
    assert [op for op, _ in adapter.asked] == ["query", "end", "stop"]
