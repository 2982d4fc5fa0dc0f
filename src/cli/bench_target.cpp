#include "cli/bench_target.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.h"

namespace tacho {
namespace {

using namespace std::chrono_literals;

/// Loading a model on the first request may take long; a server that takes longer is not ready.
constexpr Duration trial_timeout_max = 120s;
constexpr const char* default_url = "http://127.0.0.1:8000";
/// Where servers tell what they are and how they were started; each is asked once, most answer 404.
constexpr std::array<std::string_view, 5> self_descriptions{"/version", "/get_server_info",
                                                            "/props", "/info", "/sim/config"};

/// What the environment variable holds that the flag names.
Result<std::string> secret(const char* flag, const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') {
    return input_error(format("{}: the environment variable {} is not set", flag, name));
  }
  return std::string(value);
}

Result<std::vector<std::string>> header_lines(const BenchOptions& options) {
  std::vector<std::string> lines;
  for (const auto& header : options.headers) {
    if (header.find(':') == std::string::npos ||
        header.find_first_of("\r\n") != std::string::npos) {
      return input_error(format("--header '{}': write 'Name: value'", header));
    }
    lines.push_back(header);
  }
  if (options.api_key_env.empty()) return lines;
  auto key = secret("--api-key-env", options.api_key_env);
  if (!key) return key.error();
  lines.push_back("Authorization: Bearer " + *key);
  return lines;
}

Result<TlsVersion> tls_version(const char* flag, const std::string& text, TlsVersion otherwise) {
  if (text.empty()) return otherwise;
  if (text == "1.2") return TlsVersion::tls12;
  if (text == "1.3") return TlsVersion::tls13;
  return input_error(format("{} is 1.2 or 1.3, not '{}'", flag, text));
}

Result<TlsOptions> tls_options(const BenchOptions& options) {
  TlsOptions tls{!options.is_insecure, options.ca_file};
  tls.certificate_file = options.certificate_file;
  tls.key_file = options.key_file;
  if (options.certificate_file.empty() && !options.key_file.empty()) {
    return input_error("--key is the key of a certificate; name that with --cert");
  }
  if (!options.key_password_env.empty()) {
    auto password = secret("--key-pass-env", options.key_password_env);
    if (!password) return password.error();
    tls.key_password = std::move(*password);
  }
  auto oldest = tls_version("--tls-min", options.tls_min, TlsVersion::tls12);
  if (!oldest) return oldest.error();
  auto newest = tls_version("--tls-max", options.tls_max, TlsVersion::tls13);
  if (!newest) return newest.error();
  if (*oldest > *newest) return input_error("--tls-min is above --tls-max");
  tls.oldest = *oldest;
  tls.newest = *newest;
  return tls;
}

FetchRequest request_to(const CheckedTarget& target, std::string url) {
  FetchRequest request;
  request.url = std::move(url);
  request.header_lines = target.header_lines;
  request.tls = target.tls;
  request.connect_timeout = target.connect_timeout;
  return request;
}

Error refused_key(const CheckedTarget& target, int status, std::string_view body) {
  return world_error(format("{} answered {} ({}); give a key with --api-key-env NAME or --header",
                            target.origin, status, error_text(body)));
}

std::vector<std::string> model_ids(const Json& list) {
  std::vector<std::string> ids;
  if (!list.is_object() || !list.contains("data") || !list["data"].is_array()) return ids;
  for (const auto& model : list["data"]) {
    const std::string id = model.is_object() ? json_string(model, "id") : "";
    if (!id.empty()) ids.push_back(id);
  }
  return ids;
}

Status choose_model(const BenchOptions& options, CheckedTarget& target,
                    const std::vector<std::string>& ids) {
  std::string asked = options.served_model_name.empty() ? options.model : options.served_model_name;
  if (asked.empty()) {
    // The Ascend suite's habit: without a served name, the tokenizer's path is the model's name.
    if (ids.size() == 1) {
      target.model = ids[0];
      return Nothing{};
    }
    if (!options.tokenizer.empty() &&
        (ids.empty() || std::find(ids.begin(), ids.end(), options.tokenizer) != ids.end())) {
      target.model = options.tokenizer;
      return Nothing{};
    }
    return input_error(
        ids.empty() ? format("{} does not list its models; name one with --model", target.origin)
                    : format("{} serves several models; name one with --model: {}", target.origin,
                             join(ids, ", ")));
  }
  target.model = asked;
  if (ids.empty() || std::find(ids.begin(), ids.end(), asked) != ids.end()) return Nothing{};
  return input_error(format("{} does not serve the model '{}'; it serves: {}", target.origin, asked,
                            join(ids, ", ")));
}

void describe_server(CheckedTarget& target) {
  for (const auto path : self_descriptions) {
    FetchRequest request = request_to(target, target.base + std::string(path));
    request.timeout = 2s;
    const auto reply = fetch(request);
    if (!reply || reply->status != 200) continue;
    auto json = parse_json(reply->body, "");
    if (json && json->is_object()) target.server[std::string(path.substr(1))] = std::move(*json);
  }
}

}  // namespace

