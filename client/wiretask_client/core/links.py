"""What a submission says of others: tasks that it waits for, and the callback of its group.

It knows which ids may still change and which callbacks have not been accepted, and nothing of messages or connections.
A task with a unique key may turn out to be another one: what waits for it is sent once that is known, and then names
the other one (PROTOCOL.md, UNIQUE_CONFLICT). A group whose member was refused can never be complete: its callback gets
the member's error.
"""

from __future__ import annotations

from wiretask_client.core.requests import SubmitRequest

#: Ids that have become others, the latest; a stream names the tasks that it waits for when it is made, and may push for
#: as long as it likes. 10 000 of them are 2 MiB.
_MOVED_MAXIMUM = 10_000


class Links:
    """The ties between submissions that are not accepted yet."""

    def __init__(self) -> None:
        #: Submissions with a unique key, by the id that they were made with.
        self._uncertain: dict[bytes, SubmitRequest] = {}
        self._moved: dict[bytes, bytes] = {}
        self._callbacks: dict[bytes, SubmitRequest] = {}

    def add(self, request: SubmitRequest) -> None:
        """A submission is to be sent."""
        if not request.tags:
            return
        if "unique" in request.tags:
            self._uncertain[request.task_id] = request
        if "gather" in request.tags:
            self._callbacks[request.task_id] = request

    def forget(self, request: SubmitRequest) -> None:
        """It has been accepted, or will not be."""
        if self._uncertain:
            self._uncertain.pop(request.task_id, None)
        if self._callbacks:
            self._callbacks.pop(request.task_id, None)

    def clear(self) -> None:
        """Nothing is to be sent any more."""
        self._uncertain.clear()
        self._callbacks.clear()

    def move(self, request: SubmitRequest, existing: bytes) -> None:
        """The submission has turned out to be a task that was there."""
        while len(self._moved) >= _MOVED_MAXIMUM:
            del self._moved[next(iter(self._moved))]
        self._moved[request.task_id] = existing

    def awaited(self, request: SubmitRequest) -> list[SubmitRequest]:
        """The submissions of its `after` whose ids may still change."""
        if not self._uncertain:
            return []
        return [self._uncertain[each] for each in request.tags.get("after", ()) if each in self._uncertain]

    def resolve(self, request: SubmitRequest) -> None:
        """Names in its `after` the tasks that are there."""
        after = request.tags.get("after", ())
        if self._moved and any(each in self._moved for each in after):
            # Many requests share their tags.
            found = tuple(dict.fromkeys(self._moved.get(each, each) for each in after))
            request.tags = {**request.tags, "after": found}

    def callback(self, request: SubmitRequest) -> SubmitRequest | None:
        """The callback of its group, unless that has been accepted or has its answer."""
        group = request.tags.get("group")
        return None if group is None else self._callbacks.get(group.callback)
