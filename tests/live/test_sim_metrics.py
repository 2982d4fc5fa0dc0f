"""The /metrics page of `tacho sim`: beside a real page of vLLM, under other engines' names, and
asked by a real Prometheus what vLLM's own dashboard asks."""

import collections
import json
import pathlib
import re
import shutil
import time
import urllib.parse

import harness
from harness import Sim, bench, equal, free_port, get, heavy_test, new_folder, start, tacho
from harness import test, true, wait_for

FIXTURE = pathlib.Path(__file__).with_name("vllm_0_32_metrics.txt")
LOAD = ("--concurrency", "4", "--num-prompts", "12", "--input-tokens", "40", "--output-tokens",
        "20")


def families(page):
    """Name -> (type, labels -> values, bounds of a histogram in their order)."""
    found = collections.OrderedDict()
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            found[name] = (kind, collections.OrderedDict(), [])
        elif line and not line.startswith("#"):
            name, labels = re.match(r"([^{ ]+)(?:\{(.*)\})? ", line).groups()
            if name not in found:
                name = re.sub("_(bucket|sum|count)$", "", name)
            for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""):
                if label == "le":
                    found[name][2].append(value)
                elif value not in found[name][1].setdefault(label, []):
                    found[name][1][label].append(value)
    return found


def fixture():
    """The same of the real page; labels whose values are open have none."""
    found = collections.OrderedDict()
    for line in FIXTURE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        head, _, bounds = line.partition(" | ")
        name, kind, *labels = head.split()
        pairs = [label.partition("=") for label in labels]
        found[name] = (kind, {label: values.split(",") if values else None
                              for label, _, values in pairs}, bounds.split())
    return found


@test
def the_same_families_as_vllm():
    """Every family of vLLM 0.32.0 is there, in its order, with its type, labels and buckets."""
    with Sim("--max-model-len", "1024") as sim:
        bench(*LOAD, url=sim.url).expect(0)
        ours = families(get(f"{sim.url}/metrics")[1])
    real = fixture()
    names = [name for name in ours if name.startswith("vllm:")]
    equal("families that one of them lacks", set(names) ^ set(real), set())
    for name, (kind, labels, bounds) in real.items():
        equal(f"type of {name}", ours[name][0], kind)
        equal(f"labels of {name}", set(ours[name][1]), set(labels))
        equal(f"bounds of {name}", ours[name][2], bounds)
        for label, values in labels.items():
            if values:
                equal(f"{label} of {name}", ours[name][1][label], values)


@test
def what_the_page_counts():
    """The figures are those of the requests that were served."""
    with Sim() as sim:
        run = bench(*LOAD, "--warmup", "0", "--no-ready-check", url=sim.url).expect(0).run
        truths = sim.truths().values()
        tokens = sum(truth["output_tokens"] for truth in truths)
        equal("prompts", sim.metric("vllm:prompt_tokens_total"),
              sum(truth["input_tokens"] for truth in truths))
        equal("tokens", sim.metric("vllm:generation_tokens_total"), tokens)
        equal("requests", sim.metric("vllm:request_success_total"), len(truths))
        for name in ("time_to_first_token_seconds", "e2e_request_latency_seconds",
                     "request_queue_time_seconds", "request_prefill_time_seconds",
                     "request_decode_time_seconds", "request_inference_time_seconds",
                     "request_time_per_output_token_seconds", "request_prompt_tokens",
                     "request_generation_tokens", "request_num_preemptions"):
            equal(name, sim.metric(f"vllm:{name}_count"), len(truths))
        equal("gaps", sim.metric("vllm:inter_token_latency_seconds_count"), tokens - len(truths))
        equal("tokens of all steps", sim.metric("vllm:iteration_tokens_total_sum"),
              tokens + sim.metric("vllm:prompt_tokens_total"))
        ttft = sum(truth["planned_ns"][0] - truth["received_ns"] for truth in truths) / 1e9
        true("TTFT", abs(sim.metric("vllm:time_to_first_token_seconds_sum") - ttft) < 1e-6)
        decode = sum(truth["planned_ns"][-1] - truth["planned_ns"][0] for truth in truths) / 1e9
        true("decode", abs(sim.metric("vllm:request_decode_time_seconds_sum") - decode) < 1e-6)
        equal("cache in use", sim.metric("vllm:kv_cache_usage_perc"), 0.0)
        equal("completed", run.cells[0]["completed"], 12)


