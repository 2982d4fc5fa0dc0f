"""A server that says exactly the bytes it is told to, with the cuts and pauses it is told to make.

An answer is a list of steps: bytes are sent as one piece, a number is a pause in seconds, and
RESET, CLOSE, SHUT (our side only) and HANG end it. The bytes are written here after what real
servers do; none is a recording.
"""

import json
import socket
import ssl
import struct
import threading
import time

RESET, CLOSE, SHUT, HANG = "reset", "close", "shut", "hang"
DONE = "data: [DONE]\n\n"


def event(text=None, role=None, finish=None, usage=None, **more):
    """One chunk of a chat stream."""
    delta = {key: value for key, value in (("role", role), ("content", text)) if value is not None}
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "tiny",
            "choices": [{"index": 0, "delta": {**delta, **more.pop("delta", {})},
                         "finish_reason": finish}], **more}
    if usage:
        body["usage"] = counts(*usage)
    return "data: " + json.dumps(body, ensure_ascii=False) + "\n\n"


def counts(prompt, completion):
    return {"prompt_tokens": prompt, "completion_tokens": completion,
            "total_tokens": prompt + completion}


def usage_event(prompt, completion):
    """vLLM's last chunk: token counts and no choices."""
    return "data: " + json.dumps({"id": "chatcmpl-1", "choices": [],
                                  "usage": counts(prompt, completion)}) + "\n\n"


def head(status="200 OK", content_type="text/event-stream; charset=utf-8", *lines):
    text = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", *lines, "", ""]
    return "\r\n".join(text).encode()


def chunk(data, extension=""):
    data = data if isinstance(data, bytes) else data.encode()
    return f"{len(data):x}{extension}\r\n".encode() + data + b"\r\n"


def stream(*events):
    """A chunked event stream, each event in a piece of its own; numbers are pauses."""
    pieces = [event if isinstance(event, (int, float)) else chunk(event) for event in events]
    return [head("200 OK", "text/event-stream", "Transfer-Encoding: chunked"), *pieces,
            b"0\r\n\r\n"]


def whole(status, body, content_type="application/json", *lines):
    """An answer with a length."""
    data = body if isinstance(body, bytes) else body.encode()
    return [head(status, content_type, f"Content-Length: {len(data)}", *lines) + data]


def in_pieces(steps, size, pause=0.0005):
    """The same bytes cut into pieces of that size, each sent alone."""
    data = b"".join(step for step in steps if isinstance(step, bytes))
    cut = []
    for at in range(0, len(data), size):
        cut += [data[at:at + size], pause]
    return cut


class Scripted:
    """Serves /v1/models, and for every POST the steps that `answer` gives.

    `answer` is a list of steps, or a function of the request's number (from 0), the number of the
    connection, and the request's number on it, which returns one.
    """

    def __init__(self, answer, models=("tiny",), tls=None, models_answer=None):
        listing = json.dumps({"object": "list", "data": [{"id": model} for model in models]})
        self._answer = answer
        self._models = models_answer or whole("200 OK", listing)
        self._tls = tls
        self._lock = threading.Lock()
        self._open = set()
        self.requests = []  # (head, body) of each POST, in the order of their arrival.
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    @property
    def bodies(self):
        return [json.loads(body) for _, body in self.requests]

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                number, self.connections = self.connections, self.connections + 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, plain, number):
        connection = plain
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                connection = self._tls.wrap_socket(plain, server_side=True)
            on_connection = 0
            while request := self._read(connection):
                is_post = request[0].startswith(b"POST")
                if not self._play(connection, self._steps(request, number, on_connection)):
                    break
                on_connection += is_post
        except (OSError, ssl.SSLError):
            pass  # The client went away, or does not trust us: what it says of it is the test.
        finally:
            with self._lock:
                self._open.discard(plain)
            connection.close()

    def _read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
            if data[0] == 0x16:  # A TLS handshake: plain servers say that they do not understand.
                connection.sendall(whole("400 Bad Request", "")[0])
                return None
        top, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in top.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            more = connection.recv(65536)
            if not more:
                return None
            body += more
        return top, body

    def _steps(self, request, number, on_connection):
        if not request[0].startswith(b"POST"):
            if request[0].split()[1].endswith(b"/v1/models"):
                return self._models
            return whole("404 Not Found", '{"detail":"Not Found"}')
        with self._lock:
            count = len(self.requests)
            self.requests.append(request)
        if callable(self._answer):
            return self._answer(count, number, on_connection)
        return self._answer

    def _play(self, connection, steps):
        """Performs the steps. False when the connection is over with them."""
        for step in steps:
            if step == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            if step == CLOSE:
                return False
            if step == SHUT:
                connection.shutdown(socket.SHUT_WR)
                step = HANG
            if step == HANG:
                connection.recv(1)  # Until the client gives up.
                return False
            if isinstance(step, bytes):
                connection.sendall(step)
            else:
                time.sleep(step)
        return True
