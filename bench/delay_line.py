"""A network path of a chosen length between two namespaces of this machine.

Two tun devices, each in a namespace of its own, and a thread that carries packets from one to the
other and lets each wait: connections, handshakes and acknowledgements are as slow as over a real
way. Needs root and /dev/net/tun; nothing outside the two namespaces is touched.
"""
import contextlib
import ctypes
import fcntl
import heapq
import os
import select
import struct
import subprocess
import threading
import time

_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADER = 0x1001


def why_not():
    """Why there can be none here, or None."""
    if os.geteuid() != 0:
        return "namespaces need root"
    if not os.path.exists("/dev/net/tun"):
        return "there is no /dev/net/tun"
    probe = subprocess.run(["ip", "netns", "add", "tacho-probe"], capture_output=True, check=False)
    if probe.returncode != 0:
        return "network namespaces cannot be made here"
    subprocess.run(["ip", "netns", "del", "tacho-probe"], check=False)
    return None


class DelayLine:
    """`with DelayLine(0.030) as line:` 30 ms each way; line.client and line.server are prefixes of
    commands that are to run at either end, line.address is the server's."""
    address = "10.99.0.2"
    client = ["ip", "netns", "exec", "tacho-client"]
    server = ["ip", "netns", "exec", "tacho-server"]

    def __init__(self, seconds):
        self.seconds = seconds
        self._ends = False

    def __enter__(self):
        self._tear_down()
        self._files = [self._open("tacho-client", "10.99.0.1"),
                       self._open("tacho-server", self.address)]
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends = True
        self._thread.join()
        for file in self._files:
            os.close(file)
        self._tear_down()

    @staticmethod
    def _tear_down():
        for name in ("tacho-client", "tacho-server"):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    @staticmethod
    def _open(namespace, address):
        def run(*words):
            subprocess.run(["ip", *words], check=True)
        run("netns", "add", namespace)
        inside = ["netns", "exec", namespace, "ip"]
        file = _in_namespace(namespace, _open_tun)
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "addr", "add", address + "/24", "dev", "tacho0")
        run(*inside, "link", "set", "tacho0", "up", "txqueuelen", "10000")
        return file

    def _carry(self):
        waiting, number = [], 0
        while not self._ends:
            left = 0.05 if not waiting else max(0.0, min(0.05, waiting[0][0] - time.monotonic()))
            ready, _, _ = select.select(self._files, [], [], left)
            for file in ready:
                packet = os.read(file, 65536)
                other = self._files[1 - self._files.index(file)]
                number += 1
                heapq.heappush(waiting, (time.monotonic() + self.seconds, number, other, packet))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, other, packet = heapq.heappop(waiting)
                with contextlib.suppress(OSError):  # A lost packet, as on any way.
                    os.write(other, packet)


def _open_tun():
    file = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", b"tacho0", _TUN_WITHOUT_HEADER))
    return file


def _in_namespace(name, action):
    """Calls the action on a thread that has entered the namespace."""
    result = []

    def enter():
        with open("/var/run/netns/" + name, encoding="ascii") as place:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(place.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        result.append(action())
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    return result[0]
