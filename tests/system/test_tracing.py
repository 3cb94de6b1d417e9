"""One trace from the code that submits to the code that runs, through real processes."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.processes, pytest.mark.slow]

#: What a program does to trace at all; each process writes its spans into a file.
SET_UP = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

def set_up(path):
    out = open(path, "a", buffering=1)
    exporter = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\\n")
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return trace.get_tracer("test")
"""

TASKS = """
from wiretask_worker import NoRetry, task
from set_up import set_up
tracer = set_up("{folder}/worker.spans")

@task
def add(x: int, y: int) -> int:
    with tracer.start_as_current_span("inside"):
        return x + y

@task
async def fail():
    with tracer.start_as_current_span("inside"):
        raise NoRetry("not today")
"""

CLIENT = """
import asyncio, sys
from set_up import set_up
from wiretask_client import Client, TaskFailed, blocking, call

tracer = set_up("client.spans")
address = sys.argv[1]

async def main():
    async with Client(address) as client:
        with tracer.start_as_current_span("outside"):
            print(await client.submit("add", 1, 2))
            print(sum([total async for total in client.map("add", [1, 2], [3, 4])]))
            print(await client.chain(call("add", 1, 2), call("add", 3)))
            try:
                await client.submit("fail")
            except TaskFailed:
                print("failed")

asyncio.run(main())
with blocking.Client(address) as client, tracer.start_as_current_span("outside"):
    print(client.submit("add", 5, 6).result())
"""


def spans(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("executor", ["thread", "process", "inline"])
def test_a_handler_is_a_child_of_the_submission_in_one_trace(system, executor):
    folder = system.folder
    (folder / "set_up.py").write_text(SET_UP)
    system.worker(*system.tasks(TASKS.format(folder=folder)), "--executor", executor)
    (folder / "submits.py").write_text(CLIENT)
    done = subprocess.run(
        [sys.executable, "submits.py", system.address],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (["3", "10", "6", "failed", "11"], "")
    sent, run = spans(folder / "client.spans"), spans(folder / "worker.spans")
    names = {span["context"]["span_id"]: span["name"] for span in (*sent, *run)}
    processed = [span for span in run if span["name"].startswith("process ")]
    assert sorted((span["name"], names[span["parent_id"]]) for span in processed) == sorted(
        [
            ("process add", "submit add"),
            ("process add", "submit add"),
            ("process add", "submit add"),
            ("process add", "submit chain"),
            ("process add", "submit chain"),
            ("process add", "submit add"),
            ("process fail", "submit fail"),
        ]
    )
    assert {names[span["parent_id"]] for span in sent if span["name"] != "outside"} == {"outside"}
    assert {names[span["parent_id"]] for span in run if span["name"] == "inside"} == {"process add", "process fail"}
    outside = {span["context"]["trace_id"] for span in sent if span["name"] == "outside"}
    assert {span["context"]["trace_id"] for span in (*sent, *run)} == outside
    assert len(outside) == 2
    (failed,) = [span for span in processed if span["name"] == "process fail"]
    assert failed["status"] == {"status_code": "ERROR", "description": "wiretask_worker.errors.NoRetry: not today"}
    assert [event["name"] for event in failed["events"]] == ["exception"]
    assert {span["kind"] for span in processed} == {"SpanKind.CONSUMER"}


def test_a_worker_and_a_client_that_nobody_traces_import_nothing_of_it(tmp_path):
    program = (
        "import sys, wiretask_client.cli, wiretask_client.blocking, wiretask_worker.runtime, wiretask_worker.executors.child;"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=os.environ, check=False).returncode == 0
