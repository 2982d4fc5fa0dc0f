"""Who takes part in bench/peers: how each is installed, called, and read.

A tool gives a command for a load, and what it reported: mean, p50 and p99 of time to first token
and of the gaps between chunks, in ms, under its own names. Each gets the flags that its
documentation gives for high load; `workers` are the counts of workers to try where it has them.
"""
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import zipfile

from measure import BUILD, ROOT, TACHO

_CACHE = os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")
PEERS = pathlib.Path(_CACHE) / "tacho/peers"
MODEL = "bench"


@dataclasses.dataclass(frozen=True)
class Load:
    """Closed loop: `streams` at a time, `requests` in all, each of `tokens` tokens."""
    url: str
    port: str
    streams: int
    requests: int
    tokens: int
    seconds: float


def _figures(mean, p50, p99):
    return {"mean": mean, "p50": p50, "p99": p99}


class Tool:
    """A load generator. `why_not` says why it cannot take part."""
    name = ""
    language = ""
    workers = (None,)
    why_not = None
    keeps_time = False  # It stops after load.seconds instead of load.requests.

    def install(self):
        """Makes it ready where it is not; sets why_not where that is impossible."""

    def command(self, load, folder, workers):
        raise NotImplementedError

    def env(self, _workers):
        return {}

    def help_command(self):
        """What its start costs is measured with."""
        raise NotImplementedError

    def size_bytes(self):
        return _size(PEERS / self.name)

    def report(self, _folder, _usage):
        """{'ttft_ms': …, 'gap_ms': …, 'says': …}; what it does not tell is missing."""
        return {}


def _size(path):
    if path.is_file():
        return path.stat().st_size
    return sum(entry.stat().st_size for entry in path.rglob("*")
               if entry.is_file() and not entry.is_symlink())


