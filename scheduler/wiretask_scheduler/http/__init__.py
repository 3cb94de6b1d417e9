"""The HTTP side: an API with its OpenAPI document, live events, metrics, health, and the page for people."""

from wiretask_scheduler.http.serving import HttpSettings, Site, serve

__all__ = ["HttpSettings", "Site", "serve"]
