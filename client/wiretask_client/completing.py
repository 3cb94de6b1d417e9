"""What a shell offers when somebody presses TAB: commands and flags (click's part), and names that the scheduler has.

`wiretask completion SHELL` prints what a shell has to read once. A name is asked for over HTTP, as the settings say
without their flags; where nobody answers at once, nothing is offered, and nothing is said.
"""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from wiretask_client.errors import ClientError
from wiretask_client.terminal import PROGRAM, write

#: Somebody waits at his keyboard.
_PATIENCE_SECONDS = 1.0
SHELLS = ("bash", "zsh", "fish")


def queue_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The queues that there are, and how they are."""
    return [
        CompletionItem(queue["name"], help=f"{queue['mode']}, {queue['ready']} ready")
        for queue in _asked(ctx, "queues")
        if queue["name"].startswith(incomplete)
    ]


def worker_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The workers that there are."""
    return [
        CompletionItem(worker["name"], help=f"{worker['running']} of {worker['concurrency']} running")
        for worker in _asked(ctx, "workers")
        if worker["name"].startswith(incomplete)
    ]


def _asked(ctx: click.Context, what: str) -> list[dict[str, Any]]:
    from wiretask_client.api import Api  # noqa: PLC0415 -- HTTP takes its time to load
    from wiretask_client.config import load  # noqa: PLC0415

    try:
        config = load(ctx.params.get("file") or ctx.find_root().params.get("file"), {"http": ctx.params.get("http")})
        with Api(config.http, _PATIENCE_SECONDS, config.credentials, config.tls) as api:
            found: list[dict[str, Any]] = api.get(f"/api/{what}")[what]
            return found
    except (ClientError, OSError, ValueError):
        return []


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, flags, queues and workers on TAB.

    \b
    bash   wiretask completion bash > ~/.local/share/bash-completion/completions/wiretask
    zsh    wiretask completion zsh > "${fpath[1]}/_wiretask"
    fish   wiretask completion fish > ~/.config/fish/completions/wiretask.fish
    """  # noqa: D301 -- click wants the character itself
    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(ctx.find_root().command, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE")
    # What click prints of itself asks first which version of bash this is, by running it.
    write((kind.source_template % made.source_vars()).encode())
