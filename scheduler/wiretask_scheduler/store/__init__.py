"""Where tasks survive: the window that every store has, and how one is chosen."""

from wiretask_scheduler.store.window import Committed, Loaded, Page, Store, StoreBusyError, StoreError, StoreFullError

__all__ = ["Committed", "Loaded", "Page", "Store", "StoreBusyError", "StoreError", "StoreFullError"]
