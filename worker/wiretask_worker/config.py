"""What a worker process is told by its command line, its environment and its configuration file."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wiretask_protocol.limits import FRAME_LIMIT
from wiretask_protocol.messages import CancelSupport, QueueWeight, Resource
from wiretask_worker.core.settings import Settings, TypeSettings
from wiretask_worker.core.texts import fit
from wiretask_worker.errors import DefinitionError
from wiretask_worker.handlers import Catalog, Handler
from wiretask_worker.version import AGENT

if TYPE_CHECKING:
    import ssl

    from wiretask_protocol.authentication import Credentials

EXECUTORS = ("thread", "process", "inline")
DEFAULT_QUEUE = "default"
#: Coroutines at a time, and plain functions between two looks at the sockets.
INLINE_CONCURRENCY = 128
#: Functions that take microseconds: enough of them to fill the time of a round trip.
INLINE_PREFETCH = 4096
#: Threads wait more than they compute.
THREADS_MINIMUM = 4
#: A Resume names what is held, in a list of at most 65 535.
SLOTS_MAXIMUM = 16_384

# 09-subscribe.yaml and types.yaml
_QUEUES_MAXIMUM = 1024
_TYPES_MAXIMUM = 4096
_SHORT_TEXT_OCTETS = 1024
_WEIGHT_MAXIMUM = 65535
_AMOUNT_MAXIMUM = (1 << 64) - 1
_AMOUNT = re.compile(r"([0-9]{1,20})(KiB|MiB|GiB|TiB)?", re.ASCII)
_UNITS = ("", "KiB", "MiB", "GiB", "TiB")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The options of a worker process."""

    host: str = "127.0.0.1"
    port: int = 9001
    tasks: tuple[str, ...] = ()
    executor: str = "thread"
    concurrency: int | None = None
    prefetch: int | None = None
    queues: tuple[QueueWeight, ...] = ()
    labels: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()
    name: str = ""
    frame_limit: int = FRAME_LIMIT
    health_file: str | None = None
    #: Tasks after which, and octets of memory beyond which, a process is replaced.
    max_tasks: int | None = None
    max_memory: int | None = None
    reload: bool = False
    #: Where metrics and health are served.
    http: tuple[str, int] | None = None
    log_level: str = "info"
    log_format: str = "text"
    #: What it proves that it knows, and how it trusts its scheduler; None for neither. SIGHUP may change both.
    credentials: Credentials | None = None
    tls: ssl.SSLContext | None = None

    @property
    def slots(self) -> int:
        """How much runs at a time."""
        if self.concurrency is not None:
            return self.concurrency
        match self.executor:
            case "inline":
                return INLINE_CONCURRENCY
            case "process":
                return _processors()
            case _:
                return max(THREADS_MINIMUM, _processors())

    @property
    def label(self) -> str:
        """What people call this worker."""
        return fit(self.name or f"{socket.gethostname()}:{os.getpid()}", _SHORT_TEXT_OCTETS)

    def core_settings(self, catalog: Catalog) -> Settings:
        """What the core is told. Raises DefinitionError for more than the protocol can say."""
        queues = self.queues or tuple(QueueWeight(queue, 1) for queue in _queues(catalog))
        for count, maximum, what in ((len(catalog), _TYPES_MAXIMUM, "tasks"), (len(queues), _QUEUES_MAXIMUM, "queues")):
            if count > maximum:
                raise DefinitionError(f"{count} {what} are too many for one worker ({maximum}); start several")
        prefetch = self.prefetch
        if prefetch is None:
            prefetch = INLINE_PREFETCH if self.executor == "inline" else min(self.slots, SLOTS_MAXIMUM - self.slots)
        return Settings(
            types={handler.name: self._type_settings(handler) for handler in catalog},
            queues=queues,
            labels=self.labels,
            resources=self.resources,
            concurrency=self.slots,
            prefetch=prefetch,
            paced=self.prefetch is None and self.executor != "inline",
            frame_limit=self.frame_limit,
            agent=AGENT,
            name=self.label,
        )

    def _type_settings(self, handler: Handler[..., Any]) -> TypeSettings:
        if handler.is_async or self.executor == "thread":
            cancel = CancelSupport.COOPERATIVE
        else:
            cancel = CancelSupport.HARD if self.executor == "process" else CancelSupport.NONE
        time_limit = round((handler.time_limit or 0) * 1000)
        return TypeSettings(cancel, time_limit, handler.max_attempts or 0, handler.arguments.verbatim)


def parse_address(text: str) -> tuple[str, int]:
    """HOST:PORT, [IPV6]:PORT or :PORT. Raises ValueError that says the remedy."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise ValueError(f"{text!r} is not an address; write HOST:PORT, as in 127.0.0.1:9001")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r} is ambiguous; write an IPv6 address in brackets, as in [::1]:9001")
    return host or "127.0.0.1", int(port)


def parse_http(text: str) -> tuple[str, int] | None:
    """HOST:PORT with port 0 for a free one, or off. Raises ValueError that says the remedy."""
    if text == "off":
        return None
    host, _, port = text.rpartition(":")
    return (parse_address(f"{host}:1")[0], 0) if port == "0" else parse_address(text)


def parse_queue(text: str) -> QueueWeight:
    """NAME or NAME=WEIGHT. Raises ValueError that says the remedy."""
    queue, equals, weight = text.partition("=")
    if not _NAME.fullmatch(queue):
        raise ValueError(f"{queue!r} is not the name of a queue; use letters, digits and _ . : / @ + -")
    if not equals:
        return QueueWeight(queue, 1)
    if not weight.isascii() or not weight.isdigit() or not 1 <= int(weight) <= _WEIGHT_MAXIMUM:
        raise ValueError(f"{weight!r} is not a weight; write a number from 1 to {_WEIGHT_MAXIMUM}")
    return QueueWeight(queue, int(weight))


def parse_label(text: str) -> str:
    """A label. Raises ValueError that says the remedy."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not a label; use letters, digits and _ . : / @ + -")
    return text


def parse_resource(text: str) -> Resource:
    """NAME=AMOUNT, with KiB, MiB, GiB or TiB behind it where it is memory. Raises ValueError that says the remedy."""
    name, equals, amount = text.partition("=")
    found = _AMOUNT.fullmatch(amount)
    if not _NAME.fullmatch(name) or not equals or found is None:
        raise ValueError(f"{text!r} is not a resource; write NAME=AMOUNT, as in gpu=2 or memory=4GiB")
    number = int(found[1]) << 10 * _UNITS.index(found[2] or "")
    if number > _AMOUNT_MAXIMUM:
        raise ValueError(f"{amount} is more than a resource can be; write a smaller one")
    return Resource(name, number)


def parse_size(text: str) -> int:
    """Octets, with KiB, MiB, GiB or TiB behind the number. Raises ValueError that says the remedy."""
    found = _AMOUNT.fullmatch(text)
    if found is None or not int(found[1]):
        raise ValueError(f"{text!r} is not a size; write a number and KiB, MiB or GiB, as in 512MiB")
    return int(found[1]) << 10 * _UNITS.index(found[2] or "")


def _queues(catalog: Catalog) -> list[str]:
    named = [handler.queue for handler in catalog if handler.queue is not None]
    return list(dict.fromkeys([DEFAULT_QUEUE, *named]))


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1
