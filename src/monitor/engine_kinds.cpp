// The names of each engine, from its documentation or a page of it; `versions` says which.
#include "monitor/engine_names.h"

namespace tacho {
namespace {

constexpr EngineName vllm[] = {
    {&quantity::engine_running, "vllm_num_requests_running"},
    {&quantity::engine_waiting, "vllm_num_requests_waiting"},
    {&quantity::engine_kv_usage, "vllm_kv_cache_usage_perc"},
    {&quantity::engine_kv_usage, "vllm_gpu_cache_usage_perc"},
    {&quantity::engine_kv_capacity, "vllm_cache_config_info", "num_gpu_blocks*block_size"},
    {&quantity::engine_preemptions, "vllm_num_preemptions_total"},
    {&quantity::engine_prompt_tokens, "vllm_prompt_tokens_total"},
    {&quantity::engine_generation_tokens, "vllm_generation_tokens_total"},
    {&quantity::engine_succeeded, "vllm_request_success_total", "finished_reason=stop|length"},
    {&quantity::engine_failed, "vllm_request_success_total",
     "finished_reason=abort|error|repetition"},
    {&quantity::engine_failed, "+vllm_admission_rejections_total"},
    {&quantity::engine_prefix_queries, "vllm_prefix_cache_queries_total"},
    {&quantity::engine_prefix_queries, "vllm_gpu_prefix_cache_queries_total"},
    {&quantity::engine_prefix_hits, "vllm_prefix_cache_hits_total"},
    {&quantity::engine_prefix_hits, "vllm_gpu_prefix_cache_hits_total"},
    {&quantity::engine_draft_tokens, "vllm_spec_decode_num_draft_tokens_total"},
    {&quantity::engine_draft_accepted, "vllm_spec_decode_num_accepted_tokens_total"},
    {&quantity::engine_ttft, "vllm_time_to_first_token_seconds"},
    {&quantity::engine_itl, "vllm_inter_token_latency_seconds"},
    {&quantity::engine_itl, "vllm_time_per_output_token_seconds"},
    {&quantity::engine_tpot, "vllm_request_time_per_output_token_seconds"},
    {&quantity::engine_e2e, "vllm_e2e_request_latency_seconds"},
    {&quantity::engine_queue, "vllm_request_queue_time_seconds"},
    {&quantity::engine_prefill, "vllm_request_prefill_time_seconds"},
    {&quantity::engine_decode, "vllm_request_decode_time_seconds"},
};

// With priorities the scheduler's gauges stand there once more for each; the total names none.
constexpr EngineName sglang[] = {
    {&quantity::engine_running, "sglang_num_running_reqs", "priority="},
    {&quantity::engine_waiting, "sglang_num_queue_reqs", "priority="},
    {&quantity::engine_waiting, "+sglang_num_grammar_queue_reqs", "priority="},
    {&quantity::engine_kv_usage, "sglang_token_usage"},
    {&quantity::engine_kv_capacity, "sglang_max_total_num_tokens"},
    {&quantity::engine_preemptions, "sglang_num_retracted_requests_total"},
    {&quantity::engine_prompt_tokens, "sglang_prompt_tokens_total"},
    {&quantity::engine_generation_tokens, "sglang_realtime_tokens_total", "mode=decode"},
    {&quantity::engine_generation_tokens, "sglang_generation_tokens_total"},
    {&quantity::engine_succeeded, "sglang_num_requests_total"},
    {&quantity::engine_failed, "sglang_num_aborted_requests_total"},
    {&quantity::engine_prefix_hits, "sglang_cached_tokens_total"},
    {&quantity::engine_prefix_hit_ratio, "sglang_cache_hit_rate"},
    {&quantity::engine_ttft, "sglang_time_to_first_token_seconds"},
    {&quantity::engine_itl, "sglang_inter_token_latency_seconds"},
    {&quantity::engine_tpot, "sglang_request_time_per_output_token_seconds"},
    {&quantity::engine_tpot, "sglang_time_per_output_token_seconds"},
    {&quantity::engine_e2e, "sglang_e2e_request_latency_seconds"},
    {&quantity::engine_queue, "sglang_queue_time_seconds"},
};

constexpr EngineName tgi[] = {
    {&quantity::engine_running, "tgi_batch_current_size"},
    {&quantity::engine_waiting, "tgi_queue_size"},
    {&quantity::engine_kv_capacity, "tgi_batch_max_total_tokens"},
    {&quantity::engine_prompt_tokens, "tgi_request_input_length_sum"},
    {&quantity::engine_generation_tokens, "tgi_request_generated_tokens_sum"},
    {&quantity::engine_succeeded, "tgi_request_success"},
    {&quantity::engine_succeeded, "tgi_request_success_total"},
    {&quantity::engine_failed, "tgi_request_failure"},
    {&quantity::engine_failed, "tgi_request_failure_total"},
    {&quantity::engine_tpot, "tgi_request_mean_time_per_token_duration"},
    {&quantity::engine_e2e, "tgi_request_duration"},
    {&quantity::engine_queue, "tgi_request_queue_duration"},
    {&quantity::engine_prefill, "tgi_batch_inference_duration", "method=prefill"},
};

constexpr EngineName tensorrt_llm[] = {
    {&quantity::engine_running, "trtllm_num_requests_running"},
    {&quantity::engine_waiting, "trtllm_num_requests_waiting"},
    {&quantity::engine_kv_usage, "trtllm_kv_cache_utilization"},
    {&quantity::engine_prompt_tokens, "trtllm_prompt_tokens_total"},
    {&quantity::engine_generation_tokens, "trtllm_generation_tokens_total"},
    {&quantity::engine_succeeded, "trtllm_request_success_total"},
    {&quantity::engine_failed, "trtllm_request_error_total"},
    {&quantity::engine_prefix_hits, "trtllm_prompt_cached_tokens_total"},
    {&quantity::engine_prefix_hit_ratio, "trtllm_kv_cache_hit_rate"},
    {&quantity::engine_draft_tokens, "trtllm_spec_decode_num_draft_tokens_total"},
    {&quantity::engine_draft_accepted, "trtllm_spec_decode_num_accepted_tokens_total"},
    {&quantity::engine_ttft, "trtllm_time_to_first_token_seconds"},
    {&quantity::engine_tpot, "trtllm_time_per_output_token_seconds"},
    {&quantity::engine_e2e, "trtllm_e2e_request_latency_seconds"},
    {&quantity::engine_queue, "trtllm_request_queue_time_seconds"},
    {&quantity::engine_prefill, "trtllm_request_prefill_time_seconds"},
    {&quantity::engine_decode, "trtllm_request_decode_time_seconds"},
};

constexpr EngineName triton[] = {
    {&quantity::engine_running, "nv_trt_llm_request_metrics", "request_type=scheduled"},
    {&quantity::engine_waiting, "nv_trt_llm_request_metrics", "request_type=waiting"},
    {&quantity::engine_waiting, "nv_inference_pending_request_count"},
    {&quantity::engine_kv_usage, "nv_trt_llm_kv_cache_block_metrics",
     "kv_cache_block_type=fraction"},
    {&quantity::engine_succeeded, "nv_inference_request_success"},
    {&quantity::engine_failed, "nv_inference_request_failure"},
    {&quantity::engine_ttft, "nv_inference_first_response_histogram_ms", "", 1e-3},
};

constexpr EngineName llamacpp[] = {
    {&quantity::engine_running, "llamacpp_requests_processing"},
    {&quantity::engine_waiting, "llamacpp_requests_deferred"},
    {&quantity::engine_kv_usage, "llamacpp_kv_cache_usage_ratio"},
    {&quantity::engine_prompt_tokens, "llamacpp_prompt_tokens_total"},
    {&quantity::engine_generation_tokens, "llamacpp_tokens_predicted_total"},
    {&quantity::engine_prefix_hits, "llamacpp_prompt_tokens_cached_total"},
    {&quantity::engine_draft_tokens, "llamacpp_spec_decode_num_draft_tokens_total"},
    {&quantity::engine_draft_accepted, "llamacpp_spec_decode_num_accepted_tokens_total"},
};

constexpr EngineName lmdeploy[] = {
    {&quantity::engine_running, "lmdeploy_num_requests_running"},
    {&quantity::engine_waiting, "lmdeploy_num_requests_waiting"},
    {&quantity::engine_waiting, "+lmdeploy_num_api_requests_waiting"},
    {&quantity::engine_kv_usage, "lmdeploy_gpu_cache_usage_perc"},
    {&quantity::engine_prompt_tokens, "lmdeploy_prompt_tokens_total"},
    {&quantity::engine_generation_tokens, "lmdeploy_generation_tokens_total"},
    {&quantity::engine_succeeded, "lmdeploy_request_success_total"},
    {&quantity::engine_failed, "lmdeploy_num_requests_failed"},
    {&quantity::engine_prefix_hits, "lmdeploy_cached_tokens_total"},
    {&quantity::engine_prefix_hit_ratio, "lmdeploy_prefix_cache_hit_rate"},
    {&quantity::engine_ttft, "lmdeploy_time_to_first_token_seconds"},
    {&quantity::engine_itl, "lmdeploy_iter_token_latency"},
    {&quantity::engine_tpot, "lmdeploy_time_per_output_token_seconds"},
    {&quantity::engine_e2e, "lmdeploy_e2e_request_latency_seconds"},
    {&quantity::engine_queue, "lmdeploy_request_queue_time_seconds"},
    {&quantity::engine_prefill, "lmdeploy_request_prefill_time_seconds"},
    {&quantity::engine_decode, "lmdeploy_request_decode_time_seconds"},
};

// MindIE's names carry no prefix of their own.
constexpr EngineName mindie[] = {
    {&quantity::engine_running, "num_requests_running"},
    {&quantity::engine_waiting, "num_requests_waiting"},
    {&quantity::engine_waiting, "+num_requests_swapped"},
    {&quantity::engine_kv_usage, "npu_cache_usage_perc"},
    {&quantity::engine_preemptions, "num_preemptions_total"},
    {&quantity::engine_prompt_tokens, "prompt_tokens_total"},
    {&quantity::engine_generation_tokens, "generation_tokens_total"},
    {&quantity::engine_succeeded, "request_success_total"},
    {&quantity::engine_failed, "request_failed_total"},
    {&quantity::engine_prefix_queries, "all_radix_match_num"},
    {&quantity::engine_prefix_hits, "npu_radix_match_hit_num"},
    {&quantity::engine_prefix_hit_ratio, "npu_prefix_cache_hit_rate"},
    {&quantity::engine_ttft, "time_to_first_token_seconds"},
    {&quantity::engine_tpot, "time_per_output_token_seconds"},
    {&quantity::engine_e2e, "e2e_request_latency_seconds"},
};

// Its requests in flight are those that wait for their first token, too.
constexpr EngineName dynamo[] = {
    {&quantity::engine_running, "dynamo_frontend_inflight_requests"},
    {&quantity::engine_running, "-dynamo_frontend_queued_requests"},
    {&quantity::engine_waiting, "dynamo_frontend_queued_requests"},
    {&quantity::engine_kv_usage, "dynamo_component_kvstats_gpu_cache_usage_percent"},
    {&quantity::engine_prompt_tokens, "dynamo_frontend_input_sequence_tokens_sum"},
    {&quantity::engine_generation_tokens, "dynamo_frontend_output_tokens_total"},
    {&quantity::engine_succeeded, "dynamo_frontend_requests_total", "status=success"},
    {&quantity::engine_failed, "dynamo_frontend_requests_total", "status=error"},
    {&quantity::engine_ttft, "dynamo_frontend_time_to_first_token_seconds"},
    {&quantity::engine_itl, "dynamo_frontend_inter_token_latency_seconds"},
    {&quantity::engine_e2e, "dynamo_frontend_request_duration_seconds"},
};

constexpr EngineKind kinds[] = {
    {"vllm", "vllm_", "model_name", "engine", "", vllm, "0.6 to 0.33"},
    {"sglang", "sglang_", "model_name", "dp_rank", "tp_rank|pp_rank", sglang, "0.4, 0.5"},
    {"tensorrt-llm", "trtllm_", "model_name", "", "", tensorrt_llm, "1.0 and of 2026"},
    {"tgi", "tgi_", "", "", "", tgi, "3"},
    {"triton", "nv_inference_", "model", "", "", triton, "23.11 and later, TensorRT-LLM"},
    {"llama.cpp", "llamacpp_", "", "", "", llamacpp, "of 2026"},
    {"lmdeploy", "lmdeploy_", "model_name", "engine", "", lmdeploy, "0.10 and later"},
    {"dynamo", "dynamo_", "model", "", "", dynamo, "0.6 and later"},
    {"mindie", "npu_cache_usage_perc", "model_name", "", "", mindie, "2.1"},
};

}  // namespace

std::span<const EngineKind> engine_kinds() { return kinds; }

}  // namespace tacho
