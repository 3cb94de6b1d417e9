import asyncio
import gc
import hashlib

import pytest

from wiretask_client import (
    BadCall,
    Client,
    ClientClosed,
    NotFinished,
    Refused,
    TaskCancelled,
    TaskFailed,
    UnknownTask,
    Unreachable,
)
from wiretask_client import driver as driver_module
from wiretask_client import link as link_module
from wiretask_protocol.codec import encode
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Accepted, Await, Goodbye, Hello, HelloKind, Progress, Submit, SubmitFlags

NOBODY = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff37a8"


@pytest.fixture(autouse=True)
def quick_backoff(monkeypatch):
    """Reconnects come at once: what they wait for is the core's, and tested there."""
    monkeypatch.setattr("wiretask_client.core.backoff.FIRST_SECONDS", 0.0)
    monkeypatch.setattr("wiretask_client.core.backoff.LONGEST_SECONDS", 0.0)


def run(main, seconds=10):
    async def bounded():
        async with asyncio.timeout(seconds):
            await main()

    asyncio.run(bounded())


def digest(body):
    return hashlib.sha256(body).hexdigest().encode()


async def until(condition):
    while not condition():  # noqa: ASYNC110 -- bytes on a socket have no event
        await asyncio.sleep(0)


def test_a_task_is_submitted_and_its_result_awaited(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            assert await client.submit("sha256", b"Hello") == digest(b"Hello")
            assert await client.submit("add", 2, 3) == 5
            assert await client.submit("echo", a=[1], b=None) == {"a": [1], "b": None}
        assert [message.reason for message in scheduler.of(Goodbye)] == [3]

    run(main)


def test_a_function_is_submitted_by_its_name(scheduler):
    def add(a, b):
        raise AssertionError

    async def main():
        async with scheduler, Client(scheduler.address) as client:
            assert await client.submit(add, 2, 3) == 5
        (submit,) = scheduler.of(Submit)
        assert SubmitFlags.REPEAT not in SubmitFlags(submit.flags)

    run(main)


def test_keyword_arguments_named_like_options_go_into_kwargs(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            assert await client.submit("echo", kwargs={"queue": 1}, b=2) == {"queue": 1, "b": 2}

    run(main)


def test_options_reach_the_scheduler(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            await client.submit("echo", b"", queue="mail", priority=9, delay=1.5, max_attempts=3, note="why")
        (submit,) = scheduler.of(Submit)
        assert (submit.priority, submit.delay, submit.max_attempts, submit.note) == (9, 1500, 3, "why")
        assert scheduler.routes[submit.task_id] == ("echo", "mail")

    run(main)


def test_an_option_does_not_stick_to_the_next_submission(scheduler):
    async def main():
        headers = {"a": "1"}
        async with scheduler, Client(scheduler.address) as client:
            await client.submit("echo", b"", priority=9, headers=headers)
            headers["a"] = "2"
            await client.submit("echo", b"", priority=9, headers=headers)
            await client.submit("echo", b"")
        first, second, third = scheduler.of(Submit)
        assert first.envelope != second.envelope != third.envelope
        assert (second.priority, third.priority) == (9, 5)

    run(main)


def test_a_handle_tells_of_the_acceptance_and_of_the_result(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            handle = client.submit("sha256", b"x")
            assert handle.id in repr(handle)
            assert await handle.accepted() is handle
            assert await handle.accepted() is handle
            assert await handle.result() == await handle.result() == await handle == digest(b"x")
            report = await handle.report()
            assert report.body == digest(b"x")
            assert (await handle.status()).state == "succeeded"

    run(main)


def test_a_result_that_was_not_wanted_can_still_be_had(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            handle = client.submit("sha256", b"x", want_result=False)
            await handle.accepted()
            assert scheduler.of(Submit)[0].flags == 0
            assert await handle.result() == digest(b"x")
            assert (await handle.report()).body == digest(b"x")

    run(main)


def test_a_failure_reaches_who_waits(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            handle = client.submit("fail", b"x")
            for _ in range(2):
                with pytest.raises(TaskFailed, match=r"ValueError: it is wrong") as caught:
                    await handle
            assert caught.value.traceback == "Traceback: here"

    run(main)


def test_a_wait_that_is_over_leaves_the_task_going(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            handle = client.submit("later", b"x")
            with pytest.raises(NotFinished, match="not finished yet"):
                await handle.result(timeout=0)
            with pytest.raises(NotFinished, match=r"after 0\.001 s"):
                await client.result(handle.id, timeout=0.001)
            await handle.accepted()
            (task_id,) = scheduler.routes
            waiting = asyncio.ensure_future(handle.result(timeout=5))
            await asyncio.sleep(0)
            scheduler.finish(task_id, (1, b"\0\0\0\0\0\4done"))
            for peer in scheduler.peers:
                peer.flush()
            assert await waiting == b"done"

    run(main)


def test_a_cancelled_wait_does_no_harm(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            handle = client.submit("later", b"x")
            for wait in (handle.result(), client.result(handle.id), client.status(handle.id)):
                waiting = asyncio.ensure_future(wait)
                await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            assert await client.submit("add", 1, 1) == 2

    run(main)


def test_a_task_of_somebody_else_is_awaited_asked_for_and_cancelled_by_its_id(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client, Client(scheduler.address) as other:
            done = await client.submit("sha256", b"x", want_result=False).accepted()
            assert await other.result(done.id) == digest(b"x")
            assert await other.result(bytes.fromhex(done.id.replace("-", ""))) == digest(b"x")
            waits = await client.submit("later", b"x").accepted()
            status = await other.status(waits.id)
            assert (status.state, status.reason, status.type) == ("ready", "unknown_type", "later")
            await other.cancel(waits.id)
            with pytest.raises(TaskCancelled):
                await other.result(waits.id)

    run(main)


def test_what_nobody_knows_is_refused(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            for wait in (client.result(NOBODY), client.status(NOBODY), client.cancel(NOBODY), client.report(NOBODY)):
                with pytest.raises(UnknownTask):
                    await wait

    run(main)


@pytest.mark.parametrize("bad", ["x", "", b"short", "0" * 33])
def test_what_is_no_id_is_refused_before_anything_is_sent(scheduler, bad):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            with pytest.raises(BadCall, match="is not a task id"):
                await client.result(bad)
            with pytest.raises(BadCall, match="is not a task id"):
                client.submit("echo", b"", task_id=bad)

    run(main)


def test_an_id_of_ones_own_makes_a_submission_repeatable(scheduler):
    async def main():
        task_id = Client.new_id("mail")
        for _ in range(2):
            async with Client(scheduler.address) as client:
                assert await client.submit("sha256", b"x", queue="mail", task_id=task_id) == digest(b"x")
        assert list(scheduler.runs.values()) == [1]
        # It may have been sent before, for all that this client knows; one that it has made an id for was not.
        assert all(SubmitFlags.REPEAT in SubmitFlags(submit.flags) for submit in scheduler.of(Submit))

    async def served():
        async with scheduler:
            await main()

    run(served)


def test_progress_is_told_while_the_task_runs(scheduler):
    async def main():
        steps: list[Progress] = []
        async with scheduler, Client(scheduler.address) as client:
            handle = client.submit("later", b"x", on_progress=steps.append)
            await handle.accepted()
            (submit,) = scheduler.of(Submit)
            assert submit.flags & SubmitFlags.WANT_PROGRESS
            (peer,) = scheduler.peers
            peer.send(Progress(submit.task_id, 0, 1, 2, b"half"))
            peer.flush()
            await until(lambda: steps)
            assert (steps[0].current, steps[0].body) == (1, b"half")

    run(main)


def test_a_ping_takes_its_time(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            assert 0 < await client.ping() < 5

    run(main)


def test_leaving_waits_until_everything_is_accepted(scheduler):
    async def main():
        async with scheduler:
            async with Client(scheduler.address) as client:
                for number in range(1000):
                    client.submit("later", number)
            assert len(scheduler.of(Submit)) == 1000

    run(main)


def test_leaving_raises_what_kept_a_task_from_being_accepted(scheduler):
    def refuse(peer, message):
        if isinstance(message, Submit):
            peer.refuse(message, ErrorCode.STORE_FULL)
        return False

    async def main():
        scheduler.on_message = refuse
        async with scheduler:
            with pytest.raises(Refused, match="STORE_FULL"):
                async with Client(scheduler.address) as client:
                    client.submit("later", 1)

    run(main)


def test_leaving_after_an_error_does_not_wait(scheduler):
    async def main():
        async with scheduler:
            scheduler.on_message = lambda peer, message: isinstance(message, Submit)
            with pytest.raises(KeyError):  # noqa: PT012
                async with Client(scheduler.address) as client:
                    handle = client.submit("later", 1)
                    raise KeyError
            with pytest.raises(ClientClosed):
                await handle.result()
            with pytest.raises(ClientClosed):
                await handle.accepted()

    run(main)


def test_a_closed_client_takes_nothing_more(scheduler):
    async def main():
        async with scheduler:
            async with Client(scheduler.address) as client:
                pass
            with pytest.raises(ClientClosed, match="make a new one"):
                client.submit("echo", b"")
            await client.close()

    run(main)


def test_a_client_that_is_not_connected_says_how():
    with pytest.raises(BadCall, match=r"async with Client"):
        Client("127.0.0.1:1").submit("echo", b"")


def test_nobody_there_is_unreachable_after_the_timeout():
    async def main():
        with pytest.raises(Unreachable, match="connection refused"):
            async with Client("127.0.0.1:1", timeout=0.01):
                raise AssertionError

    run(main)


def test_a_name_that_does_not_resolve_is_unreachable():
    async def main():
        with pytest.raises(Unreachable, match=r"no scheduler answers at nowhere\.invalid:1"):
            async with Client("nowhere.invalid:1", timeout=0.05):
                raise AssertionError

    run(main)


def test_every_address_of_a_host_is_tried(scheduler, monkeypatch):
    async def two(host, port):
        return [("127.0.0.1", 1), ("127.0.0.1", port)]

    async def main():
        monkeypatch.setattr(link_module, "_addresses", two)
        async with scheduler, Client(f"somewhere:{scheduler.port}") as client:
            assert await client.submit("add", 1, 1) == 2

    run(main)


def test_an_address_that_is_none_is_refused():
    async def main():
        with pytest.raises(BadCall, match="write HOST:PORT"):
            await Client("a:b").connect()

    run(main)


def test_a_scheduler_that_comes_up_late_is_reached(scheduler):
    async def main():
        async with scheduler:
            pass  # its port is known now, and nobody serves it
        connecting = asyncio.ensure_future(Client(scheduler.address).connect())
        await asyncio.sleep(0)
        async with scheduler:
            await connecting

    run(main)


@pytest.mark.parametrize("point", ["open", "submit", "submitted", "result"])
def test_a_connection_lost_at_any_moment_costs_nothing_and_runs_nothing_twice(scheduler, point):
    """The scheduler drops the client five times at this point, then lets it be."""
    drops = []

    def drop(peer):
        drops.append(point)
        peer.flush()
        peer.transport.abort()
        return True

    def on_message(peer, message):
        if len(drops) >= 5:
            return False
        match point, message:
            case "open", Hello(kind=HelloKind.OPEN):
                return drop(peer)
            case "submit", Submit():
                return drop(peer)
            case "submitted", Submit():
                peer.on_submit(message)
                peer.out.clear()
                return drop(peer)
            case "result", Submit() | Await():
                peer.out.append(encode(Accepted(message.seq)))
                peer.on_message(message)
                peer.out.pop()
                return drop(peer)
        return False

    async def main():
        scheduler.on_message = on_message
        async with scheduler, Client(scheduler.address) as client:
            handles = [client.submit("sha256", b"%d" % number) for number in range(20)]
            for number, handle in enumerate(handles):
                assert await handle == digest(b"%d" % number)
        assert len(drops) == 5
        assert set(scheduler.runs.values()) == {1}
        assert len(scheduler.runs) == 20

    run(main)


def test_a_submit_is_repeated_with_its_flag_and_its_id(scheduler):
    def drop_first(peer, message):
        if isinstance(message, Submit) and len(scheduler.of(Submit)) == 1:
            peer.transport.abort()
            return True
        return False

    async def main():
        scheduler.on_message = drop_first
        async with scheduler, Client(scheduler.address) as client:
            await client.submit("sha256", b"x")
        first, second = scheduler.of(Submit)
        assert first.task_id == second.task_id
        assert not first.flags & SubmitFlags.REPEAT
        assert second.flags & SubmitFlags.REPEAT

    run(main)


def test_a_scheduler_that_stays_away_makes_everything_unreachable(scheduler):
    async def main():
        async with scheduler:
            client = Client(scheduler.address, timeout=0.05)
            await client.connect()
            handle = client.submit("later", b"x")
            await handle.accepted()
        for wait in (handle.result(), client.status(handle.id), client.ping()):
            with pytest.raises(Unreachable):
                await wait
        await client.close()

    run(main)


def test_a_client_survives_the_scheduler_being_away(scheduler):
    async def main():
        async with scheduler:
            client = Client(scheduler.address)
            await client.connect()
            handle = client.submit("later", b"x")
            await handle.accepted()
        async with scheduler:
            scheduler.results[next(iter(scheduler.routes))] = (1, b"\0\0\0\0\0\4done")
            assert await handle == b"done"
            await client.close()

    run(main)


def test_garbage_from_the_scheduler_is_reported_with_its_address(scheduler):
    def answer(peer, message):
        peer.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        return True

    async def main():
        scheduler.on_message = answer
        async with scheduler:
            with pytest.raises(Refused, match="does not speak the Wiretask protocol"):
                await Client(scheduler.address).connect()

    run(main)


def test_a_refused_connection_is_reported_at_once(scheduler):
    def refuse(peer, message):
        peer.send(error_message(ErrorCode.TOO_MANY_CONNECTIONS, text="no"))
        peer.send(error_message(ErrorCode.ROLE_REFUSED, text="no clients here"))
        peer.flush()
        peer.transport.close()
        return True

    async def main():
        scheduler.on_message = refuse
        async with scheduler:
            with pytest.raises(Refused, match="no clients here"):
                await Client(scheduler.address).connect()

    run(main)


def test_a_large_submission_waits_for_the_socket_and_arrives_whole(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            bodies = [bytes([number]) * 1_000_000 for number in range(5)]
            handles = [client.submit("sha256", body) for body in bodies]
            for handle, body in zip(handles, bodies, strict=True):
                assert await handle == digest(body)

    run(main)


def test_a_connection_attempt_that_hangs_is_given_up(monkeypatch, scheduler):
    async def hang(*_args, **_kwargs):
        await asyncio.Event().wait()

    async def main():
        monkeypatch.setattr(driver_module, "_CONNECT_SECONDS", 0.001)
        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", hang)
        with pytest.raises(Unreachable, match="no answer"):
            await Client("127.0.0.1:1", timeout=0.02).connect()

    run(main)


def test_a_client_that_is_let_go_leaves_no_cycle_of_requests(scheduler):
    async def main():
        async with scheduler, Client(scheduler.address) as client:
            handle = client.submit("sha256", b"x")
            await handle
            assert handle._request.owner is None
        gc.collect()

    run(main)


def test_the_environment_names_the_scheduler(scheduler, monkeypatch):
    async def main():
        async with scheduler:
            monkeypatch.setenv("WIRETASK_SCHEDULER", scheduler.address)
            async with Client() as client:
                assert await client.submit("add", 1, 2) == 3

    run(main)
