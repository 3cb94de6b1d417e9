import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from wiretask_client import (
    BadCall,
    Client,
    ClientClosed,
    NotFinished,
    TaskFailed,
    UnknownTask,
    Unreachable,
    blocking,
    call,
)
from wiretask_protocol.messages import Submit

NOBODY = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff37a8"


@pytest.fixture
def client(served):
    with blocking.Client(served.address) as client:
        yield client


def digest(body):
    return hashlib.sha256(body).hexdigest().encode()


def test_a_task_is_submitted_and_its_result_waited_for(client):
    handle = client.submit("sha256", b"Hello")
    assert handle.accepted() is handle
    assert handle.result() == digest(b"Hello")
    assert handle.status().state == "succeeded"
    assert client.result(handle.id, timeout=5) == digest(b"Hello")
    assert client.status(handle.id).id == handle.id
    assert handle.id in repr(handle)


def test_the_asynchronous_client_names_it_too(served):
    with Client.blocking(served.address) as client:
        assert client.submit("add", 2, 3).result() == 5


def test_options_and_ids_go_through(client, served):
    task_id = client.new_id("mail")
    assert client.submit("sha256", b"x", queue="mail", priority=9, task_id=task_id).accepted().id == task_id
    assert served.scheduler.of(Submit)[0].priority == 9


def test_errors_are_those_of_the_asynchronous_client(client):
    with pytest.raises(TaskFailed):
        client.submit("fail", b"").result()
    with pytest.raises(UnknownTask):
        client.result(NOBODY)
    with pytest.raises(BadCall):
        client.submit("a b", b"")
    with pytest.raises(NotFinished):
        client.submit("later", b"").result(timeout=0.01)


def test_a_task_is_cancelled(client):
    handle = client.submit("later", b"")
    handle.accepted()
    handle.cancel()
    client.cancel(handle.id, hard=True)
    assert handle.status().ended


@pytest.mark.parametrize("ordered", [True, False])
def test_results_are_mapped_with_a_bounded_window(client, ordered):
    results = client.map("echo", (b"%d" % number for number in range(3000)), ordered=ordered, in_flight=50)
    assert sorted(results, key=int) == [b"%d" % number for number in range(3000)]


def test_the_iterables_of_a_map_are_read_in_the_callers_thread(client):
    threads = set()

    def reading():
        for number in range(5):
            threads.add(threading.current_thread())
            yield number

    assert list(client.map("add", reading(), reading())) == [0, 2, 4, 6, 8]
    assert threads == {threading.current_thread()}


def test_a_failure_in_a_map_is_raised_or_yielded(client):
    with pytest.raises(TaskFailed):
        list(client.map("fail_odd", [b"0", b"1"]))
    assert [type(each) for each in client.map("fail_odd", [b"0", b"1"], return_exceptions=True)] == [bytes, TaskFailed]


def test_stopping_a_map_early_leaves_the_client_usable(client):
    for _ in client.map("echo", (b"%d" % number for number in range(3000)), in_flight=10):
        break
    assert client.ping() > 0


def test_many_are_submitted(client):
    handles = client.submit_many("add", range(3), range(3))
    assert [handle.result() for handle in handles] == [0, 2, 4]


def test_several_threads_share_a_client(client):
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda number: client.submit("add", number, 1).result(), range(40))) == [
            number + 1 for number in range(40)
        ]


def test_a_client_outside_its_with_says_how(served):
    client = blocking.Client(served.address)
    with pytest.raises(ClientClosed, match="with Client"):
        client.ping()
    client.close()
    with client:
        assert client.ping() > 0
    with pytest.raises(ClientClosed):
        client.ping()


def test_nobody_there_is_unreachable_and_leaves_no_thread():
    with pytest.raises(Unreachable), blocking.Client("127.0.0.1:1", timeout=0.01):
        raise AssertionError
    assert not [thread for thread in threading.enumerate() if thread.name == "wiretask-client"]


def test_leaving_after_an_error_does_not_wait(served):
    with pytest.raises(KeyError), blocking.Client(served.address):
        raise KeyError
    assert not [thread for thread in threading.enumerate() if thread.name == "wiretask-client"]


def test_a_platform_without_uvloop_has_a_loop_all_the_same(monkeypatch, served):
    monkeypatch.setitem(__import__("sys").modules, "uvloop", None)
    with blocking.Client(served.address) as client:
        assert client.submit("add", 1, 1).result() == 2


def test_a_chain_has_its_members(client):
    last = client.chain(call("sha256", b"x"), call("nobody"))
    (first,) = last.members
    assert first.accepted().id != last.id
    assert not first.existed


def test_a_group_and_a_schedule_are_submitted(client):
    callback = client.group((call("nobody", number) for number in range(3)), callback=call("nobody"))
    assert len(callback.accepted().members) == 3
    client.schedule("job", "nobody", every=60)
    client.unschedule("job")
