"""One chat request over a socket of our own, and all that comes back for it."""

import contextlib
import json
import re
import socket
import time

from harness import LIMIT_S

TOKENS = 12
ASK = {"messages": [{"role": "user", "content": "Say a few words."}], "max_tokens": TOKENS,
       "ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}}
# Ends a hang, or says that a server has nothing more to send; no fault is judged by it.
PATIENCE_S = 1.0


def connect(sim):
    """A connection to the engine, without TLS."""
    host, _, port = sim.url.partition("://")[2].rpartition(":")
    return socket.create_connection((host, int(port)), timeout=LIMIT_S)


class Wire:
    """What came back for one request: the bytes, when each read came, and how it ended."""

    def __init__(self, sim, fault, connection=None, patience_s=PATIENCE_S, **changes):
        body = json.dumps({**ASK, **changes}).encode()
        head = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
                f"X-Tacho-Fault: {fault}\r\n\r\n").encode()
        self.reads, self.end = [], None
        try:
            self.connection = connection or connect(sim)
        except ConnectionResetError:  # So soon that it is connecting that hears of it.
            self.end = "reset"
            return
        self.connection.settimeout(patience_s)
        self.sent = time.monotonic()
        self.read(head + body)

    def read(self, request):
        try:
            self.connection.sendall(request)
            while not self.is_complete():
                data = self.connection.recv(1 << 20)
                if not data:
                    self.end = "end"
                    return
                self.reads.append((time.monotonic(), data))
            self.end = "complete"
        except TimeoutError:
            self.end = "silence"
        except ConnectionError:
            self.end = "reset"

    def is_complete(self):
        head, mark, rest = self.raw.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if length:
            return bool(mark) and len(rest) == int(length.group(1))
        return bool(re.search(rb"\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n$", self.raw))

    @property
    def raw(self):
        return b"".join(data for _, data in self.reads)

    @property
    def status(self):
        return int(self.raw.split(b" ", 2)[1])

    @property
    def head(self):
        return self.raw.partition(b"\r\n\r\n")[0].decode().lower()

    def with_body(self, body):
        """The same answer with another body, as one that was decoded."""
        other = object.__new__(Wire)
        head = re.sub(rb"\r\ntransfer-encoding[^\r]*", b"", self.raw.partition(b"\r\n\r\n")[0])
        other.end, other.reads = self.end, [(0, head + b"\r\n\r\n" + body)]
        return other

    @property
    def body(self):
        """Without the framing, as far as it goes."""
        data = self.raw.partition(b"\r\n\r\n")[2]
        if "transfer-encoding" not in self.head:
            return data
        out = b""
        while match := re.match(rb"([0-9a-f]+)[^\r]*\r\n", data):
            size = int(match.group(1), 16)
            out += data[match.end():match.end() + size]
            data = data[match.end() + size + 2:]
        return out

    @property
    def events(self):
        """The data of each event that is JSON."""
        found = []
        for data in re.findall(rb"^data: ?(\{[^\r\n]*\})\r?$", self.body, re.M):
            with contextlib.suppress(ValueError):
                found.append(json.loads(data))
        return found

    @property
    def text(self):
        return "".join(choice["delta"].get("content") or "" for event in self.events
                       for choice in event.get("choices", ()))

    @property
    def usage(self):
        return [event["usage"] for event in self.events if event.get("usage")]

    @property
    def reasons(self):
        return [choice["finish_reason"] for event in self.events
                for choice in event.get("choices", ()) if choice["finish_reason"]]
