"""`tacho monitor` on a terminal: a pseudo-terminal whose keys are pressed here."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

import harness
from harness import BINARY, Sim, end, equal, start, tacho, test, true, wait_for

LEAVE = b"\x1b[?1049l"  # Back to the main screen (xterm).


class Screen:
    """`tacho monitor` on a pseudo-terminal."""

    def __init__(self, *arguments, columns=80, lines=24, term="xterm-256color"):
        self.keyboard, self.terminal = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self.terminal)
        self.bytes = b""
        self.process = start([BINARY, "monitor", "--interval", "0.2", *arguments],
                             stdin=self.terminal, stdout=self.terminal, stderr=subprocess.PIPE,
                             env=harness.environment(TERM=term), start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)
        os.close(self.keyboard)
        os.close(self.terminal)

    def resize(self, columns, lines):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self):
        """What has been written so far, without the escape sequences."""
        while select.select([self.keyboard], [], [], 0)[0]:
            self.bytes += os.read(self.keyboard, 1 << 16)
        text = self.bytes.decode("utf-8", "replace")
        return re.sub(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>78M])", "", text)

    def forget(self):
        self.read()
        self.bytes = b""

    def press(self, keys):
        self.forget()
        os.write(self.keyboard, keys.encode())

    def wait(self, text):
        wait_for(f"'{text}' on the screen", lambda: text in self.read())

    def wait_end(self):
        """The exit code, while what it still writes is read away."""
        wait_for("the end", lambda: (self.read(), self.process.poll() is not None)[1])
        self.read()
        return self.process.returncode

    def check_restored(self):
        equal("the terminal's settings", termios.tcgetattr(self.terminal), self.before)
        true("the main screen is back", LEAVE in self.bytes)


@test
def the_screen_shows_engine_and_host_takes_keys_and_quits():
    """Panels, help, the window of rates, and q gives the terminal back."""
    with Sim() as sim, Screen("--engine", sim.url) as screen:
        for text in ("tacho monitor", "Devices", "Engines", "CPU", "Processes"):
            screen.wait(text)
        screen.press("?")
        screen.wait("send INT, TERM, KILL")
        screen.forget()
        screen.press("x")
        screen.wait("Processes")
        # Only what changed is written; after ^L that is everything.
        screen.press("w\x0c")
        screen.wait("last 60 s")
        screen.press("q")
        equal("exit code", screen.wait_end(), 0)
        screen.check_restored()


@test
def the_screen_follows_the_size_of_its_window():
    """A larger window is filled, one that is too small says so."""
    with Screen("--no-devices") as screen:
        screen.wait("Processes")
        screen.forget()
        screen.resize(30, 8)
        os.kill(screen.process.pid, signal.SIGWINCH)
        screen.wait("needs 40")
        screen.forget()
        screen.resize(120, 50)
        os.kill(screen.process.pid, signal.SIGWINCH)
        screen.wait("NET")
        screen.press("\x03")
        equal("exit code", screen.wait_end(), 130)
        screen.check_restored()


@test
def a_signal_or_a_crash_gives_the_terminal_back():
    """SIGTERM and SIGHUP end it as ^C does; SIGABRT stands for a crash."""
    for number, code in ((signal.SIGTERM, 130), (signal.SIGHUP, 130),
                         (signal.SIGABRT, -signal.SIGABRT)):
        with Screen("--no-devices") as screen:
            screen.wait("Processes")
            screen.process.send_signal(number)
            equal(f"exit code after {number.name}", screen.wait_end(), code)
            screen.check_restored()


@test
def a_terminal_of_an_unknown_type_is_taken_for_an_xterm():
    """Containers know few types."""
    with Screen("--no-devices", "--ascii", term="no-such-terminal") as screen:
        screen.wait("Processes")
        screen.press("q")
        equal("exit code", screen.wait_end(), 0)
        true("ASCII only", not re.search(rb"[\x80-\xff]", screen.bytes))


@test
def a_monitor_can_be_watched_from_another_machine():
    """--connect shows what --listen sees, and says when it is gone."""
    with Sim() as sim:
        address = f"127.0.0.1:{harness.free_port()}"
        there = start([BINARY, "monitor", "--engine", sim.url, "--listen", address],
                      stderr=subprocess.PIPE)
        there.stderr.readline()
        wait_for("its first reading",
                 lambda: "tacho_engine_up" in harness.get(f"http://{address}/metrics")[1])
        seen = json.loads(tacho("monitor", "--connect", address, "--once", "--json").expect().out)
        kinds = {subject["kind"] for subject in seen["subjects"]}
        true(f"engine and host: {kinds}", {"engine", "host"} <= kinds)
        with Screen("--connect", address) as screen:
            screen.wait("(remote)")
            screen.wait("Engines")
            screen.press("q")
            equal("exit code", screen.wait_end(), 0)
        end(there)
        tacho("monitor", "--connect", address, "--once").expect(out=address)


@test
def the_table_of_one_reading_is_plain_text():
    """--once: devices, engines and host, 100 columns, no escape sequences."""
    with Sim() as sim:
        done = tacho("monitor", "--engine", sim.url, "--once")
        out = done.expect(out="(?s)Devices.*Engines.*Host").out
        true("no escape sequences", "\x1b" not in out)
        true("100 columns", max(len(line) for line in out.splitlines()) <= 100)
