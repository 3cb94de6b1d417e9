"""The second check of a spec: does it make sense? Every rule has a stable code, and every refusal says the remedy.

    numbers     commands, tags, values, codes and ids: in their ranges, used once, not reserved
    names       words that the generated code cannot take, and words that it cannot do without
    fields      what fields, tags and types may be
    sentences   what people read
    machines    states and events

Each of them looks at the whole spec and knows nothing of the others; codes are never used again for another rule.
"""

from __future__ import annotations

from wiretask_codegen.lint import fields, machines, names, needed, numbers, sentences
from wiretask_codegen.model import Spec
from wiretask_codegen.problems import Problems


def check(spec: Spec, problems: Problems) -> None:
    """Notes everything in the spec that cannot be right."""
    for part in (numbers, names, fields, sentences, machines, needed):
        part.check(spec, problems)
