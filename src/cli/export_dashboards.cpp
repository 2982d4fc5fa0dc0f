#include "cli/export_dashboards.h"

#include <filesystem>

#include "base/embedded.h"
#include "base/file.h"
#include "base/text.h"
#include "monitor/boards.h"
#include "monitor/rules_export.h"

namespace tacho {
namespace {

TACHO_EMBEDDED(deploy_readme)
TACHO_EMBEDDED(deploy_prometheus)
TACHO_EMBEDDED(deploy_alertmanager)
TACHO_EMBEDDED(deploy_service)
TACHO_EMBEDDED(deploy_daemonset)
TACHO_EMBEDDED(deploy_servicemonitor)
TACHO_EMBEDDED(deploy_datasource)
TACHO_EMBEDDED(deploy_provider)

/// A file below the folder, and what is in it.
using Files = std::vector<std::pair<std::string, std::string>>;

/// The rules as a resource of the Prometheus operator.
std::string rule_resource(const std::string& rules) {
  std::string out =
      "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n"
      "  name: tacho\n  labels:\n    app.kubernetes.io/name: tacho-monitor\nspec:\n";
  for (const std::string_view line :
       split(std::string_view(rules).substr(rules.find("groups:")), '\n')) {
    if (!line.empty()) out += format("  {}\n", line);
  }
  return out;
}

/// The request by which Nightingale takes the rules; it reads Prometheus' own YAML.
std::string nightingale_alerts(const std::string& rules) {
  Json json = {{"payload", rules}, {"disabled", 0}};
  json["datasource_queries"] =
      Json::array({{{"match_type", 0}, {"op", "in"}, {"values", Json::array({1})}}});
  return dump_json(json, 1) + "\n";
}

}  // namespace

Result<std::vector<std::string>> write_dashboards(const std::string& folder,
                                                  const std::vector<AlertRule>& rules) {
  const auto boards = shipped_boards();
  if (!boards) return boards.error();
  const std::string rule_file = prometheus_rules(rules);
  Files files{
      {"README.md", std::string(deploy_readme())},
      {"prometheus/prometheus.yml", std::string(deploy_prometheus())},
      {"prometheus/tacho-rules.yaml", rule_file},
      {"prometheus/tacho-rules-test.yaml", promtool_tests(rules, "tacho-rules.yaml")},
      {"alertmanager/alertmanager.yml",
       std::string(deploy_alertmanager()) + alertmanager_inhibitions(rules)},
      {"grafana/provisioning/datasources/tacho.yaml", std::string(deploy_datasource())},
      {"grafana/provisioning/dashboards/tacho.yaml", std::string(deploy_provider())},
      {"nightingale/alerts.json", nightingale_alerts(rule_file)},
      {"nightingale/alert-rules.json", dump_json(nightingale_rules(rules), 1) + "\n"},
      {"systemd/tacho-monitor.service", std::string(deploy_service())},
      {"kubernetes/daemonset.yaml", std::string(deploy_daemonset())},
      {"kubernetes/servicemonitor.yaml", std::string(deploy_servicemonitor())},
      {"kubernetes/prometheusrule.yaml", rule_resource(rule_file)},
  };
  for (const Board& board : *boards) {
    files.emplace_back(format("grafana/dashboards/tacho-{}.json", board.name),
                       dump_json(grafana_board(board), 1) + "\n");
    files.emplace_back(format("nightingale/tacho-{}.json", board.name),
                       dump_json(nightingale_board(board), 1) + "\n");
  }
  std::vector<std::string> written;
  for (const auto& [name, text] : files) {
    const std::string path = folder + "/" + name;
    if (auto status = make_folders(std::filesystem::path(path).parent_path().string()); !status) {
      return status.error();
    }
    if (auto status = write_file(path, text); !status) return status.error();
    written.push_back(path);
  }
  return written;
}

}  // namespace tacho
