// `tacho metrics`, `tacho print` and `tacho version`: what tacho says of itself.
#include <cstdio>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "report/outputs.h"

namespace tacho {
namespace {

bool metrics_as_json = false;

FlagTable metrics_flags() {
  FlagTable table;
  table.toggle({"--json"}, metrics_as_json, "Print the list as JSON.");
  return table;
}

int run_metrics(const std::vector<std::string>& arguments) {
  auto others = metrics_flags().parse(arguments);
  if (!others) return fail(others.error());
  Json list = Json::array();
  for (const MetricInfo& m : metric_infos()) {
    list.push_back({{"key", m.key},
                    {"title", m.title},
                    {"title_zh", m.title_zh},
                    {"kind", "distribution"},
                    {"meaning", m.meaning}});
  }
  for (const FigureInfo& f : figure_infos()) {
    list.push_back({{"key", f.key}, {"kind", "figure"}, {"meaning", f.meaning}});
  }
  if (metrics_as_json) {
    std::printf("%s\n", dump_json(list, 1).c_str());
    return 0;
  }
  for (const auto& entry : list) {
    std::printf("%-30s %s\n", json_string(entry, "key").c_str(),
                json_string(entry, "meaning").c_str());
  }
  return 0;
}

FlagTable no_flags() { return {}; }

int run_print(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && arguments[0] == "man") {
    std::fputs(man_page().c_str(), stdout);
    return 0;
  }
  if (arguments.size() == 2 && arguments[0] == "completion") {
    auto script = completion(arguments[1]);
    if (!script) return fail(script.error());
    std::fputs(script->c_str(), stdout);
    return 0;
  }
  return fail(input_error("say 'tacho print man' or 'tacho print completion bash|zsh|fish'"));
}

int run_version(const std::vector<std::string>&) {
  std::printf("tacho %s\n", TACHO_VERSION);
  return 0;
}

}  // namespace

Command metrics_command() {
  return {"metrics",  "lists every metric with its one meaning", "[--json]", "", metrics_flags,
          run_metrics};
}

Command print_command() {
  return {"print",
          "prints the man page or a shell's completions",
          "man | completion bash|zsh|fish",
          "",
          no_flags,
          run_print};
}

Command version_command() {
  return {"version", "prints the version", "", "", no_flags, run_version};
}

}  // namespace tacho
