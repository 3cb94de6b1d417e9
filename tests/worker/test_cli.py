"""The worker as a process, with a scheduler on a loopback socket in the test."""

import asyncio
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
        (["--executor", "gpu"], "'gpu' is not one of 'thread', 'process', 'inline'"),
        (["--concurrency", "0"], "0 is not in the range"),
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
