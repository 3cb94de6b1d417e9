"""Who may come in: which tokens there are, and how much an address may ask before anybody knows who it is.

It counts, and knows nothing of sockets. What it counts is bounded: by the connections that there are, and by a number
of addresses that have failed lately.
"""

from __future__ import annotations

import ipaddress
import os
from collections import Counter
from collections.abc import Callable

from wiretask_protocol.authentication import NONCE_OCTETS
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Error
from wiretask_scheduler.tokens import Keyring

CONNECTIONS_PER_ADDRESS = 10_000
#: Handshakes take milliseconds: so many at a time are far more than a cluster needs that starts at once.
HANDSHAKES_PER_ADDRESS = 1000
#: Wrong proofs in a window; who has mistyped his token reads AUTH_FAILED far earlier.
FAILURES_PER_ADDRESS = 20
FAILURE_SECONDS = 60.0
#: Addresses with wrong proofs that are remembered; the oldest go first.
_FAILED_ADDRESSES = 10_000
#: Who has one address of IPv6 has as many as he likes with these bits in common.
_IPV6_PREFIX = 64


class Doorkeeper:
    """`keyring` is None where nobody has to prove who he is."""

    def __init__(
        self,
        keyring: Keyring | None = None,
        *,
        connections: int = CONNECTIONS_PER_ADDRESS,
        handshakes: int = HANDSHAKES_PER_ADDRESS,
        failures: int = FAILURES_PER_ADDRESS,
        nonce: Callable[[], bytes] = lambda: os.urandom(NONCE_OCTETS),
    ) -> None:
        self.keyring = keyring
        self.nonce = nonce
        self.limit(connections=connections, handshakes=handshakes, failures=failures)
        self._connections: Counter[str] = Counter()
        self._handshakes: Counter[str] = Counter()
        #: By address: how many proofs were wrong since when.
        self._failed: dict[str, tuple[int, float]] = {}

    def limit(self, *, connections: int, handshakes: int, failures: int) -> None:
        """What an address may ask from now on."""
        self._most, self._most_handshakes, self._most_failures = connections, handshakes, failures

    def enter(self, address: str, now: float) -> Error | None:
        """Somebody has connected; say so when he is `accepted`, and when he `left`. Returns why he may not."""
        error = self.count(address)
        if error is not None:
            return error
        wait = self.barred(address, now)
        if wait > 0:
            text = f"too many wrong proofs came from this address; check the token, and try again in {wait:.0f} s"
            return error_message(ErrorCode.TOO_MANY_CONNECTIONS, text=text, retry_after=int(wait * 1000) + 1)
        return None

    def count(self, address: str) -> Error | None:
        """As `enter`, of somebody who may be known whatever others at his address have tried."""
        address = _neighbourhood(address)
        self._connections[address] += 1
        self._handshakes[address] += 1
        if self._connections[address] > self._most or self._handshakes[address] > self._most_handshakes:
            return error_message(ErrorCode.TOO_MANY_CONNECTIONS)
        return None

    def barred(self, address: str, now: float) -> float:
        """For how many seconds no proof is looked at that comes from an address."""
        failures, since = self._failed.get(_neighbourhood(address), (0, 0.0))
        return max(0.0, since + FAILURE_SECONDS - now) if failures >= self._most_failures else 0.0

    def accepted(self, address: str) -> None:
        """Somebody's handshake is over."""
        _less(self._handshakes, _neighbourhood(address))

    def left(self, address: str, *, accepted: bool) -> None:
        """Somebody's connection has ended."""
        address = _neighbourhood(address)
        _less(self._connections, address)
        if not accepted:
            _less(self._handshakes, address)

    def failed(self, address: str, now: float) -> None:
        """Somebody's proof was wrong."""
        address = _neighbourhood(address)
        failures, since = self._failed.pop(address, (0, now))
        if now - since > FAILURE_SECONDS:
            failures, since = 0, now
        self._failed[address] = failures + 1, since
        if len(self._failed) > _FAILED_ADDRESSES:
            del self._failed[next(iter(self._failed))]


def _less(counter: Counter[str], address: str) -> None:
    counter[address] -= 1
    if counter[address] <= 0:
        del counter[address]


def _neighbourhood(address: str) -> str:
    """What is counted as one address."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, _IPV6_PREFIX), strict=False).network_address)
