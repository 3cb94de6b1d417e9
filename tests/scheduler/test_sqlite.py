"""The store that must survive: crashes, full and locked disks, files that are not its own."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress

import pytest

from wiretask_protocol.messages import TaskState
from wiretask_scheduler.core.tasks import Options
from wiretask_scheduler.core.turn import Changes, Ended, Inserted, Updated
from wiretask_scheduler.store import StoreBusyError, StoreError, StoreFullError, opening, room, rows
from wiretask_scheduler.store.ballast import BALLAST_BYTES
from wiretask_scheduler.store.sqlite import SqliteStore
from wiretask_scheduler.store.window import Search

OPTIONS = Options("add", "default", 5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tasks.db"


def opened(path, **arguments):
    store = SqliteStore(path, **arguments)
    store.claim("main")
    return store, store.load("main")


def insert(seq, envelope=b"envelope"):
    return Inserted(seq, seq.to_bytes(16, "big"), OPTIONS, int(TaskState.READY), 1000, None, None, None, envelope)


def end(seq, report=b"report", forget=10**15):
    return Ended(seq, int(TaskState.SUCCEEDED), 1, 1, report, None, 2000, forget)


# -- a restart --


def test_a_restart_finds_what_lives_and_what_must_not_go_back(path):
    store, _ = opened(path)
    first = Changes(inserted=[insert(1), insert(2), insert(3)], sessions=[(b"t" * 16, "worker"), (b"u" * 16, "gone")])
    first.lease_ceiling = 1 << 32
    store.commit(1, [first])
    lease = Updated(2, 4, 1, 2, 3, None, 77, b"t" * 16, ())
    store.commit(1, [Changes(updated=[lease], ended=[end(3)], sessions_over=[b"u" * 16])])
    store.close()
    store, loaded = opened(path)
    tasks = list(loaded.tasks)
    assert [(task.seq, task.options, task.size) for task in tasks] == [(1, OPTIONS, 8), (2, OPTIONS, 8)]
    two = tasks[1]
    assert (two.state, two.failures, two.crashes, two.losses, two.lease, two.session) == (4, 1, 2, 3, 77, b"t" * 16)
    assert [(session.token, session.name) for session in loaded.sessions] == [(b"t" * 16, "worker")]
    assert (loaded.lease_ceiling, loaded.last_seq) == (1 << 32, 3)
    store.close()


def test_a_seq_is_never_used_again_also_when_all_is_forgotten(path):
    store, _ = opened(path)
    store.commit(1, [Changes(inserted=[insert(41)])])
    store.commit(1, [Changes(ended=[end(41, forget=5)])])
    store.maintain(6)
    store.close()
    store, loaded = opened(path)
    assert (list(loaded.tasks), loaded.last_seq) == ([], 41)
    store.close()


def test_each_opening_has_an_epoch_of_its_own(path):
    epochs = []
    for _ in range(3):
        store = SqliteStore(path)
        epochs.append(store.claim("main"))
        store.close()
    assert epochs == [1, 2, 3]


WRITER = """
import sys
from pathlib import Path
from wiretask_scheduler.core.tasks import Options
from wiretask_scheduler.core.turn import Changes, Ended, Inserted
from wiretask_scheduler.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
store.claim("main")
seq = store.load("main").last_seq
while True:
    new = [Inserted(seq + i, (seq + i).to_bytes(16, "big"), Options("a", "q", 5), 3, 1, None, None, None, b"e" * 50)
           for i in range(1, 101)]
    old = [Ended(seq + i, 5, 1, 1, b"r", None, 2, 10**15) for i in range(1, 51)]
    store.commit(1, [Changes(inserted=new, ended=old)])
    seq += 100
    print(seq, flush=True)
