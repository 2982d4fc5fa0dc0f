#include "record/environment_files.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"

namespace tacho {

MachineFiles::MachineFiles(std::string root) : root_(std::move(root)) {
  while (!root_.empty() && root_.back() == '/') root_.pop_back();
}

std::optional<std::string> MachineFiles::text(const std::string& path) const {
  const auto content = read_file(root_ + path);
  if (!content) return std::nullopt;
  const auto trimmed = trim(*content);
  if (trimmed.empty()) return std::nullopt;
  return std::string(trimmed);
}

std::optional<std::int64_t> MachineFiles::integer(const std::string& path) const {
  const auto content = text(path);
  return content ? parse_integer(*content) : std::nullopt;
}

std::optional<std::vector<std::string>> MachineFiles::names(const std::string& path) const {
  std::error_code error;
  std::filesystem::directory_iterator entry(root_ + path, error);
  if (error) return std::nullopt;
  std::vector<std::string> result;
  for (; entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (error) break;
    result.push_back(entry->path().filename().string());
  }
  std::sort(result.begin(), result.end());
  return result;
}

bool MachineFiles::has(const std::string& path) const { return exists(root_ + path); }

Json or_unknown(const std::optional<std::string>& value) {
  return value ? Json(*value) : Json(unknown);
}

Json or_unknown(const std::optional<std::int64_t>& value) {
  return value ? Json(*value) : Json(unknown);
}

std::optional<std::string> field(std::string_view text, std::string_view key, char separator) {
  for (const auto line : split(text, '\n')) {
    const auto at = line.find(separator);
    if (at == std::string_view::npos || trim(line.substr(0, at)) != key) continue;
    auto value = trim(line.substr(at + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (value.empty()) return std::nullopt;
    return std::string(value);
  }
  return std::nullopt;
}

std::optional<std::int64_t> count_of_list(std::string_view list) {
  std::int64_t count = 0;
  for (const auto part : split(trim(list), ',')) {
    const auto dash = part.find('-');
    const auto first = parse_integer(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_integer(part.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    count += *last - *first + 1;
  }
  if (count == 0) return std::nullopt;
  return count;
}

Json numa_node(const MachineFiles& files, const std::string& device) {
  const auto node = files.integer(device + "/numa_node");
  if (!node) return unknown;
  return *node < 0 ? Json("none") : Json(*node);
}

}  // namespace tacho
