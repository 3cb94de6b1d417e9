"""The task that all peers do, and the check of what they bring back."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256


def body(number: int) -> bytes:
    """What a task is given."""
    return b"Hello, World! %d" % number


def numbered(number: int) -> bytes:
    """The same, for systems whose results do not say whose they are."""
    return b"%d Hello, World! %d" % (number, number)


def digest(text: str) -> str:
    """What a task does, for systems that have functions of Python for tasks."""
    return sha256(text.encode()).hexdigest()


def done(numbered_body: bytes) -> bytes:
    """What a task does where its body says its number."""
    number, _, rest = numbered_body.partition(b" ")
    return number + b" " + sha256(rest).hexdigest().encode()


def check(results: Mapping[int, bytes | str], count: int) -> None:
    """Raises RuntimeError unless all are there and right."""
    if len(results) != count:
        raise RuntimeError(f"{count} results were to come, and {len(results)} did")
    for number, result in results.items():
        expected = sha256(body(number)).hexdigest()
        if (result.decode() if isinstance(result, bytes) else result) != expected:
            raise RuntimeError(f"the result of task {number} is wrong: {result!r}")
