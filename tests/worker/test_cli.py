"""The worker as a process, with a scheduler on a loopback socket in the test."""

import asyncio
import json
import signal
import sys

import pytest

from wiretask_protocol.codec import decode_report
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Goodbye, Outcome, Result, Return, ReturnReason, Subscribe

pytestmark = [pytest.mark.processes, pytest.mark.slow]

PATIENCE_SECONDS = 30

TASKS = """
import sys, time
from wiretask_worker import task

@task(queue="numbers")
def add(x: int, y: int) -> int:
    return x + y

@task
def forever():
    print("begun", file=sys.stderr, flush=True)
    while True:
        time.sleep(1)

@task
async def stubborn():
    import asyncio
    print("begun", file=sys.stderr, flush=True)
    while True:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            pass
"""


class Worker:
    """A worker process."""

    def __init__(self, process):
        self.process = process

    @classmethod
    async def start(cls, folder, *arguments, **environment):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "wiretask_worker", *map(str, arguments)),
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return cls(process)

    async def line(self, stream, words):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while line := await stream.readline():
                if words in line.decode():
                    return
        raise AssertionError(f"{words!r} was not said")

    async def ready(self):
        await self.line(self.process.stdout, "ready")

    async def begun(self):
        await self.line(self.process.stderr, "begun")

    async def end(self):
        """(exit code, what is left of its output and of its log)."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            out, err = await self.process.communicate()
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "my_tasks.py").write_text(TASKS)
    return tmp_path


@pytest.fixture
def scenario(fake_scheduler):
    def run(steps):
        async def main():
            async with fake_scheduler() as scheduler:
                await steps(scheduler, f"127.0.0.1:{scheduler.port}")

        asyncio.run(main())

    return run


@pytest.mark.parametrize("executor", ["thread", "inline", "process"])
def test_a_worker_finds_the_tasks_in_its_folder_and_drains_on_sigterm(folder, scenario, words, executor):
    async def steps(scheduler, address):
        worker = await Worker.start(folder, "--scheduler", address, "--tasks", "my_tasks", "--executor", executor)
        peer = await scheduler.peer()
        subscribe = await peer.get(Subscribe)
        assert [one.type for one in subscribe.types] == ["sha256", "add", "forever", "stubborn"]
        assert [one.queue for one in subscribe.queues] == ["default", "numbers"]
        await worker.ready()
        peer.send(words.assign(1, kind="sha256", body=b"Hello, World!"))
        body = decode_report((await peer.get(Result)).report).body
        assert body == b"dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f"
        peer.send(words.assign(2, kind="add"))
        result = await peer.get(Result)
        assert (result.outcome, result.no_retry) == (Outcome.FAILED, True)
        peer.accept(result.seq)
        worker.process.send_signal(signal.SIGTERM)
        await peer.get(Goodbye)
        code, out, _ = await worker.end()
        assert (code, out) == (0, "")

    scenario(steps)


@pytest.mark.parametrize("kind", ["forever", "stubborn"])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_a_worker_whose_handler_does_not(folder, scenario, words, kind, second):
    async def steps(scheduler, address):
        arguments = ("--scheduler", address, "--tasks", "my_tasks", "--concurrency", 1, "--prefetch", 1)
        worker = await Worker.start(folder, *arguments)
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        peer.send(words.assign(1, kind=kind), words.assign(2, kind="add"))
        await worker.begun()
        worker.process.send_signal(signal.SIGTERM)
        await peer.get(Goodbye)
        assert (await peer.get(Return)).reason == ReturnReason.DRAIN
        worker.process.send_signal(second)
        code, _, err = await worker.end()
        assert code == 130
        assert "stopped with 1 tasks unfinished" in err
        await peer.closed.wait()

    scenario(steps)


def test_a_worker_that_is_killed_takes_its_children_with_it(folder, scenario, words):
    async def steps(scheduler, address):
        arguments = ("--scheduler", address, "--tasks", "my_tasks", "--executor", "process", "--concurrency", 1)
        worker = await Worker.start(folder, *arguments)
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        peer.send(words.assign(1, kind="forever"))
        await worker.begun()
        worker.process.kill()
        # The child has inherited stderr: that it ends means that the child has ended as well.
        code, _, _ = await worker.end()
        assert code == -signal.SIGKILL

    scenario(steps)


def test_a_refusal_is_one_line_and_exit_code_3(folder, scenario):
    async def steps(scheduler, address):
        scheduler.answer = error_message(ErrorCode.AUTH_FAILED)
        worker = await Worker.start(folder, "--scheduler", address, "--log-level", "error")
        code, out, err = await worker.end()
        assert (code, out) == (3, "")
        assert err == (
            "wiretask-worker: the scheduler refuses this worker: AUTH_FAILED: "
            "the proof is wrong; check the key id and the token\n"
        )

    scenario(steps)


def test_options_come_from_a_file_and_the_environment_and_the_command_line_goes_first(folder, scenario):
    async def steps(scheduler, address):
        (folder / "worker.toml").write_text(
            f'[worker]\nscheduler = "{address}"\ntasks = ["my_tasks"]\nqueue = ["a=2", "b"]\nexecutor = "inline"\n'
        )
        worker = await Worker.start(
            folder, "--config", "worker.toml", "--executor", "thread", WIRETASK_WORKER_NAME="from the environment"
        )
        peer = await scheduler.peer()
        subscribe = await peer.get(Subscribe)
        assert [(one.queue, one.weight) for one in subscribe.queues] == [("a", 2), ("b", 1)]
        assert [one.cancel for one in subscribe.types] == [1, 1, 1, 1]
        assert peer.open.name == "from the environment"
        worker.process.send_signal(signal.SIGINT)
        assert (await worker.end())[0] == 0

    scenario(steps)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tasks", "absent"], "cannot import the task module 'absent': ModuleNotFoundError"),
        (["--tasks", "my_tasks.py"], "give the module's name, not its file: --tasks my_tasks"),
        (["--scheduler", "nowhere"], "'nowhere' is not an address; write HOST:PORT"),
        (["--executor", "gpu"], "--executor: 'gpu' is not one of thread, process, inline"),
        (["--concurrency", "0"], "--concurrency: 0 is out of range; write a number from 1 to 16384"),
        (["--queue", "a b"], "is not the name of a queue"),
        (["--config", "absent.toml"], "absent.toml cannot be read"),
        (["--colour"], "No such option"),
        (["extra"], "unexpected extra argument"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(folder, arguments, words):
    async def main():
        code, out, err = await (await Worker.start(folder, *arguments)).end()
        assert (code, out) == (2, "")
        assert err.startswith("wiretask-worker: ")
        assert words in err
        assert err.count("\n") == 1

    asyncio.run(main())


def test_two_tasks_of_one_name_are_refused_at_start(folder):
    (folder / "more_tasks.py").write_text("from wiretask_worker import task\n@task\ndef add(): ...\n")

    async def main():
        worker = await Worker.start(folder, "--tasks", "my_tasks", "--tasks", "more_tasks")
        code, _, err = await worker.end()
        assert code == 2
        assert "two tasks have the name 'add'" in err
        assert "my_tasks.py:5" in err
        assert "more_tasks.py:2" in err

    asyncio.run(main())


OLD = """
import os, sys
from wiretask_worker import Provided, task

