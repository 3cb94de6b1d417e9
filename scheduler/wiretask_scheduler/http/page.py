"""The page for people: some files of this package, as they are. Nothing is built, nothing is fetched from elsewhere."""

from __future__ import annotations

from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler

#: What can be asked for, and what it is; nothing else of the package is served.
FILES = {
    "": ("index.html", "text/html"),
    "style.css": ("style.css", "text/css"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
    "login": ("login.html", "text/html"),
    "login.js": ("login.js", "text/javascript"),
    **{
        name: (name, "text/javascript") for name in ("app.js", "ask.js", "charts.js", "words.js", "views.js", "task.js")
    },
}


def add_routes(app: web.Application) -> None:
    """Serves the page. Its files are read once."""
    folder = files("wiretask_scheduler.http") / "dashboard"
    for path, (name, kind) in FILES.items():
        app.router.add_get(f"/{path}", _serving((folder / name).read_bytes(), kind))


def _serving(octets: bytes, kind: str) -> Handler:
    async def serve(request: web.Request) -> web.Response:
        return web.Response(body=octets, content_type=kind, charset="utf-8", headers={"Cache-Control": "no-cache"})

    return serve
