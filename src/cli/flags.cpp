#include "cli/flags.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace tacho {
namespace {

/// True for what is the next flag rather than a value: "-x" or "--x", but not "-" or "-3".
bool looks_like_flag(std::string_view text) {
  return text.size() >= 2 && text[0] == '-' && text[1] != '.' &&
         !(text[1] >= '0' && text[1] <= '9');
}

Result<std::uint32_t> to_count(const std::string& text, const std::string& flag,
                               std::uint32_t least, std::uint32_t most = UINT32_MAX) {
  const auto value = parse_integer(text);
  if (!value || *value < least || *value > most) {
    const std::string range =
        most == UINT32_MAX ? format("of at least {}", least) : format("from {} to {}", least, most);
    return input_error(format("{} takes a whole number {}, not '{}'", flag, range, text));
  }
  return static_cast<std::uint32_t>(*value);
}

Result<double> to_rate(const std::string& text, const std::string& flag) {
  if (equal_ignoring_case(text, "inf")) return std::numeric_limits<double>::infinity();
  const auto value = parse_number(text);
  if (!value || *value <= 0.0) {
    return input_error(format("{} takes a positive number or inf, not '{}'", flag, text));
  }
  return *value;
}

}  // namespace

Result<double> parse_seconds(std::string_view text) {
  double unit = 1.0;
  std::string_view digits = text;
  for (const auto& [suffix, seconds] :
       {std::pair{"ms", 1e-3}, {"s", 1.0}, {"m", 60.0}, {"h", 3600.0}}) {
    if (!digits.ends_with(suffix)) continue;
    digits.remove_suffix(std::string_view(suffix).size());
    unit = seconds;
    break;
  }
  const auto value = parse_number(digits);
  constexpr double seconds_max = 1e8;  // Three years; nanoseconds hold a hundred times that.
  if (!value || *value < 0.0 || *value * unit > seconds_max) {
    return input_error(format("'{}' is not a time; write 30s, 10m or 500ms", text));
  }
  return *value * unit;
}

void FlagTable::row(Flag flag) {
  flag.group = group_;
  rows_.push_back(std::move(flag));
}

void FlagTable::text(std::vector<std::string> names, std::string value, std::string& target,
                     std::string help) {
  row({std::move(names), std::move(value), std::move(help),
       [&target](const auto& values) -> Status {
         target = values.back();
         return Nothing{};
       }});
}

void FlagTable::toggle(std::vector<std::string> names, bool& target, std::string help, bool value) {
  row({std::move(names), "", std::move(help), [&target, value](const auto&) -> Status {
         target = value;
         return Nothing{};
       }});
}

void FlagTable::integer(std::vector<std::string> names, std::string value, std::uint32_t& target,
                        std::string help, std::uint32_t least, std::uint32_t most) {
  const std::string flag = names.front();
  row({std::move(names), std::move(value), std::move(help),
       [&target, flag, least, most](const auto& values) -> Status {
         auto count = to_count(values.back(), flag, least, most);
         if (!count) return count.error();
         target = *count;
         return Nothing{};
       }});
}

void FlagTable::number(std::vector<std::string> names, std::string value, double& target,
                       std::string help) {
  const std::string flag = names.front();
  row({std::move(names), std::move(value), std::move(help),
       [&target, flag](const auto& values) -> Status {
         const auto number = parse_number(values.back());
         if (!number)
           return input_error(format("{} takes a number, not '{}'", flag, values.back()));
         target = *number;
         return Nothing{};
       }});
}

void FlagTable::texts(std::vector<std::string> names, std::string value,
                      std::vector<std::string>& target, std::string help) {
  row({std::move(names), std::move(value), std::move(help),
       [&target](const auto& values) -> Status {
         target = values;
         return Nothing{};
       },
       true});
}

void FlagTable::gather(std::vector<std::string> names, std::string value,
                       std::vector<std::string>& target, std::string help) {
  row({std::move(names), std::move(value), std::move(help),
       [&target](const auto& values) -> Status {
         target.insert(target.end(), values.begin(), values.end());
         return Nothing{};
       },
       true});
}

