#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A small HTTP server on a free port of the loopback, for tests and examples: python3 http_server.py. Its first line is the port.

/echo       what was sent, as JSON            /status/N   an answer with that status
/redirect/N N redirects, then /echo           /bytes/N    N bytes
/slow       never answers                     /job/NAME   running for the first two times, then success; fail* fails then
/says/TEXT  TEXT, percent-encoded; {token} in it is the X-Token header that came
/flaky      fails (500) twice, then succeeds  /count      how often each path was asked for
"""
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

counts = {}
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body, sort_keys=True).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with lock:
            seen = counts[self.path] = counts.get(self.path, 0) + 1
        parts = self.path.strip("/").split("/")
        number = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        if parts[0] == "echo":
            self.answer(200, {"method": self.command, "body": body, "type": self.headers.get("Content-Type"),
                              "token": self.headers.get("X-Token")}, {"X-One": "1", "Content-Type": "application/json"})
        elif parts[0] == "status":
            self.answer(number, {"error": "told so"})
        elif parts[0] == "redirect":
            self.answer(302, b"", {"Location": "/redirect/%d" % (number - 1) if number > 1 else "/echo"})
        elif parts[0] == "elsewhere":
            self.answer(302, b"", {"Location": "file:///etc/passwd"})
        elif parts[0] == "bytes":
            self.answer(200, b"x" * number)
        elif parts[0] == "says":
            self.answer(200, unquote(parts[1]).replace("{token}", self.headers.get("X-Token") or "").encode())
        elif parts[0] == "slow":
            threading.Event().wait(30)
        elif parts[0] == "flaky":
            self.answer(500 if seen < 3 else 200, {"status": "success"})
        elif parts[0] == "job":
            done = "failure" if parts[1].startswith("fail") else "success"
            self.answer(200, {"status": "running" if seen < 3 or parts[1].startswith("never") else done, "seen": seen})
        elif parts[0] == "count":
            self.answer(200, counts)
        else:
            self.answer(404, {"error": "nothing here"})

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()  # until whoever started us closes it, or ends