# What each of the other dialects calls what vLLM calls so.
DIALECTS = {
    "sglang": ("sglang:num_running_reqs", "sglang:num_queue_reqs", "sglang:token_usage",
               "sglang:generation_tokens_total", "sglang:e2e_request_latency_seconds_count"),
    "tgi": ("tgi_batch_current_size", "tgi_queue_size", None,
            "tgi_request_generated_tokens_sum", "tgi_request_duration_count"),
    "llamacpp": ("llamacpp:requests_processing", "llamacpp:requests_deferred", None,
                 "llamacpp:tokens_predicted_total", None),
    "triton": ('nv_trt_llm_request_metrics request_type="scheduled"',
               "nv_inference_pending_request_count",
               'nv_trt_llm_kv_cache_block_metrics kv_cache_block_type="fraction"', None,
               "nv_inference_request_success"),
    "mindie": ("num_requests_running", "num_requests_waiting", "npu_cache_usage_perc",
               "generation_tokens_total", "e2e_request_latency_seconds_count"),
}


def value(page, name):
    name, _, label = name.partition(" ")
    found = [float(number) for labels, number
             in re.findall(rf"^{re.escape(name)}(?:{{(.*)}})? (\S+)$", page, re.M)
             if label in labels]
    equal(f"samples of {name} {label}", len(found), 1)
    return found[0]


@test
def other_engines_names():
    """--dialect: the same figures under the names of SGLang, TGI, llama.cpp, Triton and MindIE."""
    for dialect, (running, waiting, usage, tokens, requests) in DIALECTS.items():
        with Sim("--dialect", dialect) as sim:
            bench(*LOAD, "--no-ready-check", "--warmup", "0", url=sim.url).expect(0)
            page = get(f"{sim.url}/metrics")[1]
            equal(f"{dialect}: running", value(page, running), 0)
            equal(f"{dialect}: waiting", value(page, waiting), 0)
            for name, wanted in ((usage, 0), (tokens, 12 * 20), (requests, 12)):
                if name:
                    equal(f"{dialect}: {name}", value(page, name), wanted)
            found = families(page)
            true(f"{dialect}: nothing of vLLM's", not any("vllm" in name for name in found))
            for name, (kind, _, bounds) in found.items():
                if kind == "histogram":
                    equal(f"{dialect}: {name} ends with infinity", bounds[-1], "+Inf")
                    true(f"{dialect}: {name} ascends",
                         sorted(map(float, bounds)) == list(map(float, bounds)))


@test
def monitor_knows_each_dialect():
    """`tacho monitor` takes each page for the engine that it stands in for, reads its counts."""
    for dialect in ("vllm", *DIALECTS):
        with Sim("--dialect", dialect) as sim:
            for _ in range(3):
                get(f"{sim.url}/v1/completions", body={"prompt": "a b", "max_tokens": 4})
            done = tacho("monitor", "--engine", sim.url, "--no-devices", "--no-host", "--once",
                         "--json").expect(0)
        engines = [subject for subject in json.loads(done.out)["subjects"]
                   if subject["kind"] == "engine"]
        equal("taken for", {subject["labels"]["engine"].replace(".", "") for subject in engines},
              {dialect})
        readings = {reading["metric"]: reading["value"] for subject in engines
                    for reading in subject["readings"]}
        equal(f"{dialect}: up", readings["tacho_engine_up"], 1)
        equal(f"{dialect}: running", readings["tacho_engine_requests_running"], 0)
        if dialect != "llamacpp":  # It counts no requests.
            equal(f"{dialect}: succeeded", readings["tacho_engine_requests_succeeded_total"], 3)


