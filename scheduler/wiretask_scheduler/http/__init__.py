"""The HTTP side: an API with its OpenAPI document, live events, metrics, health, and the page for people."""

from wiretask_scheduler.http.serving import serve

__all__ = ["serve"]
