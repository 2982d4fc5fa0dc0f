// Flags as a table: one row each, and from the same rows the parser, --help, the man page and the
// shell completions. (In every tool of this kind the longest function is its argument parser; here
// there is none to grow.)
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tacho {

/// One row.
struct Flag {
  std::vector<std::string> names =
      {};                  ///< The first is ours; the others are what people type elsewhere.
  std::string value = {};  ///< What to show for its value; empty for a switch.
  std::string help = {};
  std::function<Status(const std::vector<std::string>&)> set = {};
  bool is_list = false;  ///< Takes several values, by commas or spaces.
  std::string group = {};
};

/// A command's rows.
class FlagTable {
 public:
  /// Rows added from here on belong to this group of the help text.
  void group(std::string title) { group_ = std::move(title); }

  /// A text; given twice, the last one counts. The targets of all rows must outlive the table.
  void text(std::vector<std::string> names, std::string value, std::string& target,
            std::string help);
  /// A switch, which sets its target to `value`.
  void toggle(std::vector<std::string> names, bool& target, std::string help, bool value = true);
  /// A whole number of at least `least`.
  void integer(std::vector<std::string> names, std::string value, std::uint32_t& target,
               std::string help, std::uint32_t least = 0, std::uint32_t most = UINT32_MAX);
  /// A finite number.
  void number(std::vector<std::string> names, std::string value, double& target, std::string help);
  /// Several words, by commas or spaces.
  void texts(std::vector<std::string> names, std::string value, std::vector<std::string>& target,
             std::string help);
  /// The same, where giving the flag again adds to the list.
  void gather(std::vector<std::string> names, std::string value, std::vector<std::string>& target,
              std::string help);
  /// Texts that may hold commas and spaces; the flag is given once for each.
  void repeated(std::vector<std::string> names, std::string value, std::vector<std::string>& target,
                std::string help);
  /// Several whole numbers of at least 1.
  void integers(std::vector<std::string> names, std::string value,
                std::vector<std::uint32_t>& target, std::string help);
  /// Positive numbers; "inf" is infinity.
  void rates(std::vector<std::string> names, std::string value, std::vector<double>& target,
             std::string help);
  /// A time such as 30, 30s, 10m or 500ms; plain numbers are seconds.
  void duration(std::vector<std::string> names, double& seconds, std::string help);
  /// Any other row.
  void row(Flag flag);

  /// Takes the arguments apart; what is no flag is returned.
  Result<std::vector<std::string>> parse(const std::vector<std::string>& arguments) const;
  const std::vector<Flag>& rows() const { return rows_; }

 private:
  const Flag* find(std::string_view name) const;
  Error unknown(std::string_view name) const;
  std::vector<Flag> rows_;
  std::string group_ = "Options";
};

/// Seconds of "30", "30s", "10m", "1h" or "500ms".
Result<double> parse_seconds(std::string_view text);

/// One of tacho's commands.
struct Command {
  std::string_view name;      ///< One word, or two: "sim fit" is part of what sim does.
  std::string_view summary;   ///< One line.
  std::string_view usage;     ///< The arguments, as shown after "tacho NAME".
  std::string_view examples;  ///< Lines to copy; may be empty.
  /// Its rows, for help texts; they point into storage that outlives the process's use of them.
  FlagTable (*flags)();
  /// Runs; the exit code.
  int (*run)(const std::vector<std::string>& arguments);

  bool is_part() const { return name.find(' ') != std::string_view::npos; }
  /// True when `other` is a part of it.
  bool has_part(const Command& other) const {
    return other.is_part() && other.name.substr(0, other.name.find(' ')) == name;
  }
};

/// All commands, in the order of the help text.
const std::vector<Command>& commands();

/// The help text of one command.
std::string help_text(const Command& command);

/// Prints the error as one line and returns its exit code: 2 or 4.
int fail(const Error& error);

}  // namespace tacho
