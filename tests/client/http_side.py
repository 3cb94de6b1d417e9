"""An HTTP side that says what a test wants it to say, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


class HttpSide:
    """Answers each request with what was laid out for it, and remembers what was asked."""

    def __init__(self, tls=None):
        self.asked = []
        #: What each request said of who asks.
        self.said_who = []
        self.answers = {}
        side = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self):
                url = urlsplit(self.path)
                length = int(self.headers.get("Content-Length", 0))
                said = json.loads(self.rfile.read(length)) if length else None
                side.said_who.append(self.headers.get("Authorization"))
                side.asked.append((self.command, url.path, said or dict(parse_qsl(url.query)) or None))
                status, answer = side.answer(self.command, url.path)
                octets = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            do_GET = do_POST = do_DELETE = _answer  # noqa: N815 -- the names are http.server's

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' * (tls is not None)}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, method, path):
        found = self.answers[method, path]
        if isinstance(found, list):
            found = found.pop(0)
        return found if isinstance(found, tuple) else (200, found)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
