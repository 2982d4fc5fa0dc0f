#include "cli/bench_target.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace tacho {
namespace {

using namespace std::chrono_literals;

/// Loading a model on the first request may take long; a server that takes longer is not ready.
constexpr Duration trial_timeout_max = 120s;
/// Where servers tell what they are and how they were started; each is asked once, most answer 404.
constexpr std::array<std::string_view, 5> self_descriptions{"/version", "/get_server_info",
                                                            "/props", "/info", "/sim/config"};

FetchRequest request_to(const CheckedTarget& target, std::string url) {
  FetchRequest request;
  request.url = std::move(url);
  request.header_lines = target.header_lines;
  request.route.tls = target.tls;
  request.route.unix_socket = target.unix_socket;
  if (!target.sources.empty()) request.route.source = target.sources.front();
  request.route.http = target.http;
  request.connect_timeout = target.connect_timeout;
  return request;
}

Error refused_key(const ServerPlace& place, int status, std::string_view body) {
  return world_error(format("{} answered {} ({}); give a key with --api-key-env NAME or --header",
                            place.origin, status, error_text(body)));
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

/// Chooses by the list of the first server; the others must serve the same.
Status choose_model(const BenchOptions& options, CheckedTarget& target, const ServerPlace& place,
                    const std::vector<std::string>& ids) {
  std::string asked = options.served_model_name.empty() ? options.model : options.served_model_name;
  if (asked.empty()) asked = target.model;
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
        ids.empty() ? format("{} does not list its models; name one with --model", place.origin)
                    : format("{} serves several models; name one with --model: {}", place.origin,
                             join(ids, ", ")));
  }
  target.model = asked;
  if (ids.empty() || std::find(ids.begin(), ids.end(), asked) != ids.end()) return Nothing{};
  return input_error(format("{} does not serve the model '{}'; it serves: {}", place.origin, asked,
                            join(ids, ", ")));
}

void describe_server(CheckedTarget& target) {
  for (const auto path : self_descriptions) {
    FetchRequest request = request_to(target, target.servers.front().base + std::string(path));
    request.timeout = 2s;
    const auto reply = fetch(request);
    if (!reply || reply->status != 200) continue;
    auto json = parse_json(reply->body, "");
    if (json && json->is_object()) target.server[std::string(path.substr(1))] = std::move(*json);
  }
}

/// HTTP/2 where all servers pick it (ALPN), else HTTP/1.1.
Status choose_http(CheckedTarget& target) {
  std::size_t picked = 0;
  for (const ServerPlace& place : target.servers) {
    if (!place.url.is_tls) continue;
    const FetchRequest request = request_to(target, place.origin);
    const auto is_picked = picks_http2(request.url, request.route, 10s);
    if (!is_picked) return is_picked.error();
    picked += *is_picked ? 1 : 0;
  }
  if (picked == target.servers.size()) {
    speak_http2(target);
  } else if (picked > 0) {
    target.notes.push_back("not every server picks HTTP/2; all are spoken to in HTTP/1.1");
  }
  return Nothing{};
}

/// The models that the server lists; none, with a note, where it has no list.
Result<std::vector<std::string>> ask_for_models(CheckedTarget& target, const ServerPlace& place) {
  auto reply = fetch(request_to(target, place.base + "/v1/models"));
  if (!reply) return reply.error();
  if (reply->status == 401 || reply->status == 403)
    return refused_key(place, reply->status, reply->body);
  const bool is_first = &place == &target.servers.front();
  if (const auto name = reply->head.field("server"); !name.empty() && is_first)
    target.server["server"] = std::string(name);
  if (reply->status != 200) {
    target.notes.push_back(format("{}/v1/models answered {}; the model's name could not be checked",
                                  place.base, reply->status));
    return std::vector<std::string>{};
  }
  auto list = parse_json(reply->body, "/v1/models");
  if (!list) return std::vector<std::string>{};
  if (is_first) target.server["models"] = *list;
  return model_ids(*list);
}

Status prove_server(const CheckedTarget& target, const ServerPlace& place, const std::string& body,
                    const Timeouts& timeouts) {
  FetchRequest request = request_to(target, place.origin + place.url.path);
  request.method = "POST";
  request.body = body;
  request.timeout = std::min<Duration>(trial_timeout_max, timeouts.total);
  // It asks for one token, so that its first is its last.
  if (timeouts.first_token > Duration(0))
    request.timeout = std::min(request.timeout, timeouts.connect + timeouts.first_token);
  auto reply = fetch(request);
  if (!reply) return reply.error();
  const std::string said = error_text(reply->body);
  if (reply->status == 200) return Nothing{};
  if (reply->status == 401 || reply->status == 403)
    return refused_key(place, reply->status, reply->body);
  if (reply->status == 404 || reply->status == 405) {
    return input_error(format("{}{} answered {} ({}); is this the right --url and --endpoint-type?",
                              place.origin, place.url.path, reply->status, said));
  }
  if (reply->status < 500 && reply->status != 429) {
    return input_error(format("{}{} refused a trial request with {}: {}", place.origin,
                              place.url.path, reply->status, said));
  }
  return world_error(
      format("{}{} answered a trial request with {}: {}; --no-ready-check goes on all the same",
             place.origin, place.url.path, reply->status, said));
}

}  // namespace

Status question_server(const BenchOptions& options, CheckedTarget& target) {
  if (target.asks_for_http) {
    if (auto status = choose_http(target); !status) return status;
  }
  for (const ServerPlace& place : target.servers) {
    auto ids = ask_for_models(target, place);
    if (!ids) return ids.error();
    if (auto status = choose_model(options, target, place, *ids); !status) return status;
  }
  describe_server(target);
  return Nothing{};
}

Status prove_endpoint(const CheckedTarget& target, const Protocol& protocol, const Ask& ask,
                      const Timeouts& timeouts) {
  const std::string body = protocol.body(ask);
  for (const ServerPlace& place : target.servers) {
    if (auto status = prove_server(target, place, body, timeouts); !status) return status;
  }
  return Nothing{};
}

}  // namespace tacho