def tokenizer():
    """A folder with tacho's own tokenizer as Hugging Face's loader wants it: nobody needs a net."""
    folder = PEERS / "tokenizer"
    if not (folder / "tokenizer_config.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "data/tokenizer.json", folder)
        (folder / "tokenizer_config.json").write_text(
            '{"tokenizer_class": "PreTrainedTokenizerFast"}', encoding="utf-8")
    return folder


def _quietly(*command, **options):
    """Runs an installer. None, or the last line of what it said."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False, **options)
    except OSError as error:
        return str(error)
    lines = (done.stderr + done.stdout).strip().splitlines() or ["no word"]
    return None if done.returncode == 0 else lines[-1]


class Limit(Tool):
    """A bare epoll loop that reads and counts: bench/limit.cpp."""
    name, language, keeps_time = "limit", "C++", True

    def command(self, load, folder, workers):
        return [BUILD / "tacho_bench_limit", "--port", load.port, "--streams", load.streams,
                "--seconds", load.seconds, "--tokens", load.tokens]

    def help_command(self):
        return [BUILD / "tacho_bench_limit", "--port", "1"]

    def size_bytes(self):
        return _size(BUILD / "tacho_bench_limit")


class Tacho(Tool):
    """tacho, with one way of taking stamps."""
    language = "C++"

    def __init__(self, stamps):
        self.stamps = stamps
        self.name = f"tacho-{stamps}"
        self.flags = []

    def install(self):
        try:
            text = subprocess.run([TACHO, "bench", "--help"], capture_output=True, text=True,
                                  check=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            self.why_not = f"{error}: build it first"
            return
        if "--stamps" in text:
            self.flags = ["--stamps", self.stamps]
        elif self.stamps != "socket":
            self.why_not = "this tacho has no --stamps"

    def command(self, load, folder, workers):
        return [TACHO, "bench", "--url", load.url, "--concurrency", load.streams, "--num-prompts",
                load.requests, "--input-tokens", 32, "--output-tokens", load.tokens, "--threads", 1,
                *self.flags, "--quiet", "--out", folder / "run"]

    def help_command(self):
        return [TACHO, "--help"]

    def size_bytes(self):
        return _size(pathlib.Path(TACHO))

    def report(self, folder, usage):
        run = json.loads((folder / "run/run.json").read_text(encoding="utf-8"))
        cell = run["summary"]["cells"][0]
        figures = {ours: _figures(cell[key]["mean"], cell[key]["p50"], cell[key]["p99"])
                   for ours, key in (("ttft_ms", "ttft_ms"), ("gap_ms", "chunk_gap_ms"))
                   if key in cell}
        return {**figures, "says": _verdict(cell["verdict"]),
                "workers_cpu_s": run["instrument"]["0"].get("cpu_s")}


def _verdict(verdict):
    if isinstance(verdict, str):
        return verdict
    reasons = [str(reason.get("text", reason) if isinstance(reason, dict) else reason)
               for reason in verdict.get("reasons", [])]
    word = "valid" if verdict.get("valid") else "INVALID"
    return "; ".join([word, *reasons])


class PythonTool(Tool):
    """A tool from PyPI in an environment of its own."""
    language = "Python"
    package = ""

    def install(self):
        home = PEERS / self.name
        if (home / "bin" / self.name).exists():
            return
        uv = shutil.which("uv") or PEERS / "uv/bin/uv"
        if not pathlib.Path(uv).exists():
            PEERS.mkdir(parents=True, exist_ok=True)
            self.why_not = (_quietly("python3", "-m", "venv", PEERS / "uv")
                            or _quietly(PEERS / "uv/bin/pip", "install", "-q", "uv"))
        self.why_not = (self.why_not or _quietly(uv, "venv", "-q", "--clear", home)
                        or _quietly(uv, "pip", "install", "-q", "--python", home / "bin/python",
                                    self.package))

    def help_command(self):
        return [PEERS / self.name / "bin" / self.name, "--help"]


class AIPerf(PythonTool):
    """NVIDIA's AIPerf: services over ZeroMQ, so many worker processes."""
    name = package = "aiperf"
    workers = (1, 2, 4)

    def command(self, load, folder, workers):
        return [PEERS / "aiperf/bin/aiperf", "profile", "--model", MODEL, "--url", load.url,
                "--endpoint-type", "chat", "--streaming", "--tokenizer", tokenizer(),
                "--use-server-token-count", "--concurrency", load.streams, "--request-count",
                load.requests, "--isl", 32, "--isl-stddev", 0, "--osl", load.tokens, "--osl-stddev",
                0, "--num-dataset-entries", min(load.requests, 1000), "--workers-max", workers,
                "--record-processors", 1, "--ui", "none", "--no-gpu-telemetry",
                "--no-server-metrics", "--export-level", "summary", "--artifact-dir", folder]

    def env(self, _workers):
        # Its documentation asks for this above 2,500 streams.
        return {"AIPERF_HTTP_CONNECTION_LIMIT": "10000"}

    def report(self, folder, usage):
        result = json.loads(next(folder.rglob("profile_export_aiperf.json"))
                            .read_text(encoding="utf-8"))
        keys = (("ttft_ms", "time_to_first_token"), ("gap_ms", "inter_chunk_latency"))
        return {ours: _figures(result[key]["avg"], result[key]["p50"], result[key]["p99"])
                for ours, key in keys if key in result}


class EvalScope(PythonTool):
    """ModelScope's EvalScope perf: one asyncio loop."""
    name, package = "evalscope", "evalscope[perf]"
    workers = (1,)

    def command(self, load, folder, workers):
        return [PEERS / "evalscope/bin/evalscope", "perf", "--model", MODEL, "--url",
                load.url + "/v1/chat/completions", "--api", "openai", "--stream", "--parallel",
                load.streams, "--number", load.requests, "--dataset", "openqa", "--prompt",
                "Count from one to a hundred, please.", "--max-tokens", load.tokens,
                "--no-test-connection", "--num-workers", workers, "--log-every-n-query", 100000,
                "--outputs-dir", folder, "--no-timestamp"]

    def report(self, folder, usage):
        means = next(folder.rglob("benchmark_summary.json"))
        ranks = json.loads(means.with_name("benchmark_percentile.json").read_text(encoding="utf-8"))
        ranks = {rank["Percentiles"]: rank for rank in ranks}
        means = json.loads(means.read_text(encoding="utf-8"))
        return {ours: _figures(means[f"Avg {key}"], ranks["50%"][key], ranks["99%"][key])
                for ours, key in (("ttft_ms", "TTFT (ms)"), ("gap_ms", "ITL (ms)"))}


class Oha(Tool):
    """oha: a Rust load generator for HTTP. It times the first byte and the last."""
    name, language = "oha", "Rust"
    workers = (1, 2, 4)

    def install(self):
        if (PEERS / "oha/bin/oha").exists():
            return
        if shutil.which("cargo") is None:
            self.why_not = "needs cargo"
            return
        self.why_not = _quietly("cargo", "install", "-q", "oha", "--locked", "--root",
                                PEERS / "oha")

    def command(self, load, folder, workers):
        body = json.dumps({"model": MODEL, "stream": True, "max_tokens": load.tokens,
                           "stream_options": {"include_usage": True},
                           "messages": [{"role": "user", "content": "Count."}]})
        return [PEERS / "oha/bin/oha", "--no-tui", "--output-format", "json", "-c", load.streams,
                "-n", load.requests, "-m", "POST", "-T", "application/json", "-d", body,
                load.url + "/v1/chat/completions"]

    def env(self, workers):
        return {"TOKIO_WORKER_THREADS": str(workers)}

    def help_command(self):
        return [PEERS / "oha/bin/oha", "--help"]

    def report(self, folder, usage):
        result = json.loads(usage.out)
        first = result["firstBytePercentiles"]
        mean = result["details"]["firstByte"]["average"]
        return {"ttft_ms": _figures(mean * 1e3, first["p50"] * 1e3, first["p99"] * 1e3)}


K6_SCRIPT = """
import http from 'k6/http';
export const options = { scenarios: { all: { executor: 'shared-iterations', vus: %d,
  iterations: %d, maxDuration: '10m' } }, discardResponseBodies: true,
  summaryTrendStats: ['avg', 'p(50)', 'p(99)'] };
const body = JSON.stringify({ model: 'bench', stream: true, max_tokens: %d,
  stream_options: { include_usage: true }, messages: [{ role: 'user', content: 'Count.' }] });
export default function () {
  http.post('%s/v1/chat/completions', body, { headers: { 'Content-Type': 'application/json' } });
}
"""


class K6(Tool):
    """Grafana's k6. It knows no events: it times the first byte and the last."""
    name, language = "k6", "Go"
    workers = (1, 2, 4)

    def install(self):
        if (PEERS / "k6/bin/k6").exists():
            return
        if shutil.which("go") is None:
            self.why_not = "needs go"
            return
        self.why_not = _quietly("go", "install", "go.k6.io/k6@latest",
                                env={**os.environ, "GOBIN": str(PEERS / "k6/bin")})

    def command(self, load, folder, workers):
        script = folder / "load.js"
        script.write_text(K6_SCRIPT % (load.streams, load.requests, load.tokens, load.url),
                          encoding="utf-8")
        return [PEERS / "k6/bin/k6", "run", "--quiet", "--no-usage-report", "--summary-export",
                folder / "summary.json", script]

    def env(self, workers):
        return {"GOMAXPROCS": str(workers)}

    def help_command(self):
        return [PEERS / "k6/bin/k6", "version"]

    def report(self, folder, usage):
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        waiting = summary["metrics"]["http_req_waiting"]
        return {"ttft_ms": _figures(waiting["avg"], waiting["p(50)"], waiting["p(99)"])}


class VllmBench(Tool):
    """vLLM's own Rust bench, out of the wheel that vLLM publishes; nothing else of it is kept."""
    name, language = "vllm-bench", "Rust"
    workers = (1, 2, 4)
    binary = PEERS / "vllm-bench/bin/vllm-rs"

    def install(self):
        if self.binary.exists():
            return
        self.binary.parent.mkdir(parents=True, exist_ok=True)
        self.why_not = _quietly("python3", "-m", "pip", "download", "-q", "--no-deps",
                                "--only-binary", ":all:", "-d", PEERS / "vllm-bench", "vllm")
        if self.why_not:
            return
        wheel = next((PEERS / "vllm-bench").glob("*.whl"))
        try:
            with zipfile.ZipFile(wheel) as parts:
                self.binary.write_bytes(parts.read("vllm/vllm-rs"))
            self.binary.chmod(0o755)
        except KeyError as error:
            self.why_not = str(error)
        wheel.unlink()

    def command(self, load, folder, workers):
        return [self.binary, "bench", "serve", "--backend", "openai-chat", "--base-url", load.url,
                "--model", MODEL, "--tokenizer", tokenizer(), "--dataset-name", "random",
                "--random-input-len", 32, "--random-output-len", load.tokens, "--ignore-eos",
                "--num-prompts", load.requests, "--max-concurrency", load.streams,
                "--percentile-metrics", "ttft,tpot,itl", "--metric-percentiles", "50,99",
                "--disable-tqdm", "--save-result", "--result-dir", folder]

    def env(self, workers):
        return {"TOKIO_WORKER_THREADS": str(workers)}

    def help_command(self):
        return [self.binary, "bench", "serve", "--help"]

    def report(self, folder, usage):
        result = json.loads(next(folder.glob("*.json")).read_text(encoding="utf-8"))
        return {ours: _figures(result[f"mean_{key}_ms"], result[f"p50_{key}_ms"],
                               result[f"p99_{key}_ms"])
                for ours, key in (("ttft_ms", "ttft"), ("gap_ms", "itl"))}


def all_tools():
    """In the order in which they run."""
    return [Limit(), Tacho("socket"), Tacho("tap"), VllmBench(), Oha(), K6(), AIPerf(), EvalScope()]


def printed_error(usage):
    """The line of a failed tool's output that says most."""
    lines = [line.strip() for line in (usage.err + "\n" + usage.out).splitlines() if line.strip()]
    marked = [line for line in lines if re.search(r"error|fail|killed|exception", line, re.I)]
    return (marked or lines or ["no word"])[-1][:200]
