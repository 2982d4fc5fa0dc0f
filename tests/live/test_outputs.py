"""Everything that one run writes: each file is there, can be read, and they all say the same."""

import csv
import json
import re
import subprocess

from harness import (BINARY, ROOT, Run, Sim, bench, environment, equal, new_folder, tacho, test,
                     true)

VLLM_KEYS = """date endpoint_type label model_id tokenizer_id num_prompts request_rate burstiness
    max_concurrency duration completed failed total_input_tokens total_output_tokens
    request_throughput request_goodput output_throughput total_token_throughput
    max_output_tokens_per_s max_concurrent_requests""".split()


def page_data(run):
    """The data that report.html carries."""
    html = run.text("report.html")
    found = re.search(r'<script type="application/json" id="tacho-run">(.*?)</script>', html, re.S)
    true("report.html holds its data", found)
    return json.loads(found.group(1))


def check_files(run, wanted_cells):
    """The files of one run against its journal."""
    records, cells = run.measured, run.cells
    equal("cells", len(cells), wanted_cells)
    rows = run.rows("requests.csv")
    equal("rows of requests.csv", len(rows), len(records))
    equal("ids", sorted(int(row["id"]) for row in rows), sorted(r["id"] for r in records))
    for cell in cells:
        mine = [record for record in records if record["cell"] == cell["id"]]
        ok = [record for record in mine if record["outcome"] == "ok"]
        equal(f"cell {cell['id']} completed", cell["completed"], len(ok))
        equal(f"cell {cell['id']} planned", cell["planned"], len(mine))
        equal(f"cell {cell['id']} failed", cell["failed"], len(mine) - len(ok))
        tokens = sum(r["usage_output"] for r in ok)
        equal("tokens", tokens, sum(int(r["output_tokens"]) for r in rows
                                    if int(r["cell"]) == cell["id"]))
        rate = cell["output_token_throughput_per_s"] * cell["duration_s"]
        true(f"{rate} tokens by the rate, {tokens} by the records", abs(rate - tokens) < 0.5)
        little = cell["concurrency_little"]
        true("Little's law", abs(cell["concurrency_mean"] - little) <= 0.01 * little + 0.01)
    summary = run.rows("summary.csv")
    equal("rows of summary.csv", [int(row["completed"]) for row in summary],
          [cell["completed"] for cell in cells])
    ascend = run.rows("ascend.csv")
    equal("rows of ascend.csv", [int(row["成功数 (success)"]) for row in ascend],
          [cell["completed"] for cell in cells])
    page = page_data(run)
    equal("cells of the page", len(page["cells"]), wanted_cells)
    equal("completed, by the page", [cell["summary"]["completed"] for cell in page["cells"]],
          [cell["completed"] for cell in cells])
    equal("requests, by the page", sum(cell["requests_total"] for cell in page["cells"]),
          len(records))
    true("table.txt has each load", all(cell["label"].split()[0] in run.text("table.txt")
                                        for cell in cells))


@test
def grid_and_rates_in_one_call():
    """A static grid and dynamic runs in one call, on the shipped prompts."""
    csv_file = new_folder("csv") / "deep" / "benchmark.csv"
    with Sim() as sim:
        done = bench("--concurrency", "1,4,8", "--input-tokens", "64,256", "--output-tokens",
                     "8,16",
                     "--request-rate", "40,inf", "--num-prompts", "10,20", "--epochs", "2",
                     "--goodput", "ttft:60000", "tpot:60000", "--benchmark-csv", csv_file,
                     "--warmup", "2", url=sim.url).expect(0)
        check_files(done.run, 8)
        equal("warm-up requests", len(done.run.journal) - len(done.run.measured), 16)
        equal("requests", [cell["planned"] for cell in done.run.cells],
              [2, 8, 16, 2, 8, 16, 10, 20])
        equal("the CSV asked for", csv_file.read_bytes(),
              (done.run.path / "ascend.csv").read_bytes())
        true("the table names each written file", "report.html" in done.out)
        for cell in done.run.cells:
            equal("good requests", cell["goodput"]["good"], cell["completed"])
    manifest = done.run.manifest
    equal("status", manifest["status"], "finished")
    equal("model", manifest["model"], "qwen2.5-0.5b")
    true("the server's list", manifest["server"]["models"]["data"])
    true("the environment", manifest["environment"]["kernel"])


@test
def report_renders_the_same_again():
    """`tacho report` makes the same files out of the run directory alone."""
    names = ["summary.csv", "requests.csv", "ascend.csv", "table.txt", "report.html", "run.json"]
    with Sim() as sim:
        done = bench("--concurrency", "2,4", "--input-tokens", "32", "--output-tokens", "8",
                     url=sim.url).expect(0)
    before = {name: done.run.text(name) for name in names}
    for name in names[:-1]:
        (done.run.path / name).unlink()
    tacho("report", done.run.path).expect(0)
    for name in names:
        equal(f"{name}, rendered again", done.run.text(name), before[name])
    shown = json.loads(tacho("report", done.run.path, "--json", "--no-write").expect(0).out)
    equal("--json", shown["summary"], done.run.manifest["summary"])


@test
def json_is_all_there_is_on_stdout():
    """With --json, standard output is one JSON document, whether or not progress is shown."""
    with Sim() as sim:
        path = new_folder("json") / "run"
        done = tacho("bench", "--url", sim.url, "--out", path, "--concurrency", "2", "--json",
                     "--input-tokens", "16", "--output-tokens", "4").expect(0)
        equal("completed", json.loads(done.out)["summary"]["completed"], 10)
        equal("as in run.json", json.loads(done.out)["summary"], Run(path).manifest["summary"])