def counter():
    print("made", file=sys.stderr, flush=True)
    yield []
    print("let go", file=sys.stderr, flush=True)

@task
def count(seen: list = Provided(counter)) -> tuple[int, int]:
    seen.append(1)
    return os.getpid(), len(seen)
"""


async def counts(peer, words, times):
    """Runs the task so often, one after the other; (process, how often it ran there) of each."""
    found = []
    for number in range(1, times + 1):
        peer.send(words.assign(number, kind="count"))
        result = await peer.get(Result)
        found.append(tuple(json.loads(decode_report(result.report).body)))
        peer.accept(result.seq)
    return found


def test_a_child_process_is_replaced_after_so_many_tasks_and_lets_go_of_what_it_has(folder, scenario, words):
    (folder / "old_tasks.py").write_text(OLD)

    async def steps(scheduler, address):
        arguments = ("--tasks", "old_tasks", "--executor", "process", "--concurrency", 1, "--max-tasks", 2)
        worker = await Worker.start(folder, "--scheduler", address, *arguments)
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        found = await counts(peer, words, 5)
        assert [count for _, count in found] == [1, 2, 1, 2, 1]
        assert len({process for process, _ in found}) == 3
        worker.process.terminate()
        code, _, err = await worker.end()
        assert (code, err.count("let go") >= 2) == (0, True)

    scenario(steps)


def test_a_child_process_that_has_grown_too_large_is_replaced(folder, scenario, words):
    (folder / "old_tasks.py").write_text(OLD)

    async def steps(scheduler, address):
        arguments = ("--tasks", "old_tasks", "--executor", "process", "--concurrency", 1, "--max-memory", "1MiB")
        worker = await Worker.start(folder, "--scheduler", address, *arguments)
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        assert [count for _, count in await counts(peer, words, 3)] == [1, 1, 1]
        worker.process.kill()
        await worker.end()

    scenario(steps)


@pytest.mark.parametrize("executor", ["thread", "inline"])
def test_a_worker_that_has_done_enough_drains_and_says_why(folder, scenario, words, executor):
    (folder / "old_tasks.py").write_text(OLD)

    async def steps(scheduler, address):
        arguments = ("--tasks", "old_tasks", "--executor", executor, "--max-tasks", 3)
        worker = await Worker.start(folder, "--scheduler", address, *arguments)
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        await counts(peer, words, 3)
        await peer.get(Goodbye)
        code, _, err = await worker.end()
        assert code == 0
        assert "3 tasks are done, as --max-tasks says" in err
        assert (err.count("made\n"), err.count("let go\n")) == (1, 1)

    scenario(steps)


def test_a_resource_that_cannot_be_made_ends_the_worker_with_one_line(folder):
    (folder / "bad_tasks.py").write_text(
        "from wiretask_worker import Provided, task\ndef db():\n    raise ConnectionError('nobody answers')\n"
        "@task\ndef count(db=Provided(db)): ...\n"
    )

    async def main():
        code, out, err = await (await Worker.start(folder, "--tasks", "bad_tasks")).end()
        assert (code, out) == (2, "")
        assert err == "wiretask-worker: the resource db could not be made: ConnectionError: nobody answers\n"

    asyncio.run(main())


def test_health_is_a_line_of_json_in_a_file(folder, scenario):
    async def steps(scheduler, address):
        path = folder / "health"
        worker = await Worker.start(folder, "--scheduler", address, "--health-file", path, "--name", "me")
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        await worker.ready()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not path.exists():  # noqa: ASYNC110 -- a file has no event
                await asyncio.sleep(0.05)
        line = json.loads(path.read_text())
        assert (line["state"], line["name"], line["running"], line["done"]) == ("serving", "me", 0, 0)
        worker.process.kill()
        await worker.end()

    scenario(steps)


def test_a_worker_starts_anew_when_its_tasks_change(folder, scenario):
    async def steps(scheduler, address):
        worker = await Worker.start(folder, "--scheduler", address, "--tasks", "my_tasks", "--reload")
        first = await scheduler.peer()
        assert "more" not in [one.type for one in (await first.get(Subscribe)).types]
        await worker.ready()
        (folder / "my_tasks.py").write_text(TASKS + "\n@task\ndef more(): ...\n")
        await first.get(Goodbye)
        second = await scheduler.peer()
        assert "more" in [one.type for one in (await second.get(Subscribe)).types]
        await worker.ready()
        worker.process.terminate()
        assert (await worker.end())[0] == 0

    scenario(steps)


@pytest.mark.parametrize(("option", "value"), [("--max-tasks", "0"), ("--max-memory", "some"), ("--max-memory", "0")])
def test_a_limit_that_is_none_is_refused(folder, option, value):
    async def main():
        code, _, err = await (await Worker.start(folder, option, value)).end()
        assert (code, err.count("\n")) == (2, 1)

    asyncio.run(main())


def test_settings_are_checked_and_printed_and_nothing_is_started(folder):
    (folder / "wiretask.toml").write_text("[worker]\nconcurrency = 3\n")

    async def said(*arguments):
        return await (await Worker.start(folder, "--config", "wiretask.toml", *arguments)).end()

    async def main():
        assert await said("--check-config", "--tasks", "absent") == (0, "ok\n", "")
        code, out, err = await said("--print-config", "--prefetch", "5")
        assert (code, err) == (0, "")
        assert "concurrency = 3  # wiretask.toml\n" in out
        assert "prefetch = 5  # --prefetch\n" in out
        code, out, err = await said("--check-config", "--prefetch", "-1")
        assert (code, out) == (2, "")
        assert err == "wiretask-worker: --prefetch: -1 is out of range; write a number from 0 to 16384\n"

    asyncio.run(main())


def test_sighup_reads_the_settings_again_and_what_is_wrong_changes_nothing(folder, scenario, words):
    file = folder / "wiretask.toml"
    file.write_text('[worker]\ntasks = ["my_tasks"]\n')

    async def steps(scheduler, address):
        worker = await Worker.start(folder, "--scheduler", address, WIRETASK_CONFIG="wiretask.toml")
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        await worker.ready()
        file.write_text("[worker\n")
        worker.process.send_signal(signal.SIGHUP)
        await worker.line(worker.process.stderr, "ERROR nothing is reloaded: wiretask.toml is not TOML: ")
        file.write_text('[worker]\nlog_format = "json"\nconcurrency = 9\n')
        worker.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = json.loads(await worker.process.stderr.readline())
        assert line["event"] == "reloaded: log_format; this takes a restart: tasks, concurrency"
        peer.send(words.assign(1, kind="add"))
        result = await peer.get(Result)
        peer.accept(result.seq)
        worker.process.send_signal(signal.SIGTERM)
        code, _, err = await worker.end()
        assert code == 0
        failed = next(line for line in map(json.loads, err.splitlines()) if "attempt" in line)
        assert (failed["level"], failed["type"], failed["attempt"]) == ("warning", "add", 1)
        assert failed["task"] in failed["event"]

    scenario(steps)


def test_a_worker_serves_its_metrics_where_it_says(folder, scenario):
    async def steps(scheduler, address):
        worker = await Worker.start(folder, "--scheduler", address, "--http", "127.0.0.1:0", "--log-format", "json")
        peer = await scheduler.peer()
        await peer.get(Subscribe)
        await worker.ready()
        async with asyncio.timeout(PATIENCE_SECONDS):
            event = json.loads(await worker.process.stderr.readline())["event"]
        port = int(event.removeprefix("metrics and health at http://127.0.0.1:"))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert b"\nwiretask_worker_serving 1.0\n" in await reader.read()
        writer.close()
        worker.process.send_signal(signal.SIGTERM)
        assert (await worker.end())[0] == 0
        code, out, err = await (await Worker.start(folder, "--http", "0.0.0.0:0")).end()
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "or say --insecure" in err

    scenario(steps)
