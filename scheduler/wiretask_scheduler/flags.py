"""The flags of the command: one for each setting that is not a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from wiretask_scheduler.config import Config
from wiretask_scheduler.sources import flag

F = TypeVar("F", bound=Callable[..., Any])

_COUNT, _TIME, _SIZE = "N", "SECONDS", "OCTETS"
#: What each takes, and what it is for.
FLAGS = {
    "listen": ("HOST:PORT", "Where to serve; port 0 takes a free one."),
    "store": ("STORE", "sqlite:PATH, or memory: for one that forgets."),
    "http": ("HOST:PORT", "Where to serve health, metrics, the API and the dashboard, or off."),
    "http_names": ("NAMES", "Names under which HTTP is asked, besides addresses and localhost."),
    "http_open_metrics": (None, "Give metrics to everybody although there are tokens."),
    "http_session_idle_seconds": (_TIME, "Who was away from the dashboard for so long signs in again."),
    "http_session_seconds": (_TIME, "And after so long in all."),
    "log_level": ("LEVEL", "debug, info, warning or error."),
    "log_format": ("FORMAT", "text for people, json for programs."),
    "tokens": ("FILE", "Who may connect: a TOML file of tokens, for its owner alone."),
    "tls_cert": ("FILE", "Serve TLS with this certificate (PEM, with its chain)."),
    "tls_key": ("FILE", "The key of the certificate."),
    "tls_client_ca": ("FILE", "Serve those alone whose certificate one of these signed."),
    "insecure": (None, "Serve other machines without authentication."),
    "frame_limit": (_SIZE, "Longest frame; a body is 4 KiB shorter."),
    "heartbeat_seconds": (_TIME, "A peer is lost after three of them in silence."),
    "handshake_seconds": (_TIME, "How long a handshake may take."),
    "retention_seconds": (_TIME, "How long results are kept and ids are remembered."),
    "dead_retention_seconds": (_TIME, "How long dead tasks are kept."),
    "queue_length_limit": (_COUNT, "Tasks that a queue may have; 0 is no limit."),
    "retention_bytes": (_SIZE, "Results beyond it go, oldest first."),
    "body_cache_bytes": (_SIZE, "Bodies of queued tasks in memory besides on disk."),
    "resume_grace_seconds": (_TIME, "After a restart, the wait for workers that were connected."),
    "resume_window_seconds": (_TIME, "The wait for a worker whose connection broke."),
    "in_flight": (_COUNT, "Messages that a peer may have unaccepted."),
    "crash_limit": (_COUNT, "Dead processes before a task is given up."),
    "loss_limit": (_COUNT, "Silent workers before a task is given up."),
    "connections_per_address": (_COUNT, "Connections that one address may have."),
    "handshakes_per_address": (_COUNT, "Of them those that nobody knows yet."),
    "failures_per_address": (_COUNT, "Wrong proofs in a minute, after which an address has to wait."),
    "grease": (None, "Send what peers must skip, once per connection."),
}


def flags(command: F) -> F:
    """Gives a command a flag for each setting; None is one that was not given."""
    for name, (metavar, about) in reversed(FLAGS.items()):
        default = Config.model_fields[name].default
        shown = f"{about}  [{'yes' if default is True else default}]" if default not in (None, False, ()) else about
        if metavar is None:
            option = click.option(f"{flag(name)}/--no-{flag(name)[2:]}", name, default=None, help=shown)
        else:
            option = click.option(flag(name), name, metavar=metavar, help=shown)
        command = option(command)
    return command