"""


@pytest.mark.processes
@pytest.mark.slow
def test_what_was_committed_survives_kill_9(path):
    last = 0
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
            for _ in range(20):
                last = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            last = max([last, *(int(line) for line in writer.stdout.read().split("\n") if line.isdigit())])
        store, loaded = opened(path)
        # A commit may have been durable without having been told.
        assert loaded.last_seq - last in {0, 100}
        last = loaded.last_seq
        assert [task.seq % 100 or 100 for task in loaded.tasks] == [*range(51, 101)] * (last // 100)
        ids = [(seq).to_bytes(16, "big") for seq in range(1, last + 1)]
        assert len(store.tasks(ids)) == last // 2
        store.close()


# -- one at a time --


def test_a_second_scheduler_on_the_file_is_told_who_holds_it(path, tmp_path):
    store = SqliteStore(path)
    with pytest.raises(StoreError, match=rf"tasks\.db is in use by process {os.getpid()} on .+; stop that scheduler"):
        SqliteStore(path)
    other_name = tmp_path / "link.db"
    other_name.symlink_to(path)
    with pytest.raises(StoreError, match="is in use by"):
        SqliteStore(other_name)
    store.close()
    SqliteStore(path).close()


def test_a_file_that_another_program_has_locked_is_busy_and_the_same_commit_works_later(path):
    store, _ = opened(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    changes = Changes(inserted=[insert(1)])
    with pytest.raises(StoreBusyError, match="locked by another program"):
        store.commit(1, [changes])
    other.execute("ROLLBACK")
    store.commit(1, [changes])
    assert store.bodies([1]) == {1: b"envelope"}
    other.close()
    store.close()


# -- a full disk --


def test_on_a_full_disk_nothing_is_written_and_the_same_group_works_when_there_is_room(path):
    store, _ = opened(path)
    store.commit(1, [Changes(inserted=[insert(1)])])
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    group = [Changes(inserted=[insert(seq, b"x" * 5000) for seq in range(2, 40)], ended=[end(1)])]
    for _ in range(3):
        with pytest.raises(StoreFullError, match="no space is left"):
            store.commit(1, group)
    assert store.bodies([1, 2]) == {1: b"envelope"}
    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.commit(1, group)
    assert len(store.bodies(range(1, 40))) == 38
    assert len(store.tasks([(1).to_bytes(16, "big")])) == 1
    store.close()


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "none", folder], capture_output=True, check=False
    ).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(store, octets=5000):
    """Commits tasks until the disk is full; returns the last seq."""
    seq = 0
    with pytest.raises(StoreFullError):  # noqa: PT012 -- fills the disk
        while True:
            store.commit(1, [Changes(inserted=[insert(seq + i, b"x" * octets) for i in range(1, 101)])])
            seq += 100
    return seq


@pytest.mark.parametrize("octets", [200, 5000])
def test_on_a_disk_that_is_really_full_every_task_ends_be_it_one_by_one(small_disk, octets):
    """Each commit puts some pages into the log: what is kept for a full disk is what it takes to copy that back."""
    store, _ = opened(small_disk / "tasks.db")
    last = fill(store, octets)
    assert last > 700
    with pytest.raises(OSError, match="No space"):
        (small_disk / "rest").write_bytes(bytes(BALLAST_BYTES))
    (small_disk / "rest").unlink()
    rooms = 0
    for seq in range(1, 701):
        try:
            store.commit(1, [Changes(ended=[end(seq, b"r" * 100)])])
        except StoreFullError:
            rooms += 1
            assert store.make_room()
            store.commit(1, [Changes(ended=[end(seq, b"r" * 100)])])
    assert rooms < 10
    assert len(store.tasks([seq.to_bytes(16, "big") for seq in range(1, 701)])) == 700
    store.close()


def test_a_scheduler_begins_on_a_full_disk_so_that_the_tasks_that_are_there_end(small_disk):
    """As after a SIGKILL: the log is there, and not a byte is free for the row that says who has the file."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        f"sys.path.insert(0, {os.path.dirname(__file__)!r})\n"  # noqa: PTH120 -- of a text
        "import test_sqlite\n"
        f"store, _ = test_sqlite.opened(Path({str(small_disk)!r}) / 'tasks.db')\n"
        "test_sqlite.fill(store)\n"
        "os._exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 7
    with suppress(OSError), (small_disk / "rest").open("wb", buffering=0) as rest:
        while True:
            rest.write(bytes(4096))
    store, loaded = opened(small_disk / "tasks.db")
    assert len(list(loaded.tasks)) > 700
    store.commit(1, [Changes(ended=[end(1)])])
    store.close()


