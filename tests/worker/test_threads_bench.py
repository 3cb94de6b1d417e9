"""Threads that wait for work: each piece is taken once, nobody sleeps while there is some, and one wake is enough."""

import threading

import pytest

from wiretask_worker.executors.bench import Bench


def crew(bench, size, does):
    """Threads that do what they take until they are told to stop."""

    def work():
        while (piece := bench.take()) is not None:
            does(piece)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(size)]
    for thread in threads:
        thread.start()
    return threads


def dismiss(bench, threads):
    for _ in threads:
        bench.put(None)
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.parametrize("size", [1, 2, 7])
def test_each_piece_is_taken_once(size):
    bench, done = Bench(), []
    threads = crew(bench, size, done.append)
    for number in range(5000):
        bench.put(number)
    dismiss(bench, threads)
    assert sorted(done) == list(range(5000))


def test_pieces_that_wait_for_each_other_are_all_begun():
    bench, together = Bench(), threading.Barrier(8)
    threads = crew(bench, 8, lambda _: together.wait(30))
    for _ in range(20):
        for number in range(8):
            bench.put(number)
    dismiss(bench, threads)
    assert not together.broken


def test_work_that_was_there_before_anybody_came_is_done():
    bench, done = Bench(), []
    for number in range(10):
        bench.put(number)
    dismiss(bench, crew(bench, 3, done.append))
    assert sorted(done) == list(range(10))


def test_one_thread_takes_in_order():
    bench, done = Bench(), []
    threads = crew(bench, 1, done.append)
    for number in range(1000):
        bench.put(number)
    dismiss(bench, threads)
    assert done == list(range(1000))


def test_who_puts_wakes_one_thread_and_not_one_for_each_piece():
    bench: Bench[int] = Bench()
    bench._asleep = 4
    for number in range(100):
        bench.put(number)
    assert bench._bell.qsize() == 1
    assert bench._asleep == 3
