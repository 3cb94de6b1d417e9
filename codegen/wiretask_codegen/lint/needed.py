"""What the generated code and the document call by name, so that a spec cannot go without it.

The codecs raise errors, the connection walks machines, PROTOCOL.md shows frames: each of those words stands in a
template, and a spec without it would become a package that fails when it is imported or, worse, when it is needed.
"""

from __future__ import annotations

from wiretask_codegen.model import Place, Spec, TextType
from wiretask_codegen.problems import Problems

ERRORS = (
    *("UNKNOWN_COMMAND", "FRAME_TOO_LARGE", "NOT_WIRETASK", "UNEXPECTED_MESSAGE"),
    *("TRUNCATED", "TRAILING_BYTES", "BAD_UTF8", "BAD_ENUM", "OUT_OF_RANGE", "LIMIT_EXCEEDED"),
    *("TAG_ORDER", "CRITICAL_TAG", "TAG_LENGTH", "BAD_PATTERN", "RULE_BROKEN"),
)
LIMITS = ("frame_limit", "handshake_frame_limit")
#: Enums that errors.yaml is written in.
ENUMS = {"ErrorScope": ("request", "task", "connection"), "Retry": ("never", "later", "elsewhere")}
#: Fields that an Error is made with, in this order.
ERROR_FIELDS = ["code", "scope", "retry", "command", "seq", "text"]
MACHINES = ("scheduler_connection", "worker_connection", "client_connection")
MACHINE_EVENTS = ("close", "Hello.ping")
EXAMPLES = ("Hello/open", "Hello/accept", "Submit/sha256", "Task/sha256", "Result/succeeded", "Result/to_client")


def check(spec: Spec, problems: Problems) -> None:
    """Notes every word that the generated code needs and the spec has not."""

    def need(what: str, place: Place, *, there: bool) -> None:
        if not there:
            problems.add(place, "L029", f"the generated code needs {what}; restore it")

    errors = {error.name for error in spec.errors}
    for name in ERRORS:
        need(f"the error {name}", spec.errors[0].place, there=name in errors)
    limits = {limit.name for limit in spec.limits}
    for name in LIMITS:
        need(f"the limit {name}", spec.header[0].place, there=name in limits)
    enums = {enum.name: {value.name for value in enum.values} for enum in spec.enums}
    for name, values in ENUMS.items():
        there = set(values) <= enums.get(name, set())
        need(f"the enum {name} with {', '.join(values)}", spec.newtypes[0].place, there=there)
    texts = [item for item in spec.newtypes if isinstance(item.type, TextType)]
    need("a text with a pattern", spec.newtypes[0].place, there=any(_pattern(item.type) for item in texts))
    need("the text ShortText", spec.newtypes[0].place, there="ShortText" in {item.name for item in texts})
    _check_messages(spec, problems)
    machines = {machine.name: machine for machine in spec.machines}
    for name in MACHINES:
        found = {event.name for event in machines[name].events} if name in machines else set()
        place = machines[name].place if name in machines else spec.machines[0].place
        what = f"the machine {name} with the events {' and '.join(MACHINE_EVENTS)}"
        need(what, place, there=set(MACHINE_EVENTS) <= found)


def _pattern(type_: object) -> bool:
    return isinstance(type_, TextType) and type_.pattern is not None


def _check_messages(spec: Spec, problems: Problems) -> None:
    messages = {message.name: message for message in spec.messages}
    error = messages.get("Error")
    if error is None or [field.name for field in error.fields] != ERROR_FIELDS:
        place = error.place if error else spec.messages[0].place
        text = f"the generated code needs the message Error with the fields {', '.join(ERROR_FIELDS)}; restore it"
        problems.add(place, "L029", text)
    for path in EXAMPLES:
        name, _, example = path.partition("/")
        message = messages.get(name)
        if message is None or example not in {item.name for item in message.examples}:
            place = message.place if message else spec.messages[0].place
            problems.add(place, "L029", f"the document shows the example {path}; restore it")