def test_new_tasks_leave_room_for_the_end_of_those_that_are_there(small_disk):
    store, _ = opened(small_disk / "tasks.db")
    rooms = [
        store.commit(1, [Changes(inserted=[insert(seq + i, b"x" * 900) for i in range(100)])]).room
        for seq in range(1, 3001, 100)
    ]
    assert 0 < rooms[-1] < rooms[0] < 8 << 20
    filler = small_disk / "rest"
    store.make_room()
    assert store.regain_room()
    # The log is short now; all but half of the reserve is used up by others.
    filler.write_bytes(bytes(store.commit(1, [Changes(inserted=[insert(4001)])]).room + (700 << 10)))
    assert store.commit(1, [Changes(inserted=[insert(4002)])]).room < 0
    assert not store.regain_room()
    filler.unlink()
    assert store.regain_room()
    store.close()


def test_what_nobody_uses_any_more_is_room_in_the_file_of_a_disk_that_stays_full(small_disk):
    store, _ = opened(small_disk / "tasks.db")
    for first in range(1, 801, 100):
        store.commit(1, [Changes(inserted=[insert(first + i, b"x" * 5000) for i in range(100)])])
    before = store.commit(1, [Changes(inserted=[insert(801)])]).room
    store.commit(1, [Changes(ended=[end(seq, None, forget=5) for seq in range(1, 801)])])
    while store.maintain(6):
        pass
    assert store.commit(1, [Changes(inserted=[insert(802)])]).room > before + 2_000_000
    store.close()


def test_a_full_disk_under_the_index_of_the_log_is_a_full_disk(path):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    with pytest.raises(StoreFullError, match="no space is left"), opening.said(path):
        raise error


def test_the_ballast_is_taken_again_when_there_is_room(path):
    store, _ = opened(path)
    ballast = path.with_name("tasks.db.ballast")
    assert ballast.stat().st_size == BALLAST_BYTES
    assert store.make_room()
    assert not ballast.exists()
    assert store.regain_room()
    assert ballast.stat().st_size == BALLAST_BYTES
    store.close()
    assert not ballast.exists()


# -- files that cannot be used --


def refused(path, match):
    with pytest.raises(StoreError, match=match) as caught:
        SqliteStore(path)
    assert "\n" not in str(caught.value)
    assert "; " in str(caught.value)


def test_a_file_that_is_no_database_is_refused(path):
    path.write_bytes(b"this is not a database, but a text\n" * 100)
    refused(path, "it is no database; choose another file")


def test_the_database_of_another_program_is_refused_and_left_as_it_is(path):
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE accounts (id INTEGER)")
    other.commit()
    other.close()
    before = path.read_bytes()
    refused(path, "the database of another program; choose another file")
    assert path.read_bytes() == before


def test_the_database_of_a_newer_scheduler_is_refused(path):
    opened(path)[0].close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    refused(path, r"written by a newer scheduler \(schema 99\); upgrade this one")


def test_a_damaged_file_is_refused(path):
    store, _ = opened(path)
    store.commit(1, [Changes(inserted=[insert(seq, b"x" * 500) for seq in range(1, 500)])])
    store.close()
    octets = bytearray(path.read_bytes())
    octets[8192:] = os.urandom(len(octets) - 8192)
    path.write_bytes(octets)
    with pytest.raises(StoreError, match="it is damaged; restore it from a backup"):  # noqa: PT012 -- anywhere on the way
        _, loaded = opened(path)
        list(loaded.tasks)