Result<CheckedTarget> locate_target(const BenchOptions& options, const std::string& sim_url,
                                    std::string_view path) {
  std::string typed = sim_url.empty() ? options.url : sim_url;
  if (typed.empty() && !options.host.empty()) {
    const bool has_scheme = options.host.find("://") != std::string::npos;
    typed = format("{}{}", has_scheme ? "" : "http://", options.host);
  }
  if (typed.empty()) typed = default_url;
  auto url = parse_url(typed);
  if (!url) return url.error();
  if (options.port > 0 && sim_url.empty() && options.url.empty())
    url->port = static_cast<std::uint16_t>(options.port);
  CheckedTarget target;
  target.url = *url;
  target.origin = url->origin();
  while (!target.url.path.empty() && target.url.path.back() == '/') target.url.path.pop_back();
  std::string& full = target.url.path;
  std::string base_path = full;
  if (const auto v1 = full.rfind("/v1"); v1 != std::string::npos) base_path = full.substr(0, v1);
  if (full.ends_with("/v1")) full.clear(), full = base_path;
  const bool is_whole_endpoint = full.size() > base_path.size();
  if (!is_whole_endpoint) {
    std::string endpoint =
        options.endpoint_path.empty() ? std::string(path) : options.endpoint_path;
    if (!endpoint.starts_with('/')) endpoint.insert(0, 1, '/');
    full = base_path + endpoint;
  }
  target.base = target.origin + base_path;
  auto lines = header_lines(options);
  if (!lines) return lines.error();
  target.header_lines = std::move(*lines);
  auto tls = tls_options(options);
  if (!tls) return tls.error();
  target.tls = std::move(*tls);
  target.connect_timeout = from_s(options.connect_timeout_s);
  return target;
}

Status question_server(const BenchOptions& options, CheckedTarget& target) {
  auto reply = fetch(request_to(target, target.base + "/v1/models"));
  if (!reply) return reply.error();
  std::vector<std::string> ids;
  if (reply->status == 401 || reply->status == 403)
    return refused_key(target, reply->status, reply->body);
  if (reply->status == 200) {
    auto list = parse_json(reply->body, "/v1/models");
    if (list) {
      ids = model_ids(*list);
      target.server["models"] = *list;
    }
  } else {
    target.notes.push_back(format("{}/v1/models answered {}; the model's name could not be checked",
                                  target.base, reply->status));
  }
  if (const auto name = reply->head.field("server"); !name.empty())
    target.server["server"] = std::string(name);
  if (auto status = choose_model(options, target, ids); !status) return status;
  describe_server(target);
  return Nothing{};
}

Status prove_endpoint(const CheckedTarget& target, const Protocol& protocol, const Ask& ask,
                      const Timeouts& timeouts) {
  FetchRequest request = request_to(target, target.origin + target.url.path);
  request.method = "POST";
  request.body = protocol.body(ask);
  request.timeout = std::min<Duration>(trial_timeout_max, timeouts.total);
  // It asks for one token, so that its first is its last.
  if (timeouts.first_token > Duration(0))
    request.timeout = std::min(request.timeout, timeouts.connect + timeouts.first_token);
  auto reply = fetch(request);
  if (!reply) return reply.error();
  const std::string said = error_text(reply->body);
  if (reply->status == 200) return Nothing{};
  if (reply->status == 401 || reply->status == 403)
    return refused_key(target, reply->status, reply->body);
  if (reply->status == 404 || reply->status == 405) {
    return input_error(format("{}{} answered {} ({}); is this the right --url and --endpoint-type?",
                              target.origin, target.url.path, reply->status, said));
  }
  if (reply->status < 500 && reply->status != 429) {
    return input_error(format("{}{} refused a trial request with {}: {}", target.origin,
                              target.url.path, reply->status, said));
  }
  return world_error(
      format("{}{} answered a trial request with {}: {}; --no-ready-check goes on all the same",
             target.origin, target.url.path, reply->status, said));
}

}  // namespace tacho