void FlagTable::repeated(std::vector<std::string> names, std::string value,
                         std::vector<std::string>& target, std::string help) {
  row({std::move(names), std::move(value), std::move(help),
       [&target](const auto& values) -> Status {
         target.push_back(values.back());
         return Nothing{};
       }});
}

void FlagTable::integers(std::vector<std::string> names, std::string value,
                         std::vector<std::uint32_t>& target, std::string help) {
  const std::string flag = names.front();
  row({std::move(names), std::move(value), std::move(help),
       [&target, flag](const auto& values) -> Status {
         target.clear();
         for (const auto& text : values) {
           auto count = to_count(text, flag, 1);
           if (!count) return count.error();
           target.push_back(*count);
         }
         return Nothing{};
       },
       true});
}

void FlagTable::rates(std::vector<std::string> names, std::string value,
                      std::vector<double>& target, std::string help) {
  const std::string flag = names.front();
  row({std::move(names), std::move(value), std::move(help),
       [&target, flag](const auto& values) -> Status {
         target.clear();
         for (const auto& text : values) {
           auto rate = to_rate(text, flag);
           if (!rate) return rate.error();
           target.push_back(*rate);
         }
         return Nothing{};
       },
       true});
}

void FlagTable::duration(std::vector<std::string> names, double& seconds, std::string help) {
  const std::string flag = names.front();
  row({std::move(names), "TIME", std::move(help), [&seconds, flag](const auto& values) -> Status {
         auto parsed = parse_seconds(values.back());
         if (!parsed) return input_error(format("{}: {}", flag, parsed.error().message));
         seconds = *parsed;
         return Nothing{};
       }});
}

const Flag* FlagTable::find(std::string_view name) const {
  for (const Flag& flag : rows_) {
    if (std::find(flag.names.begin(), flag.names.end(), name) != flag.names.end()) return &flag;
  }
  return nullptr;
}

Error FlagTable::unknown(std::string_view name) const {
  std::string nearest;
  std::size_t distance = 4;  // Further away is another word, not a slip.
  for (const Flag& flag : rows_) {
    for (const auto& known : flag.names) {
      const std::size_t d = letters_apart(name, known);
      if (d < distance) {
        distance = d;
        nearest = known;
      }
    }
  }
  return input_error(nearest.empty()
                         ? format("unknown option '{}'; --help lists them", name)
                         : format("unknown option '{}'; did you mean {}?", name, nearest));
}

Result<std::vector<std::string>> FlagTable::parse(const std::vector<std::string>& arguments) const {
  std::vector<std::string> others;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      others.insert(others.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                    arguments.end());
      break;
    }
    if (!looks_like_flag(argument)) {
      others.push_back(argument);
      continue;
    }
    const auto equals = argument.starts_with("--") ? argument.find('=') : std::string::npos;
    const std::string name = argument.substr(0, equals);
    const Flag* flag = find(name);
    if (flag == nullptr) return unknown(name);
    std::vector<std::string> values;
    if (equals != std::string::npos) {
      if (flag->value.empty()) return input_error(format("{} takes no value", name));
      values.push_back(argument.substr(equals + 1));
    }
    const auto takes_next = [&] {
      return i + 1 < arguments.size() && !looks_like_flag(arguments[i + 1]);
    };
    if (!flag->value.empty() && values.empty() && i + 1 < arguments.size() &&
        (flag->is_list ? takes_next() : true)) {
      values.push_back(arguments[++i]);
    }
    while (flag->is_list && takes_next()) values.push_back(arguments[++i]);
    if (!flag->value.empty() && values.empty()) {
      return input_error(format("{} needs a value: {} {}", name, name, flag->value));
    }
    if (flag->is_list) {
      std::vector<std::string> parts;
      for (const auto& value : values) {
        for (const auto part : split(value, ',')) {
          if (!trim(part).empty()) parts.emplace_back(trim(part));
        }
      }
      if (parts.empty())
        return input_error(format("{} needs a value: {} {}", name, name, flag->value));
      values = std::move(parts);
    }
    if (auto status = flag->set(values); !status) return status.error();
  }
  return others;
}

}  // namespace tacho