def quantiles(name):
    """The five lines of a panel of vLLM's dashboard: four quantiles and the mean."""
    label = '{model_name="$model_name"}[$__rate_interval]'
    lines = [f"histogram_quantile({q}, sum by(le) (rate(vllm:{name}_bucket{label})))"
             for q in ("0.99", "0.95", "0.9", "0.5")]
    return [*lines, f"rate(vllm:{name}_sum{label})\n/\nrate(vllm:{name}_count{label})"]


# The expressions of the panels of vLLM's dashboard (examples/observability/prometheus_grafana/
# grafana.json in vLLM's repository, uid b281712d-8bff-41ef-9f3f-71ad43c05e9b, version 8).
MODEL, SPAN = '{model_name="$model_name"}', '{model_name="$model_name"}[$__rate_interval]'
EXPRESSIONS = [
    *quantiles("e2e_request_latency_seconds"), f"rate(vllm:prompt_tokens_total{SPAN})",
    f"rate(vllm:generation_tokens_total{SPAN})", *quantiles("inter_token_latency_seconds"),
    f"vllm:num_requests_running{MODEL}", f"vllm:num_requests_waiting{MODEL}",
    *quantiles("time_to_first_token_seconds"), f"vllm:kv_cache_usage_perc{MODEL}",
    f"sum by(le) (increase(vllm:request_prompt_tokens_bucket{SPAN}))",
    f"sum by(le) (increase(vllm:request_generation_tokens_bucket{SPAN}))",
    f"sum by(finished_reason) (increase(vllm:request_success_total{SPAN}))",
    f"rate(vllm:request_queue_time_seconds_sum{SPAN})",
    f"rate(vllm:request_prefill_time_seconds_sum{SPAN})",
    f"rate(vllm:request_decode_time_seconds_sum{SPAN})",
    f"rate(vllm:request_max_num_generation_tokens_sum{SPAN})"]


def ask_prometheus(url, expression):
    query = urllib.parse.urlencode({"query": expression.replace("$model_name", "m1")
                                    .replace("$__rate_interval", "10m")})
    answer = json.loads(get(f"{url}/api/v1/query?{query}")[1])
    equal(f"status of {expression}", answer["status"], "success")
    return [float(sample["value"][1]) for sample in answer["data"]["result"]]


@heavy_test
def vllms_dashboard_on_our_page():
    """A real Prometheus scrapes the engine; each expression of vLLM's dashboard has an answer."""
    binary = shutil.which("prometheus")
    if not binary:
        raise harness.Skip("there is no prometheus (Debian's package has it)")
    folder, port = new_folder("prometheus"), free_port()
    with Sim("--served-model-name", "m1") as sim:
        target = sim.url.removeprefix("http://")
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\nscrape_configs:\n"
            f"- job_name: engine\n  static_configs: [{{targets: ['{target}']}}]\n")
        log = open(folder / "log", "wb")
        process = start([binary, f"--config.file={folder}/prometheus.yml",
                         f"--storage.tsdb.path={folder}/data",
                         f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for("two scrapes", lambda: is_up(url))
            bench(*LOAD, url=sim.url).expect(0)
            done = sim.metric("vllm:request_success_total")
            wait_for("a scrape after the load",
                     lambda: sum(ask_prometheus(
                         url, f"sum(vllm:request_success_total{MODEL})")) == done)
            for expression in EXPRESSIONS:
                answer = ask_prometheus(url, expression)
                true(f"{expression}: {answer}", answer and all(one >= 0 for one in answer))
        finally:
            harness.end(process)
            log.close()


def is_up(url):
    try:
        return sum(ask_prometheus(url, "count_over_time(vllm:num_requests_running[10m])")) >= 2
    except (OSError, ValueError):
        time.sleep(0.05)
        return False
