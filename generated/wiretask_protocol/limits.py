# Generated from spec/ (sha256 144b18296021a90e); do not edit.
# Edit the spec and run: nox -s generate
"""The numbers that bound something."""

#: Longest payload of one frame. Both peers name theirs in Hello; the smaller one holds in both directions. In bytes.
#: Beyond it: FRAME_TOO_LARGE.
FRAME_LIMIT = 4194304

#: The least that FRAME_LIMIT can be set to.
FRAME_LIMIT_FLOOR = 65536

#: The most that FRAME_LIMIT can be set to.
FRAME_LIMIT_CEILING = 67108864

#: Longest payload of a frame before the connection is accepted. In bytes. Beyond it: FRAME_TOO_LARGE.
HANDSHAKE_FRAME_LIMIT = 4096

#: An envelope or a report is at most the frame limit less this, so that it fits into every message that relays it. In
#: bytes. Beyond it: TASK_TOO_LARGE.
RELAY_HEADROOM = 4096

#: Time from the connection being made to its acceptance. In ms. Beyond it: HANDSHAKE_TIMEOUT.
HANDSHAKE_DEADLINE_MS = 5000

#: A peer that has sent nothing for this long sends a ping. The scheduler's accept may name another interval. In ms.
HEARTBEAT_MS = 5000

#: The least that HEARTBEAT_MS can be set to.
HEARTBEAT_FLOOR_MS = 100

#: The most that HEARTBEAT_MS can be set to.
HEARTBEAT_CEILING_MS = 600000

#: A peer from which nothing has come for this many heartbeats is taken for lost. In heartbeats. Beyond it: SILENT.
SILENCE_HEARTBEATS = 3

#: Sequenced messages that a peer may have sent without having got their Accepted. In messages. Beyond it:
#: TOO_MANY_IN_FLIGHT.
IN_FLIGHT = 100000

#: The least that IN_FLIGHT can be set to.
IN_FLIGHT_FLOOR = 1

#: The most that IN_FLIGHT can be set to.
IN_FLIGHT_CEILING = 1000000

#: How long the scheduler remembers the id of a task that has ended. Stated in accept. In ms.
DEDUP_WINDOW_MS = 3600000

#: How long a restarted scheduler waits for workers that were connected before it dispatches what they may be running.
#: In ms.
RESUME_GRACE_MS = 10000

#: Begun deliveries that may end in the unexplained death of their worker before the task is given up. In crashes.
CRASH_LIMIT = 3

#: Deliveries that may end with a lost worker before the task is given up. In losses.
LOSS_LIMIT = 10
