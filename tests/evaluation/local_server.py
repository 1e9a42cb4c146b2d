"""A real HTTP server on this machine that answers as the published one, OpenAI's, Gemini's and Moondream's do."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .made_up import INSIDE, OUTSIDE

Fault = Callable[[str, int], str | None]
"""From a question and the number of the try (from 0) to a fault, or None."""


@dataclass
class Traffic:
    """What came in.

    Attributes:
        requests: (path, headers, content) in the order they came.
        tries: By question.
        together: Most requests at the same time.
        answer: From a question to the text that is answered.
        fault: What goes wrong.
        stall: Seconds that a stalled request takes.
        retry_after: What the header of that name says where a fault has status 429.
    """

    requests: list[tuple[str, Mapping[str, str], Any]] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    together: int = 0
    answer: Callable[[str], str] = lambda question: INSIDE
    fault: Fault = lambda question, number: None
    stall: float = 0.0
    retry_after: str = "0.01"
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, path: str, headers: Mapping[str, str], content: Any, question: str) -> int:
        with self._lock:
            self.requests.append((path, headers, content))
            self.tries[question] += 1
            self._open += 1
            self.together = max(self.together, self._open)
            return self.tries[question] - 1

    def end(self) -> None:
        with self._lock:
            self._open -= 1


def number_in(question: str) -> int:
    """The number of the cup that a question is about."""
    found = re.search(r"cup (\d+)", question)
    assert found is not None, question
    return int(found[1])


def by_number(question: str) -> str:
    """Every third answer is wrong and every tenth says nothing."""
    number = number_in(question)
    if number % 10 == 9:
        return "I cannot see it."
    return OUTSIDE if number % 3 == 0 else INSIDE


def question_of(path: str, content: Any) -> str:
    if path == "/query":
        return str(content["text"])
    if path.endswith("/chat/completions"):
        return str(content["messages"][0]["content"][-1]["text"])
    if ":generateContent" in path:
        return str(content["contents"][0]["parts"][-1]["text"])
    return str(content.get("object", content.get("question")))


def reply_of(path: str, text: str) -> Any:
    if path == "/query":
        return {"result": 1, "answer": text}
    if path.endswith("/chat/completions"):
        return {"choices": [{"message": {"role": "assistant", "content": text}}]}
    if ":generateContent" in path:
        return {"candidates": [{"content": {"parts": [{"text": "thinking", "thought": True}, {"text": text}]}}]}
    return {"request_id": "1", "points": [{"x": 0.6, "y": 0.5}]} if path == "/v1/point" else {"answer": text}


def _handler(traffic: Traffic) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["content-length"])))
            question = question_of(self.path, content)
            number = traffic.begin(self.path, dict(self.headers.items()), content, question)
            try:
                self.respond(question, traffic.fault(question, number))
            finally:
                traffic.end()

        def respond(self, question: str, fault: str | None) -> None:
            if fault == "stall":
                time.sleep(traffic.stall)
                fault = "cut"  # whoever waited has gone
            if fault == "cut":
                self.close_connection = True
                return
            if fault == "html":
                self.send(200, b"<!doctype html><title>Sign\nin</title>", "text/html")
            elif fault == "no model":
                self.send(404, b'{"error": {"message": "The model m does\\nnot exist", "code": 404}}')
            elif fault == "garbage":
                self.send(200, b"no JSON")
            elif fault == "odd":
                self.send(200, b'{"other": 1}')
            elif fault is not None:
                self.send(int(fault), b"<html>Bad gateway</html>", "text/html")
            else:
                self.send(200, json.dumps(reply_of(self.path, traffic.answer(question))).encode())

        def send(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            if status in (429, 301):
                name, value = ("retry-after", traffic.retry_after) if status == 429 else ("location", "/x")
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    return Handler


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news."""


@contextmanager
def running_server(traffic: Traffic) -> Iterator[str]:
    """The address of a server that runs meanwhile."""
    server = _QuietServer(("127.0.0.1", 0), _handler(traffic))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
