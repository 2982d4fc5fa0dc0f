#include "cli/bench_options.h"

namespace tacho {
namespace {

void add_target(FlagTable& t, BenchOptions& o) {
  t.group("Target");
  t.gather({"--url", "-u", "--base-url", "--target"}, "URL", o.urls,
           "The server: http://host:port, with or without /v1, or a full endpoint URL. Several, by "
           "commas or the flag again, take turns. [default: http://127.0.0.1:8000]");
  t.text({"--host"}, "HOST", o.host, "With --port, instead of --url.");
  t.integer({"--port"}, "PORT", o.port, "With --host, instead of --url.", 1, 65535);
  t.text({"--unix-socket"}, "PATH", o.unix_socket,
         "Connect to this UNIX socket instead of the URL's host.");
  t.gather({"--source-addresses"}, "ADDRESS,…", o.source_addresses,
           "Connect from these addresses in turn: one each, ranges (10.0.0.5-10.0.0.9), blocks "
           "(127.0.0.0/28).");
  t.text({"--model", "-m"}, "NAME", o.model,
         "Model to ask for. [default: the one the server lists]");
  t.text({"--served-model-name"}, "NAME", o.served_model_name,
         "The name the server knows the model by, where --model is its path.");
  t.text({"--endpoint-type"}, "TYPE", o.endpoint_type,
         "chat, completions or embeddings. [default: chat]");
  t.text({"--endpoint"}, "PATH", o.endpoint_path,
         "The endpoint's path, where it is not the usual one.");
  t.text({"--backend"}, "NAME", o.api,
         "As in other tools: openai-chat means chat; openai, vllm, sglang and lmdeploy mean "
         "completions.");
  t.text({"--service-kind"}, "KIND", o.service_kind,
         "As in GenAI-Perf; openai. Its files are then written under artifacts/ too.");
  t.text({"--sim"}, "GPU/MODEL", o.sim,
         "Starts the built-in engine for the length of the run, such as h800/llama-3-8b, and "
         "compares with its truth.");
  t.integer({"--tp"}, "N", o.tensor_parallel, "Tensor-parallel degree of --sim. [default: 1]", 1);
  t.text({"--api-key-env"}, "NAME", o.api_key_env, "Environment variable that holds the API key.");
  t.repeated({"--header", "-H"}, "'NAME: VALUE'", o.headers,
             "A header line of every request; may be repeated.");
  t.text({"--extra-body"}, "JSON", o.extra_body, "Further fields of every request's body.");
  t.repeated({"--extra-inputs"}, "NAME:VALUE", o.extra_inputs,
             "The same, one field at a time, as in GenAI-Perf.");
  t.toggle({"--no-stream", "--non-streaming"}, o.streams,
           "Ask for whole answers instead of streams.", false);
  t.toggle({"--streaming", "--stream"}, o.streams, "Ask for streams (the default).");
  t.text({"--http"}, "VERSION", o.http,
         "1.1, 2 (without TLS by prior knowledge), or auto: 2 where an https server picks it. "
         "[default: 1.1]");
  t.text({"--cacert"}, "FILE", o.ca_file, "Certificates (PEM) to trust instead of the system's.");
  t.text({"--cert"}, "FILE", o.certificate_file,
         "A client certificate (PEM), with its chain and perhaps its key in the same file.");
  t.text({"--key"}, "FILE", o.key_file, "The key of --cert (PEM). [default: in the same file]");
  t.text({"--key-pass-env"}, "NAME", o.key_password_env,
         "Environment variable that holds the password of that key.");
  t.text({"--tls-min"}, "VERSION", o.tls_min, "Oldest TLS to speak: 1.2 or 1.3. [default: 1.2]");
  t.text({"--tls-max"}, "VERSION", o.tls_max, "Newest TLS to speak: 1.2 or 1.3. [default: 1.3]");
  t.toggle({"--insecure", "-k"}, o.is_insecure, "Accept any certificate.");
  t.toggle({"--no-ready-check"}, o.has_ready_check,
           "Do not send the one-token request that proves the endpoint.", false);
}

void add_load(FlagTable& t, BenchOptions& o) {
  t.group("Load");
  t.integers({"--concurrency", "--parallel-num", "--parallel"}, "N,N,…", o.concurrency,
             "Closed loops: so many requests at a time. Each one with each length pair is a cell "
             "(static test).");
  t.rates({"--request-rate", "--rate"}, "R,R,…", o.request_rate,
          "Open loops: so many requests per second, Poisson arrivals; inf sends all at once "
          "(dynamic test).");
  t.integers({"--num-prompts", "--request-count", "--num-requests"}, "N,N,…", o.num_prompts,
             "Requests of each cell: one number, or one for each rate. [default: epochs × "
             "concurrency; 30 s of a rate]");
  t.integer({"--epochs"}, "N", o.epochs,
            "N × concurrency requests in each closed-loop cell. [default: 5]", 1);
  t.integer({"--max-in-flight", "--max-concurrency"}, "N", o.max_concurrency,
            "With a rate: at most so many in flight, later arrivals wait with their due time kept. "
            "Alone: as --concurrency.",
            1);
  t.duration({"--duration", "--run-time", "-t", "--max-seconds", "--benchmark-duration"},
             o.duration_s, "Stop sending after this time: 30s, 10m.");
  t.integer(
      {"--warmup", "--num-warmups", "--warmup-request-count"}, "N", o.warmup,
      "Requests before each cell that are not counted, with prompts of their own. [default: 0]");
  t.duration({"--warmup-duration"}, o.warmup_duration_s,
             "Requests before each cell for this time, that are not counted; with --warmup, at "
             "most so many.");
  t.duration({"--grace"}, o.grace_s,
             "After an interrupt, let requests in flight finish for so long. [default: 10s]");
  t.text({"--stamps"}, "SOURCE", o.stamps,
         "Who times the tokens: tap (the kernel notes each segment, needs CAP_BPF), socket (the "
         "kernel stamps each read), or auto: the tap where it is allowed. [default: auto]");
  t.integer({"--threads"}, "N", o.threads, "Threads that send and receive. [default: cores - 1]",
            1);
  t.integer({"--seed", "--random-seed"}, "N", o.seed,
            "Seed of arrivals, prompts and lengths. [default: 0]");
}

void add_rules(FlagTable& t, BenchOptions& o) {
  t.group("Rules");
  t.duration({"--request-timeout", "--timeout", "--request-timeout-seconds", "--total-timeout"},
             o.request_timeout_s, "Give a request up after this time. [default: 600s]");
  t.duration({"--connect-timeout"}, o.connect_timeout_s,
             "Give it up when no connection is made in this time. [default: no limit of its own]");
  t.duration({"--first-token-timeout"}, o.first_token_timeout_s,
             "Give a stream up when no token has come this long after it was sent. [default: no "
             "limit of its own]");
  t.text({"--cancel-rate", "--request-cancellation-rate"}, "PERCENT", o.cancel_rate,
         "Give up this share of the requests by plan, as users do who leave: 10%. They count "
         "neither as ok nor as failed.");
  t.duration({"--cancel-delay", "--request-cancellation-delay"}, o.cancel_delay_s,
             "They leave this long after the request was sent. [default: at once]");
  t.integer({"--cancel-after-tokens"}, "K", o.cancel_after_tokens,
            "They leave with the K-th token of the answer instead.", 1);
  t.integer({"--retries", "--max-retries"}, "N", o.retries,
            "Send a request again, up to N times, that was refused or reset, got 429 or 503, or no "
            "connection in time. Each try is a record. [default: 0]",
            0, 100);
  t.integer({"--max-errors"}, "N", o.errors_max, "Stop a cell with its N-th failed request.", 1);
  t.text({"--max-error-rate"}, "SHARE", o.error_rate_max,
         "Stop a cell when more than this share of the requests that ended has failed, once 20 "
         "have: 5% or 0.05.");
  t.repeated({"--until"}, "'STAT METRIC ±X%'", o.until,
             "Go on until the 95 % interval of a figure is no wider than this: 'p99 ttft ±5%', "
             "'mean e2e 2%'. --num-prompts and --duration stay the bounds.");
}

void add_prompts(FlagTable& t, BenchOptions& o) {
  t.group("Prompts");
  t.text({"--dataset", "--dataset-path", "--input-file"}, "FILE", o.dataset,
         "Prompts: ShareGPT, Alpaca, JSON lines or our own. [default: the conversations that come "
         "with tacho]");
  t.text({"--dataset-type"}, "TYPE", o.dataset_type,
         "sharegpt, alpaca, jsonl or custom. [default: by looking]");
  t.text({"--dataset-name"}, "NAME", o.dataset_name,
         "As in vLLM: sharegpt, custom, or random (text of --random-input-len tokens).");
  t.integers({"--input-tokens", "--prompt-tokens", "--isl", "--input-len", "--random-input-len",
              "--synthetic-input-tokens-mean", "--input-sequence-length"},
             "N,N,…", o.input_tokens,
             "Prompts of exactly so many tokens, cut from the dataset's text. Pairs with "
             "--output-tokens.");
  t.integers({"--output-tokens", "--osl", "--output-len", "--random-output-len",
              "--output-tokens-mean", "--sharegpt-output-len", "--output-sequence-length"},
             "N,N,…", o.output_tokens,
             "Limit of the answers. Pairs with --input-tokens. [default: the dataset's own "
             "answers' lengths]");
  t.toggle({"--ignore-eos"}, o.ignores_eos,
           "Ask the server to go on to the limit. [default: where both lengths are given]");
  t.toggle({"--no-ignore-eos"}, o.heeds_eos, "Let answers end by themselves.");
  t.integer({"--max-tokens"}, "N", o.max_tokens,
            "Limit of prompt and answer together; only beside --max-prompt-tokens, as in the "
            "Ascend suite.",
            1);
  t.integer({"--max-prompt-tokens"}, "N", o.max_prompt_tokens, "Leave longer prompts out.", 1);
  t.integer({"--max-model-len"}, "N", o.max_model_len,
            "Leave prompts out that, with their answer, are longer.", 1);
  t.text({"--tokenizer"}, "PATH", o.tokenizer,
         "A tokenizer.json, or the folder of one. [default: the tokenizer that comes with tacho]");
  t.toggle({"--trust-remote-code"}, o.trusts_remote_code,
           "Taken and not needed: no code of a model is ever run.");
  t.integer({"--batch-size"}, "N", o.batch_size, "Texts in each embeddings request. [default: 1]",
            1);
  t.text({"--temperature"}, "T", o.temperature, "Sampling temperature. [default: the server's]");
  t.text({"--top-p"}, "P", o.top_p, "Nucleus sampling. [default: the server's]");
  t.integer({"--num-scheduler-steps"}, "N", o.num_scheduler_steps,
            "What the server was started with; kept with the results.");
  t.toggle({"--enable-prefix-caching"}, o.has_prefix_caching,
           "What the server was started with; kept with the results.");
}

void add_output(FlagTable& t, BenchOptions& o) {
  t.group("Judging and output");
  t.texts({"--goodput"}, "METRIC:MS …", o.goodput,
          "Bounds that a good request meets: ttft:200 tpot:50 e2el:3000, in ms.");
  t.repeated({"--slo"}, "'BOUND'", o.slos,
             "A bound that the run must show, such as 'p99 ttft < 200', 'error_rate < 1%' or "
             "'goodput >= 95%'; may be repeated. Exit with 1 when it fails.");
  t.text({"--error-budget"}, "SHARE", o.error_budget,
         "The run is invalid when more requests fail than this, such as 1%.");
  t.toggle({"--strict"}, o.is_strict, "Exit with 3 when the run is invalid.");
  t.toggle({"--monitor"}, o.is_monitored,
           "Sample the server's metrics, this machine and its devices into the run, and say what "
           "holds the server back.");
  t.gather({"--server-metrics"}, "URL,URL,…", o.server_metrics,
           "Metrics pages to sample instead of the target's own; implies --monitor.");
  t.duration({"--monitor-interval"}, o.monitor_interval_s,
             "Time between two samples. [default: 1s]");
  t.texts({"--percentile-metrics"}, "LIST", o.percentile_metrics,
          "For --save-result: of ttft, tpot, itl, e2el.");
  t.texts({"--metric-percentiles"}, "LIST", o.metric_percentiles,
          "Percentiles of the table and of --save-result. [default: 50,99]");
  t.text({"--out", "-o", "--output-dir"}, "DIR", o.out,
         "The run directory. [default: runs/TIME-MODEL]");
  t.text({"--benchmark-csv"}, "FILE", o.benchmark_csv,
         "Also write the CSV of the Ascend layout here.");
  t.toggle({"--save-result"}, o.saves_vllm_result, "Also write each cell as vLLM's bench does.");
  t.toggle({"--save-detailed"}, o.saves_detailed,
           "The same, with every request's lengths and times.");
  t.text({"--result-dir"}, "DIR", o.result_dir,
         "Where --save-result writes. [default: the run directory]");
  t.text({"--result-filename"}, "NAME", o.result_filename,
         "And under which name, for a run of one cell.");
  t.text({"--artifact-dir"}, "DIR", o.artifact_dir,
         "Where GenAI-Perf's files go. [default: artifacts]");
  t.toggle({"--generate-plots"}, o.generates_plots,
           "As in GenAI-Perf; the plots are in report.html.");
  t.toggle({"--json"}, o.is_json, "Print the whole result as JSON instead of a table.");
  t.text({"--label"}, "TEXT", o.label, "Kept with the results.");
  t.text({"--listen-metrics"}, "HOST:PORT", o.listen_metrics,
         "Serve live figures of the run for Prometheus: /metrics. A port alone is one of the "
         "loopback.");
  t.toggle({"--quiet", "-q", "--disable-tqdm"}, o.is_quiet,
           "No progress, and no table with --json.");
  t.toggle({"--dry-run"}, o.is_dry_run, "Print the plan and the first request; send nothing.");
}

}  // namespace

FlagTable bench_flags(BenchOptions& options) {
  FlagTable table;
  add_target(table, options);
  add_load(table, options);
  add_load_shapes(table, options);
  add_rules(table, options);
  add_prompts(table, options);
  add_output(table, options);
  return table;
}

}  // namespace tacho
