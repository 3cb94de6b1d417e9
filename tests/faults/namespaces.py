"""Two network namespaces, and a wire between them that loses, delays and doubles what goes over it, or is cut.

It is the kernel's own TCP on both sides, so that what is lost is sent again, and who is cut off hears nothing. The wire
is two pairs of interfaces and a process that passes their packets on (`wire.py`): `tc netem` would do, but not every
kernel has it, and this one can be told what to do at every moment. Root is needed, and `ip`; `WHY_NOT` says what is missing.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import itertools
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

WIRE = Path(__file__).with_name("wire.py")
#: The addresses of the two sides, which only these namespaces know.
SCHEDULER, PEERS = "10.213.0.1", "10.213.0.2"


def _why_not() -> str:
    """What keeps this machine from having namespaces; empty if nothing does."""
    if sys.platform != "linux":
        return "this is not Linux"
    if shutil.which("ip") is None:
        return "there is no ip (iproute2)"
    if os.geteuid() != 0:
        return "this is not root"
    name = f"wiretask-try-{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"no network namespace can be made: {tried.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=False)
    return ""


WHY_NOT = _why_not()
_numbers = itertools.count(1)


class Namespaces:
    """Both sides, and the wire. `exec` begins a command on a side."""

    def __init__(self) -> None:
        number = next(_numbers)
        # Names of interfaces have 15 characters at the most, and pytest-xdist has several processes.
        self.tag = f"{os.getpid() % 1_000_000:x}{number:x}"
        self.names = {SCHEDULER: f"wiretask-{self.tag}-s", PEERS: f"wiretask-{self.tag}-p"}
        self._wire: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            for side, (address, name) in zip("sp", self.names.items(), strict=True):
                inside, outside = f"wi{self.tag}{side}", f"wo{self.tag}{side}"
                _ip("netns", "add", name)
                _ip("link", "add", outside, "type", "veth", "peer", "name", inside)
                _ip("link", "set", inside, "netns", name)
                _ip("-n", name, "addr", "add", f"{address}/24", "dev", inside)
                _ip("-n", name, "link", "set", inside, "up")
                _ip("-n", name, "link", "set", "lo", "up")
                with self.on(address):
                    _whole_packets(inside)
                _ip("link", "set", outside, "up")
            self._wire = subprocess.Popen(
                [sys.executable, str(WIRE), f"wo{self.tag}s", f"wo{self.tag}p"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            assert self._wire.stdout is not None
            assert self._wire.stdout.readline() == b"ready\n"
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._wire is not None:
            self._wire.kill()
            self._wire.wait()
            for stream in (self._wire.stdin, self._wire.stdout):
                assert stream is not None
                stream.close()
        for side, name in zip("sp", self.names.values(), strict=True):
            subprocess.run(["ip", "link", "del", f"wo{self.tag}{side}"], capture_output=True, check=False)
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def tell(self, **what: float) -> None:
        """From now on the wire does this: `loss` and `double` (shares), `delay` and `jitter` (seconds), `cut` (0 or 1)."""
        assert self._wire is not None
        assert self._wire.stdin is not None
        assert self._wire.stdout is not None
        self._wire.stdin.write((" ".join(f"{name}={value}" for name, value in what.items()) + "\n").encode())
        self._wire.stdin.flush()
        assert self._wire.stdout.readline() == b"done\n"

    def counts(self) -> dict[str, int]:
        """How many packets the wire has passed on, lost, doubled and cut off."""
        assert self._wire is not None
        assert self._wire.stdin is not None
        assert self._wire.stdout is not None
        self._wire.stdin.write(b"count=1\n")
        self._wire.stdin.flush()
        words = self._wire.stdout.readline().decode().split()
        return {name: int(count) for name, _, count in (word.partition("=") for word in words)}

    @contextmanager
    def on(self, address: str) -> Iterator[None]:
        """What this thread opens, and what it starts, is on that side."""
        inside = Path(f"/run/netns/{self.names[address]}")
        with Path("/proc/thread-self/ns/net").open("rb") as here, inside.open("rb") as there:
            _set_namespace(there.fileno())
            try:
                yield
            finally:
                _set_namespace(here.fileno())


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=True)


def _set_namespace(descriptor: int) -> None:
    """What Python has as os.setns from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _whole_packets(interface: str) -> None:
    """Lets the kernel compute checksums and cut what it sends into packets, as for a real wire."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_:
        for what in (_SET_CHECKSUMS, _SET_SEGMENTS):
            value = array.array("I", [what, 0])
            fcntl.ioctl(any_, _SIOCETHTOOL, struct.pack("16sP", interface.encode(), value.buffer_info()[0]))


_CLONE_NEWNET = 0x40000000
_SIOCETHTOOL = 0x8946
#: ETHTOOL_STXCSUM and ETHTOOL_SGSO.
_SET_CHECKSUMS, _SET_SEGMENTS = 0x17, 0x24
