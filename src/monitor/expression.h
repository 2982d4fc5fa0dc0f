// The part of Prometheus' query language in which rules are written, so that one text is judged
// alike here and there. What is beyond it is refused with its place; nothing is ever guessed.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "monitor/snapshot.h"

namespace tacho {

/// What a label has to be, such as reason=~"hw_.*|power".
struct LabelMatcher {
  std::string label;
  std::string value;
  bool is_pattern = false;   ///< Alternatives parted by '|', in which '.', .* and .+ stand for any.
  bool is_negative = false;  ///< != and !~

  /// True when this value of the label (empty: it has none) is as wanted.
  bool accepts(std::string_view given) const;
};

/// One node of an expression.
struct Expression {
  enum class Kind {
    number,
    selector,   ///< `name` is the metric; `range` makes it a range, `offset` looks back.
    call,       ///< `name` is the function; `parts` are its arguments.
    aggregate,  ///< `name` is sum, avg, min, max or count; `labels` as `scope` says.
    binary,     ///< `name` is the operator, between the two `parts`; matched as `scope` says.
    negative,   ///< Minus the one part.
  };
  /// Which labels count: all, only those named (by, on), or all but those named (without,
  /// ignoring).
  enum class Scope { all, only, without };

  Kind kind = Kind::number;
  double number = 0.0;
  std::string name;
  std::vector<LabelMatcher> matchers;
  Duration range{0};
  Duration offset{0};
  Scope scope = Scope::all;
  std::vector<std::string> labels;
  std::vector<Expression> parts;
};

/// Reads an expression. The error says at which column, and what there is instead.
Result<Expression> parse_expression(std::string_view text);

/// The metrics that it asks for, each with the longest time that it looks back.
struct Need {
  std::string metric;
  Duration window{0};
};
std::vector<Need> needs_of(const Expression& expression);

/// A time as Prometheus writes it: 5m, 1h30m, 500ms. The error names `what`.
Result<Duration> parse_prometheus_duration(std::string_view text, std::string_view what);

/// The same in hours, minutes and seconds only, which every reader of rules understands.
std::string duration_text(Duration duration);

}  // namespace tacho
