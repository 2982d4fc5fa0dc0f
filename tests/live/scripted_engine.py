"""An engine that is only a page of metrics, in vLLM's names: gauges stand still, counters grow at
rates that are known, so that what a Prometheus computes from them is known as well."""

import http.server
import threading
import time

# What stands still.
GAUGES = {"num_requests_running": 7, "num_requests_waiting": 120, "kv_cache_usage_perc": 0.93}
# What grows, a second.
RATES = {"num_preemptions_total": 0.5, "prompt_tokens_total": 2000, "generation_tokens_total": 500,
         "prefix_cache_queries_total": 2000, "prefix_cache_hits_total": 600,
         "spec_decode_num_draft_tokens_total": 100, "spec_decode_num_accepted_tokens_total": 70}
OK_PER_S, FAILED_PER_S = 19.0, 1.0
# Histograms: their bounds, and how many of 20 requests a second lie at or below each.
HISTOGRAMS = {
    "time_to_first_token_seconds": ([0.04, 0.1, 0.5, 1.0], [2, 12, 18, 20], 0.15),
    "inter_token_latency_seconds": ([0.01, 0.025, 0.05], [5, 15, 20], 0.02),
    "request_time_per_output_token_seconds": ([0.01, 0.025, 0.05], [5, 15, 20], 0.021),
    "e2e_request_latency_seconds": ([0.3, 0.5, 1.0, 5.0], [2, 8, 16, 20], 0.9),
    "request_queue_time_seconds": ([0.3, 0.5], [19, 20], 0.05),
    "request_prefill_time_seconds": ([0.3, 0.5], [20, 20], 0.06),
    "request_decode_time_seconds": ([0.3, 0.5], [10, 20], 0.4),
}
COUNT_PER_S = 20.0


class ScriptedEngine:
    """Serves the page; `waiting` may be set anew."""

    def __init__(self):
        self.began = time.monotonic()
        self.waiting = GAUGES["num_requests_waiting"]
        engine = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = engine.page().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # A reader that did not wait is no error.
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def page(self):
        age = time.monotonic() - self.began
        labels = 'engine="0",model_name="scripted"'
        lines = [f'vllm:cache_config_info{{{labels},block_size="16",num_gpu_blocks="1000"}} 1',
                 "process_start_time_seconds 1.7e9"]
        for name, value in GAUGES.items():
            value = self.waiting if name == "num_requests_waiting" else value
            lines.append(f"vllm:{name}{{{labels}}} {value}")
        for name, rate in RATES.items():
            lines.append(f"vllm:{name}{{{labels}}} {rate * age}")
        for reason, rate in (("stop", OK_PER_S), ("abort", FAILED_PER_S)):
            lines.append(f'vllm:request_success_total{{{labels},finished_reason="{reason}"}} '
                         f"{rate * age}")
        for name, (bounds, below, mean) in HISTOGRAMS.items():
            for bound, count in zip(bounds, below):
                lines.append(f'vllm:{name}_bucket{{{labels},le="{bound}"}} {count * age}')
            lines.append(f'vllm:{name}_bucket{{{labels},le="+Inf"}} {COUNT_PER_S * age}')
            lines.append(f"vllm:{name}_sum{{{labels}}} {mean * COUNT_PER_S * age}")
            lines.append(f"vllm:{name}_count{{{labels}}} {COUNT_PER_S * age}")
        return "\n".join(lines) + "\n"


# What each expression of the board of engines gives for this engine, by panel and legend.
BOARD = {
    ("Running", "running"): 7,
    ("Waiting", "waiting"): 120,
    ("KV cache, fullest", "KV"): 0.93,
    ("Output tokens", "tokens"): 500,
    ("Requests failing", "failing"): 0.05,
    # Linear within the bucket that holds the rank: (0.04, 0.1] has the ranks from 2 to 12 of 20.
    ("Time to first token", "p50"): 0.04 + 0.06 * (10 - 2) / 10,
    ("Time to first token", "p90"): 0.5,
    ("Time to first token", "p99"): 0.5 + 0.5 * (19.8 - 18) / 2,
    ("Time to first token", "mean"): 0.15,
    ("Time between tokens", "p50"): 0.01 + 0.015 * 5 / 10,
    ("Time between tokens", "p99"): 0.025 + 0.025 * 4.8 / 5,
    ("Time between tokens", "mean"): 0.02,
    ("Whole requests", "p50"): 0.5 + 0.5 * 2 / 8,
    ("Whole requests", "p90"): 1.0 + 4.0 * 2 / 4,
    ("Whole requests", "p99"): 1.0 + 4.0 * 3.8 / 4,
    ("Time per output token", "mean {{instance}}"): 0.021,
    ("Where the time goes, means", "queue"): 0.05,
    ("Where the time goes, means", "prefill"): 0.06,
    ("Where the time goes, means", "decode"): 0.4,
    ("Batch and queue", "running {{instance}}"): 7,
    ("Batch and queue", "waiting {{instance}}"): 120,
    ("KV cache", "{{instance}}"): 0.93,
    ("Preemptions", "{{instance}}"): 0.5,
    ("Tokens", "prompt"): 2000,
    ("Tokens", "output"): 500,
    ("Requests", "ok"): 19,
    ("Requests", "failed"): 1,
    ("Prefix cache hits", "hits"): 0.3,
    ("Speculation accepted", "accepted"): 0.7,
    ("Up", "{{instance}}"): 1,
    ("Restarts of the last hour", "{{instance}}"): 0,
    ("KV cache holds", "{{instance}}"): 16000,
}