def test_a_missing_folder_and_a_folder_in_its_place_are_refused(tmp_path):
    refused(tmp_path / "missing" / "tasks.db", "missing is no folder; create it")
    refused(tmp_path, "is a folder; name a file in it")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_cannot_be_written_is_refused(path):
    opened(path)[0].close()
    path.chmod(0o400)
    refused(path, "cannot be written; check its permissions")


def test_a_file_whose_file_system_is_read_only_is_refused(small_disk):
    opened(small_disk / "tasks.db")[0].close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    refused(small_disk / "tasks.db", "Read-only file system; check the folder and its permissions")


def test_the_file_is_for_its_owner_only(path):
    store, _ = opened(path)
    store.commit(1, [Changes(inserted=[insert(1)])])
    assert {file.stat().st_mode & 0o077 for file in path.parent.iterdir() if "ballast" not in file.name} == {0}
    store.close()


# -- upkeep --


def test_a_long_log_is_cut_between_commits_and_not_by_each_of_them(path, monkeypatch):
    monkeypatch.setattr(room, "LOG_BYTES", 1 << 20)
    store, _ = opened(path)
    sizes = []
    for start in range(0, 4000, 100):
        store.commit(1, [Changes(inserted=[insert(start + i, b"x" * 1000) for i in range(1, 101)])])
        sizes.append(room.log_bytes(path))
    assert max(sizes) < 3 << 20
    # A log that has been long once would else be copied back after each commit.
    assert 1 <= sizes.count(0) < 15
    assert len(store.bodies(range(1, 4001))) == 4000
    store.close()


def test_past_many_sets_of_options_a_row_holds_its_own(path, monkeypatch):
    monkeypatch.setattr(rows, "NUMBERED", 3)
    store, _ = opened(path)
    sets = [Options("add", f"queue-{number}", 5) for number in range(8)]
    tasks = [insert(seq)._replace(options=options) for seq, options in enumerate(sets, 1)]
    store.commit(1, [Changes(inserted=tasks)])
    store.commit(1, [Changes(ended=[end(8), end(1)])])
    assert [task.options for task in store.tasks([(8).to_bytes(16, "big")]).values()] == [sets[7]]
    store.close()
    store, loaded = opened(path)
    assert [task.options for task in loaded.tasks] == sets[1:7]
    assert [task.options for task in store.list_tasks(before=None, state=None, most=9).tasks] == sets[::-1]
    store.close()


def test_what_is_kept_is_counted_across_restarts(path):
    store, _ = opened(path, retention_octets=1 << 20)
    store.commit(1, [Changes(inserted=[insert(1), insert(2)])])
    store.commit(1, [Changes(ended=[end(1, b"r" * 600_000), end(2, b"r" * 400_000)])])
    store.close()
    store, _ = opened(path, retention_octets=500_000)
    store.maintain(0)
    assert [task.report for task in store.tasks([(1).to_bytes(16, "big")]).values()] == [None]
    assert store._retention._kept == 400_000
    store.close()


SEARCHES = [Search(), Search(type="add"), Search(queue="def*", until=5000), Search(error="ValueError")]


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("state", [None, *TaskState])
def test_a_page_is_looked_up_and_nothing_is_sorted_or_gone_through_whole(path, state, search):
    store, _ = opened(path)
    store.commit(1, [Changes(inserted=[insert(1), insert(2)], ended=[end(1)])])
    connection = store._lister._connection
    asked = []
    connection.set_trace_callback(asked.append)
    store.list_tasks(before=100, state=state, most=10, search=search)
    connection.set_trace_callback(None)
    pages = [statement for statement in asked if "ORDER BY seq DESC" in statement]
    assert pages
    for statement in pages:
        plan = [line[3] for line in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert re.search(r"SEARCH (live|ended) USING .*\((rowid|seq)[<>]", plan[0]), (statement, plan)
        assert not any("TEMP B-TREE FOR ORDER" in step for step in plan)
    store.close()
