"""`tacho calibrate`: what it prints and keeps, and what later runs say of it. No figure is judged
by its size: machines differ, and so do moments."""

import json
import pathlib
import resource
import signal
import subprocess

from harness import BINARY, Sim, bench, end, environment, equal, new_folder, start, tacho, test, \
    true, wait_for

VERDICTS = {"ok", "client-bound", "engine-bound", "failed"}
SMALL = ("--concurrency", "2", "--num-prompts", "4", "--input-tokens", "20", "--output-tokens",
         "6")


class Place:
    """A cache and a folder for temporary files of a test's own."""

    def __init__(self):
        self.path = new_folder("calibrate")
        self.temporary = self.path / "tmp"
        self.temporary.mkdir()
        self.environment = environment(XDG_CACHE_HOME=str(self.path / "cache"),
                                       TMPDIR=str(self.temporary))
        self.certificate = pathlib.Path(self.path, "cache/tacho/certificate.json")

    def read(self):
        return json.loads(self.certificate.read_text())

    def write(self, certificate):
        self.certificate.parent.mkdir(parents=True, exist_ok=True)
        self.certificate.write_text(json.dumps(certificate))

    def certificate_of_a_run(self, sim, *arguments):
        done = bench(*(arguments or SMALL), url=sim.url, env=self.environment).expect(0)
        return done, done.run.manifest["instrument"]["certificate"]


@test
def calibrate_and_what_later_runs_say():
    """Levels with their figures, the certificate kept, and each later report names it."""
    place = Place()
    with Sim() as sim:
        done, of_run = place.certificate_of_a_run(sim)
        equal("before", of_run["status"], "none")
        true("the table says so", "not calibrated: run tacho calibrate" in done.out)

        done = tacho("calibrate", "--streams", "1,8", "--seconds", "1", "--json", "--quiet",
                     env=place.environment).expect(0)
        printed = json.loads(done.out)
        equal("nothing on standard error", done.err, "")
        equal("kept", place.read(), printed)
        equal("nothing is left behind", list(place.temporary.iterdir()), [])
        equal("streams", [level["streams"] for level in printed["levels"]], [1, 8])
        for level in printed["levels"]:
            true("verdict", level["verdict"] in VERDICTS)
            equal("asked", level["asked_per_s"], 50.0 * level["streams"])
            # A second at 50 tokens/s is five answers of ten tokens.
            equal("requests", level["requests"], 5 * level["streams"])
            equal("events", level["events"], 50 * level["streams"])
            true("something came", level["carried_per_s"] > 0)
            true("CPU", level["client_cpu_us_per_event"] > 0)
            for key in ("ttft_error_ms", "gap_error_ms", "send_error_ms", "truth_width_ms"):
                figures = level[key]
                true(key, 0 <= figures["p50"] <= figures["p99"] <= figures["max"])
            true("a write takes time", level["truth_width_ms"]["p50"] > 0)

        done, of_run = place.certificate_of_a_run(sim)
        equal("after", of_run["status"], "valid")
        equal("levels", of_run["levels"], printed["levels"])
        true("the table carries it", f"        {of_run['text']}\n" in done.out)
        true("the page carries it", of_run["text"].split(",")[0] in done.run.text("report.html"))
        true("no host name", printed["machine"]["host"] not in json.dumps(of_run))
        again = tacho("report", done.run.path, "--no-write").expect(0)
        true("so does a later report", f"        {of_run['text']}\n" in again.out)


def ok_level(streams):
    none = {"p50": 0.0, "p99": 0.01, "max": 0.1}
    return {"streams": streams, "carried_per_s": 1e6, "stamps": "socket", "verdict": "ok",
            "ttft_error_ms": none}


@test
def a_certificate_of_other_times():
    """Outdated ones are named and not used; a load beyond it gets a note; a damaged one is none."""
    place = Place()
    tacho("calibrate", "--streams", "1", "--seconds", "0.2", "--quiet",
          env=place.environment).expect(0)
    fresh = place.read()
    with Sim() as sim:
        place.write({**fresh, "levels": [ok_level(1)]})
        done, of_run = place.certificate_of_a_run(sim, "--stamps", "socket", *SMALL) \
            if has_stamps() else place.certificate_of_a_run(sim)
        equal("status", of_run["status"], "valid")
        notes = [note for note in done.run.manifest["notes"] if "calibrated for" in note]
        equal("notes", notes, ["this load is beyond what this machine was calibrated for: "
                               "2 streams, calibrated to 1"])
        true("in the table", f"note: {notes[0]}" in done.out)
        place.write({**fresh, "machine": {**fresh["machine"], "kernel": "2.4.18"}})
        done, of_run = place.certificate_of_a_run(sim)
        equal("status", of_run["status"], "outdated")
        true("why", "on kernel 2.4.18: outdated, run tacho calibrate" in done.out)
        place.certificate.write_text("{")
        equal("damaged", place.certificate_of_a_run(sim)[1]["status"], "none")


def has_stamps():
    return "--stamps" in tacho("bench", "--help").out


@test
def a_busy_loop_on_the_clients_core():
    """With it a run stays within its bounds of the truth, or is marked: never neither."""
    place = Place()
    done = tacho("calibrate", "--streams", "64", "--seconds", "1", "--hog", "--json", "--quiet",
                 env=place.environment).expect(0)
    hog = json.loads(done.out)["hog"]
    equal("streams", hog["streams"], 64)
    # "wrong" is the verdict on errors beyond the bound in a run that calls itself valid.
    true(f"{hog['verdict']}: {hog['reason']}", hog["verdict"] in VERDICTS)
    true("the certificate is of the machine without it", "hog" not in place.read())


@test
def calibrate_for_people():
    """A table on standard output, progress on standard error, a last line that says it all."""
    place = Place()
    done = tacho("calibrate", "--streams", "2", "--seconds", "0.2", "--rate", "100",
                 env=place.environment)
    done.expect(0, err=r"calibrate: 2 streams × 100/s … [a-z-]+: \d+ events/s",
                out=r"streams +asked +carried")
    true("what it carries", " this machine carrie" in done.out)
    true("where it is", f" wrote {place.certificate}\n" in done.out)


@test
def no_more_streams_than_descriptors():
    """Levels that do not fit into the descriptors are not tried, and it is said."""
    place = Place()
    done = tacho("calibrate", "--streams", "1,500", "--seconds", "0.2", env=place.environment,
                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)))
    done.expect(0, out=r"note: 500 streams need more than the 200 descriptors allowed here")
    equal("levels", len(place.read()["levels"]), 1)


@test
def an_interrupted_calibration():
    """Ctrl-C ends it and everything it started; no certificate, nothing left behind."""
    place = Place()
    process = start([BINARY, "calibrate", "--streams", "2", "--seconds", "60"],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=place.environment)
    try:
        wait_for("a level to run", lambda: list(place.temporary.glob("*/2/requests.jsonl")))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        end(process)
    equal("exit code", process.returncode, 130)
    true("it says so", "no certificate was written" in err.decode())
    true("no certificate", not place.certificate.exists())
    equal("nothing is left behind", list(place.temporary.iterdir()), [])
