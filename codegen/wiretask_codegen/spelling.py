"""How a name of the spec is spelt where another case is the custom."""

from __future__ import annotations

import re


def snake(name: str) -> str:
    """`TaskId` as `task_id`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
