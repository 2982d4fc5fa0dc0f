// `tacho export`: rules and dashboards as files for the programs that read them.
#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/export_dashboards.h"
#include "monitor/rules_export.h"

namespace tacho {
namespace {

/// Options of `tacho export`, as typed.
struct ExportFlags {
  std::string to, tests;
  std::vector<std::string> settings;
};

FlagTable export_flags(ExportFlags& f) {
  FlagTable t;
  t.group("Output");
  t.text({"--to"}, "PATH", f.to,
         "The file, or with dashboards the folder, to write; without it, rules go to standard "
         "output.");
  t.text({"--tests"}, "FILE", f.tests,
         "Also write the rules' tests for `promtool test rules`; beside the file of --to.");
  t.repeated({"--set"}, "ALERT=NUMBER", f.settings,
             "Another threshold for an alert, such as TachoTtftHigh=0.2.");
  return t;
}

Status write_tests(const ExportFlags& f, const std::vector<AlertRule>& rules) {
  const std::filesystem::path of_rules = std::filesystem::absolute(f.to);
  const auto folder = std::filesystem::absolute(f.tests).parent_path();
  const std::string name = of_rules.lexically_relative(folder).string();
  return write_file(f.tests, promtool_tests(rules, name));
}

Result<AlertRules> chosen_rules(const ExportFlags& f) {
  std::vector<ThresholdSetting> settings;
  for (const std::string& text : f.settings) {
    auto setting = parse_threshold_setting(text);
    if (!setting) return setting.error();
    settings.push_back(std::move(*setting));
  }
  return shipped_alert_rules(settings);
}

int export_dashboards(const ExportFlags& f) {
  if (f.to.empty()) return fail(input_error("tacho export dashboards needs --to DIR"));
  const auto rules = chosen_rules(f);
  if (!rules) return fail(rules.error());
  const auto written = write_dashboards(f.to, rules->rules);
  if (!written) return fail(written.error());
  for (const std::string& path : *written) std::printf("wrote %s\n", path.c_str());
  return 0;
}

int export_rules(const ExportFlags& f) {
  if (f.to.empty() && !f.tests.empty()) {
    return fail(input_error("--tests needs --to: tests name the file of the rules"));
  }
  const auto shipped = chosen_rules(f);
  if (!shipped) return fail(shipped.error());
  const std::string text = prometheus_rules(shipped->rules);
  if (f.to.empty()) {
    if (std::fputs(text.c_str(), stdout) < 0) return 4;
  } else if (auto status = write_file(f.to, text); !status) {
    return fail(status.error());
  }
  if (!f.tests.empty()) {
    if (auto status = write_tests(f, shipped->rules); !status) return fail(status.error());
  }
  return 0;
}

int run_export(const std::vector<std::string>& arguments) {
  ExportFlags flags;
  const auto what = export_flags(flags).parse(arguments);
  if (!what) return fail(what.error());
  if (what->size() == 1 && what->front() == "rules") return export_rules(flags);
  if (what->size() == 1 && what->front() == "dashboards") return export_dashboards(flags);
  return fail(
      input_error("say 'tacho export rules [--to FILE]' or 'tacho export dashboards --to DIR'"));
}

}  // namespace

Command export_command() {
  return {"export",
          "writes alert rules and dashboards for other programs",
          "rules|dashboards [OPTIONS]",
          "  tacho export rules --to tacho-rules.yaml\n"
          "  tacho export rules --set TachoTtftHigh=0.2 --to tacho-rules.yaml --tests "
          "tacho-rules-test.yaml\n"
          "  tacho export dashboards --to monitoring\n",
          [] {
            static ExportFlags flags;
            return export_flags(flags);
          },
          run_export};
}

}  // namespace tacho
