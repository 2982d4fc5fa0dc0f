"""The screen as a person sees it: in tmux, 80 × 24 and 200 × 50, with eight GPUs of a stand-in
library, one of them in parts, a fault, clocks held down, an engine, and a mouse."""

import os
import re
import shutil
import subprocess

from harness import BINARY, ROOT, Sim, Skip, end, equal, new_folder, start, test, true, wait_for
from test_devices import StandIn

SCRIPT = ROOT / "tests/stand_in/eight_h100.txt"


class Tmux:
    """`tacho monitor` in a window of a tmux of its own."""

    def __init__(self, stand_in, *arguments, columns=80, lines=24):
        if not shutil.which("tmux"):
            raise Skip("there is no tmux here")
        self.socket = new_folder("tmux") / "socket"
        words = [BINARY, "monitor", "--interval", "0.2", *map(str, stand_in.flags), *arguments]
        self.run("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", lines,
                 "env", f"TACHO_STAND_IN={stand_in.environment['TACHO_STAND_IN']}", *words)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False,
                       capture_output=True)

    def run(self, *words):
        done = subprocess.run(["tmux", "-S", self.socket, *map(str, words)], check=False,
                              capture_output=True, text=True, env={**os.environ, "LANG": "C.UTF-8"})
        equal(f"tmux {words[0]}: {done.stderr}", done.returncode, 0)
        return done.stdout

    def rows(self, *flags):
        return self.run("capture-pane", "-p", *flags).split("\n")[:-1]

    def wait(self, pattern):
        """The rows, once one of them has the pattern."""
        def look():
            rows = self.rows()
            return rows if any(re.search(pattern, row) for row in rows) else None
        try:
            return wait_for(f"'{pattern}' on the screen", look)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n" + "\n".join(self.rows())) from None

    def press(self, keys):
        self.run("send-keys", "-l", keys)

    def mouse(self, button, column, row):
        """An event as tmux' terminal type sends it (X10): 0 left, 3 released, 65 wheel down."""
        self.press("\x1b[M" + chr(32 + button) + chr(33 + column) + chr(33 + row))

    def click(self, column, row):
        self.mouse(0, column, row)
        self.mouse(3, column, row)


def row_of(rows, pattern):
    return next(i for i, row in enumerate(rows) if re.search(pattern, row))


def stand_in_with(*processes):
    lines = [f"process {gpu} {process.pid} compute {mib} 40 20\n"
             for gpu, process, mib in processes]
    return StandIn(SCRIPT.read_text() + "".join(lines))


def check_devices(rows, columns):
    """Eight GPUs, two parts, each with its memory; no heading twice; the window is kept."""
    true("no row is wider than the window", max(len(row) for row in rows) <= columns)
    for gpu in range(8):
        true(f"GPU {gpu}", any(re.match(rf" +{gpu} .*\d+C P0", row) for row in rows))
    for part in ("7:0", "7:1"):
        true(f"part {part}", sum(f" {part} " in row for row in rows) == 1)
    equal("rows of held clocks", sum("P0!" in row for row in rows), 1)
    for heading in ("Devices", "Engines", "Processes"):
        equal(f"the heading {heading}", sum(f"─ {heading} ─" in row for row in rows), 1)
    true("Remarks", sum(row.count("Remarks") for row in rows) <= 1)


@test
def eighty_columns_show_what_counts():
    """80 × 24: all devices, the engine's row, the host, processes, what should be read, keys."""
    with Sim() as sim, Tmux(stand_in_with(), "--engine", sim.url) as screen:
        screen.wait("reports fault 63")
        rows = screen.wait(r"^ vllm .* \d")
        equal("rows", len(rows), 24)
        check_devices(rows, 80)
        true("the host", any(row.startswith(" CPU ") for row in rows))
        true("the keys stand last", rows[-1].startswith(" ? help  q quit"))


@test
def a_large_window_shows_all():
    """200 × 50: two lines for each device, remarks in words, graphs in braille, all columns."""
    with Sim() as sim, Tmux(stand_in_with(), "--engine", sim.url, columns=200,
                            lines=50) as screen:
        screen.wait("fault 63, 94|fault 94, 63")
        rows = screen.wait(r"^ vllm .* \d")
        equal("rows", len(rows), 50)
        check_devices(rows, 200)
        for text in ("throttled: power_cap, thermal_hardware", "PCIe x8 of x16", "MIG 0: 3g.40gb",
                     "PCIe ↓/↑", "Link ↓/↑", "Fail/s", "Restarts", "a f c layout"):
            equal(f"rows with {text}", sum(text in row for row in rows), 1)
        wait_for("graphs", lambda: any(re.search("[⠀-⣿]{2}", row.replace(" ", ""))
                                       for row in screen.rows()))
        true("red and green", {"38;5;203", "38;5;77"} <= set(re.findall(
            r"\x1b\[(38;5;\d+)m", "\n".join(screen.rows("-e")))))


@test
def a_mouse_orders_selects_and_scrolls():
    """A heading orders, a row is selected, the wheel goes on; a signal goes to that process."""
    small, large = start(["sleep", "3600"]), start(["sleep", "3601"])
    with Tmux(stand_in_with((0, small, 512), (1, large, 1024)), "--no-host",
              lines=36) as screen:
        rows = screen.wait("2 processes")
        heading = row_of(rows, "GPU-MEM")
        screen.click(rows[heading].index("GPU-MEM") + 2, heading)
        rows = screen.wait("GPU-MEM▼")
        true("the larger one is first", f" {large.pid} " in rows[heading + 1])
        screen.click(30, heading + 1)
        screen.press("T")
        screen.wait(f"Send SIGTERM to process {large.pid}")
        screen.wait("sleep 3601")
        screen.press("n")
        screen.wait("2 processes")
        screen.mouse(65, 30, heading + 1)
        screen.press("K")
        screen.wait(f"Send SIGKILL to process {small.pid}")
        screen.press("y")
        screen.wait("SIGKILL sent to 1 process")
        equal("it is dead", small.wait(timeout=60), -9)
        equal("the other one is not", large.poll(), None)
        end(large)


@test
def colours_of_a_light_background():
    """--light has darker ones, --no-color none."""
    for flag, codes in (("--light", {"38;5;160", "38;5;28"}), ("--no-color", set())):
        with Tmux(stand_in_with(), flag) as screen:
            screen.wait("reports fault")
            found = set(re.findall(r"\x1b\[(38;5;\d+)m", "\n".join(screen.rows("-e"))))
            true(f"{flag}: {found}", codes <= found and (codes or not found))
