"""The scheduler's pure core: messages and time in, rows and messages out. No clock, socket, log or randomness."""

from wiretask_scheduler.core.broker import Broker
from wiretask_scheduler.core.settings import Settings
from wiretask_scheduler.core.turn import Changes, Dispatch, Lookup, Now, Turn

__all__ = ["Broker", "Changes", "Dispatch", "Lookup", "Now", "Settings", "Turn"]
