# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
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

#: Sequenced messages that a peer may have sent without having got their Accepted. Who has got more than that without
#: having sent their Accepted answers with the error; it need not see what is on its way. In messages. Beyond it:
#: TOO_MANY_IN_FLIGHT.
IN_FLIGHT = 100000

#: The least that IN_FLIGHT can be set to.
IN_FLIGHT_FLOOR = 1

#: The most that IN_FLIGHT can be set to.
IN_FLIGHT_CEILING = 1000000

#: How long the scheduler remembers the id of a task that has ended, at the least. Stated in accept. In ms.
DEDUP_WINDOW_MS = 3600000

#: How long a restarted scheduler waits for workers that were connected before it dispatches what they may be running.
#: In ms.
RESUME_GRACE_MS = 10000

#: How long a scheduler keeps what a worker holds whose connection broke, before it gives it to others. In ms.
RESUME_WINDOW_MS = 2000

#: The begun delivery that ends in the unexplained death of its worker (its connection breaks, and it does not resume)
#: gives the task up, when it is this one. In crashes.
CRASH_LIMIT = 3

#: The delivery that ends with a lost worker (nothing came from it) gives the task up, when it is this one. In losses.
LOSS_LIMIT = 10