@test
def vllm_result_files():
    """--save-result and --save-detailed write vLLM's keys, one file a cell."""
    folder = new_folder("vllm")
    with Sim() as sim:
        done = bench("--backend", "openai-chat", "--dataset-name", "random", "--random-input-len",
                     "64",
                     "--random-output-len", "8", "--num-prompts", "12", "--request-rate", "50",
                     "--max-concurrency", "4", "--save-result", "--save-detailed", "--result-dir",
                     folder, "--result-filename", "r.json", "--percentile-metrics", "ttft,e2el",
                     "--metric-percentiles", "50,99.9", url=sim.url).expect(0)
    result = json.loads((folder / "r.json").read_text())
    true(f"keys missing: {set(VLLM_KEYS) - set(result)}", set(VLLM_KEYS) <= set(result))
    true("the asked-for percentiles", {"p50_ttft_ms", "p99.9_e2el_ms"} <= set(result))
    true("no others", not {"mean_tpot_ms", "p99_ttft_ms"} & set(result))
    equal("completed", (result["completed"], result["failed"]), (12, 0))
    equal("tokens", (result["total_input_tokens"], result["total_output_tokens"]),
          (sum(r["usage_input"] for r in done.run.journal), 12 * 8))
    true("token counts are whole numbers", isinstance(result["total_input_tokens"], int))
    equal("lengths", result["output_lens"], [8] * 12)
    equal("gaps of each request", [len(gaps) for gaps in result["itls"]], [7] * 12)


@test
def genai_perf_artifacts():
    """GenAI-Perf's command line leaves its files under artifacts/ of the current folder."""
    cwd = new_folder("artifacts")
    with Sim("--served-model-name", "gpt2") as sim:
        bench("-m", "gpt2", "--service-kind", "openai", "--endpoint-type", "chat", "--tokenizer",
              "gpt2",
              "--isl", "32", "--osl", "8", "--request-count", "6", "-u", sim.url, cwd=cwd).expect(0)
    folder = cwd / "artifacts" / "gpt2-openai-chat-concurrency1-isl32-osl8"
    stats = json.loads((folder / "profile_export_genai_perf.json").read_text())
    for key in ("time_to_first_token", "inter_token_latency", "request_latency"):
        true(f"{key} has its figures", {"avg", "min", "max", "p99", "p90",
                                        "p75"} <= set(stats[key]))
    equal("requests", stats["request_count"]["avg"], 6)
    profile = json.loads((folder / "profile_export.json").read_text())
    equal("profiled requests", len(profile["experiments"][0]["requests"]), 6)
    with open(folder / "profile_export_genai_perf.csv", newline="") as file:
        equal("head of the CSV", next(csv.reader(file))[:3], ["Metric", "avg", "min"])


@test
def shipped_prompts_by_rate():
    """The shipped conversations as they are, by rate, and a file of them given by name."""
    with Sim() as sim:
        bench("--request-rate", "100", "--num-prompts", "30", "--endpoint-type", "completions",
              url=sim.url).expect(0)
        done = bench("--dataset", ROOT / "data/conversations.json", "--dataset-name", "sharegpt",
                     "--num-prompts", "20", "--max-model-len", "1024", url=sim.url).expect(0)
        for record in done.run.journal:
            true("no longer than asked", record["input_planned"] + record["output_planned"] <= 1024)


@test
def existing_run_is_never_overwritten():
    """A folder that holds a run is refused; what cannot be made is named."""
    with Sim() as sim:
        done = bench("--num-prompts", "1", "--output-tokens", "2", url=sim.url).expect(0)
        again = tacho("bench", "--url", sim.url, "--out", done.run.path, "--quiet")
        again.expect_one_line(2, "already holds a run")
        path = new_folder("file") / "plain"
        path.write_text("")
        blocked = tacho("bench", "--url", sim.url, "--out", path / "run", "--quiet")
        blocked.expect_one_line(4, re.escape(str(path)))


@test
def page_survives_hostile_text():
    """Text of a server or a command line cannot end the page's data early."""
    with Sim() as sim:
        text = "</script><!--<script>alert(1)</script>"
        done = bench("--num-prompts", "1", "--output-tokens", "2", "--header", f"X-A: {text}",
                     "--extra-body", json.dumps({"stop": text}), url=sim.url).expect(0)
    html = done.run.text("report.html")
    at = html.index('id="tacho-run">')
    data = html[at:html.index("</script>", at)]
    true("nothing in the data begins a tag", "<" not in data)
    true("and the text is still there", text in json.dumps(page_data(done.run)))


@test
def help_without_stdin():
    """`tacho --help` needs no standard input, and a closed pipe is no crash."""
    for words in ("--help", "bench --help", "version"):
        done = tacho_in_shell(f'exec "$TACHO" {words} <&-')
        equal(f"tacho {words} <&-", done, 0)
    true("a reader that leaves",
         tacho_in_shell('"$TACHO" bench --help | head -n 1 >/dev/null') == 0)


def tacho_in_shell(line):
    return subprocess.run(["sh", "-c", line], env=environment(TACHO=BINARY),
                          stdout=subprocess.DEVNULL, timeout=60).returncode
