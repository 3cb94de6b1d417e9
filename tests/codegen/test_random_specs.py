"""Any legal spec becomes two codecs that are one: they write the same octets and refuse the same ones, at the same place."""

import itertools
import random
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis.errors import Unsatisfiable

from wiretask_codegen import python
from wiretask_codegen.lint.names import CLASSES, TAKEN
from wiretask_codegen.load import load
from wiretask_codegen.spelling import snake

sys.path.insert(0, str(Path(__file__).parent))

from private_package import imported
from random_specs import specs

#: Each spec draws so many values of each of its messages, and spoils so many payloads.
VALUES, SPOILT = 6, 200
#: Octets that mean something in many places.
WORDS = (b"", b"\0", b"\xff", b"\0\1", b"\xff\xff\xff\xff", b"\0\0\0\1", b"\x80\1", b"\xc3\x28", "é".encode(), b"a\0")

quick = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Quiet:
    """A value that is not shown: some are so large that Hypothesis warns of them."""

    def __init__(self, value) -> None:
        self.value = value


class Codecs:
    """Both codecs of a generated package, asked the same."""

    def __init__(self, package, relayed: list[str]) -> None:
        self.package = package
        both = (package.fast, package.reference)
        #: What to draw, how to write it and how to read it, by the command of a message or the name of a relayed struct.
        self.parts = {}
        for command, kind in package.messages.BY_COMMAND.items():
            write = [codec.ENCODERS[kind] for codec in both]
            read = [self._payload_reader(codec.DECODERS[command]) for codec in both]
            self.parts[command] = (package.strategies.MESSAGES[kind.__name__], write, read)
        for name in relayed:
            write, read = ([getattr(codec, f"{verb}_{name}") for codec in both] for verb in ("encode", "decode"))
            self.parts[name] = (getattr(package.strategies, f"draw_{name}")(), write, read)

    @staticmethod
    def _payload_reader(decode):
        return lambda octets: decode(octets, 0, len(octets))

    def drawn(self, part) -> list[bytes]:
        """Payloads of drawn values. Both codecs write the same, and read the value in it."""
        strategy, write, _ = self.parts[part]
        header = 0 if isinstance(part, str) else 5
        found: list[bytes] = []

        @settings(quick, max_examples=VALUES)
        @given(strategy.map(Quiet))
        def check(quiet):
            value = quiet.value
            fast, reference = (function(value) for function in write)
            assert fast == reference, f"{part}: {value!r}"
            assert self.read(part, fast[header:]) == value, f"{part}: {fast.hex()}"
            found.append(fast[header:])

        try:
            check()
        except Unsatisfiable:  # its rules are too narrow for chance; its example keeps them
            found += [frame[5:] for _, frame in self.package.examples.EXAMPLES.values() if frame[0] == part]
        return found

    def read(self, part, octets: bytes):
        """What both say of octets: the value, or the error with its place."""
        fast, reference = (self._said(read, octets) for read in self.parts[part][2])
        assert fast == reference, f"{part}: {octets.hex()}"
        return fast

    def _said(self, read, octets: bytes):
        try:
            return read(octets)
        except self.package.errors.WireError as error:
            return (error.code.name, error.field, error.offset, error.command, error.text)


def spoilt(payload: bytes, other: bytes, chance: random.Random) -> bytes:
    """A payload that is nearly right."""
    octets = bytearray(payload)
    for _ in range(chance.choice((1, 1, 1, 2))):
        at = chance.randrange(len(octets) + 1)
        match chance.randrange(6):
            case 0:
                octets[at : at + 1] = bytes([chance.randrange(256)])
            case 1 if at < len(octets):
                octets[at] ^= 1 << chance.randrange(8)
            case 2:
                del octets[at:]
            case 3:
                octets[at:at] = chance.choice(WORDS)
            case 4:
                begin = chance.randrange(len(other) + 1)
                octets[at : at + 8] = other[begin : begin + 8]
            case _:
                words = chance.choice(WORDS)
                octets[at : at + len(words)] = words
    return bytes(octets)


def hold_against_each_other(spec, name: str) -> None:
    """Both codecs of a spec: what they write, and what they say of octets that are nearly right."""
    chance = random.Random(spec.digest)
    with imported(python.render(spec), name) as package:
        codecs = Codecs(package, [snake(part.name) for part in spec.relayed])
        payloads = [(part, payload) for part in codecs.parts for payload in codecs.drawn(part)]
        for _ in range(SPOILT):
            part, payload = chance.choice(payloads)
            codecs.read(part, spoilt(payload, chance.choice(payloads)[1], chance))


@pytest.mark.timeout(600)
def test_both_codecs_of_any_spec_are_one(request, tmp_path):
    numbers = itertools.count()

    @settings(quick, max_examples=request.config.getoption("--specs"))
    @given(specs(TAKEN | CLASSES))
    def check(files):
        name = f"random_{next(numbers)}"
        root = files.write(tmp_path / name / "spec")
        note(f"the spec is in {root}")
        hold_against_each_other(load(root), name)

    check()
