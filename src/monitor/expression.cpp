#include "monitor/expression.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace tacho {
namespace {

constexpr int depth_max = 60;

struct Function {
  std::string_view name;
  std::size_t arguments;
  int range_at;  ///< Which argument is a range; -1: none.
};

constexpr Function functions[] = {
    {"rate", 1, 0},           {"increase", 1, 0},      {"delta", 1, 0},
    {"changes", 1, 0},        {"avg_over_time", 1, 0}, {"min_over_time", 1, 0},
    {"max_over_time", 1, 0},  {"sum_over_time", 1, 0}, {"count_over_time", 1, 0},
    {"last_over_time", 1, 0}, {"abs", 1, -1},          {"absent", 1, -1},
    {"clamp_min", 2, -1},     {"clamp_max", 2, -1},    {"histogram_quantile", 2, -1},
    {"time", 0, -1},
};

constexpr std::string_view aggregates[] = {"sum", "avg", "min", "max", "count"};

const Function* find_function(std::string_view name) {
  const auto found = std::find_if(std::begin(functions), std::end(functions),
                                  [&](const Function& f) { return f.name == name; });
  return found != std::end(functions) ? found : nullptr;
}

bool is_aggregate(std::string_view name) {
  return std::find(std::begin(aggregates), std::end(aggregates), name) != std::end(aggregates);
}

bool is_name_letter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':';
}

/// Operators, the ones that bind least first.
constexpr std::array<std::array<std::string_view, 6>, 5> levels{{
    {"or"},
    {"and", "unless"},
    {"==", "!=", ">=", "<=", ">", "<"},
    {"+", "-"},
    {"*", "/", "%"},
}};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Expression> parse() {
    Expression expression = binary(0);
    skip_spaces();
    if (!error_ && at_ < text_.size()) fail(format("'{}' is not understood", word_here()));
    if (error_) return *error_;
    return expression;
  }

 private:
  void fail(std::string_view why) {
    if (!error_) error_ = input_error(format("column {}: {}", at_ + 1, why));
  }

  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  /// What stands here, for messages.
  std::string word_here() {
    std::size_t end = at_;
    while (end < text_.size() && is_name_letter(text_[end])) ++end;
    if (end == at_) end = std::min(at_ + 1, text_.size());
    return std::string(text_.substr(at_, end - at_));
  }

  bool take(std::string_view token) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(token)) return false;
    const std::size_t end = at_ + token.size();
    const bool is_word = is_name_letter(token.back());
    if (is_word && end < text_.size() && is_name_letter(text_[end])) return false;
    at_ = end;
    return true;
  }

  void expect(std::string_view token) {
    if (!take(token)) fail(format("'{}' is wanted here", token));
  }

  std::string take_name() {
    skip_spaces();
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name_letter(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string take_string() {
    skip_spaces();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '"' && quote != '\'') return fail("a text in quotes is wanted here"), "";
    std::string out;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_];
    }
    if (at_ >= text_.size()) return fail("a quote stays open"), "";
    ++at_;
    return out;
  }

  Duration take_duration() {
    skip_spaces();
    const std::size_t begin = at_;
    while (at_ < text_.size() && std::isalnum(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    const auto duration = parse_prometheus_duration(text_.substr(begin, at_ - begin), "the time");
    if (!duration) fail(duration.error().message);
    return duration ? *duration : Duration{0};
  }

  std::vector<std::string> take_label_list() {
    std::vector<std::string> labels;
    expect("(");
    while (!error_ && !take(")")) {
      labels.push_back(take_name());
      if (labels.back().empty()) fail("the name of a label is wanted here");
      if (!take(",")) {
        expect(")");
        break;
      }
    }
    return labels;
  }

  Expression binary(std::size_t level) {
    if (level == levels.size()) return unary();
    if (++depth_ > depth_max) fail("more brackets than are read here");
    Expression left = error_ ? Expression{} : binary(level + 1);
    while (!error_) {
      std::string_view taken;
      for (const std::string_view op : levels[level]) {
        if (!op.empty() && taken.empty() && take(op)) taken = op;
      }
      if (taken.empty()) break;
      Expression node;
      node.kind = Expression::Kind::binary;
      node.name = std::string(taken);
      modifiers(node);
      Expression right = error_ ? Expression{} : binary(level + 1);
      node.parts = {std::move(left), std::move(right)};
      left = std::move(node);
    }
    --depth_;
    return left;
  }

  /// What may stand behind an operator.
  void modifiers(Expression& node) {
    if (take("bool")) fail("'bool' is not understood; compare without it");
    for (const auto& [word, scope] :
         {std::pair{"on", Expression::Scope::only}, {"ignoring", Expression::Scope::without}}) {
      if (!take(word)) continue;
      node.scope = scope;
      node.labels = take_label_list();
    }
    for (const char* word : {"group_left", "group_right"}) {
      if (take(word)) fail(format("'{}' is not understood; match one to one", word));
    }
  }

  Expression unary() {
    if (take("-")) {
      if (++depth_ > depth_max) fail("more brackets than are read here");
      Expression node;
      node.kind = Expression::Kind::negative;
      if (!error_) node.parts.push_back(unary());
      --depth_;
      return node;
    }
    return suffixes(primary());
  }

  /// A range and an offset behind a selector.
  Expression suffixes(Expression node) {
    if (take("[")) {
      if (node.kind != Expression::Kind::selector || node.range.count() > 0) {
        fail("only a metric has a range; subqueries are not understood");
      }
      node.range = take_duration();
      expect("]");
    }
    if (take("offset")) {
      if (node.kind != Expression::Kind::selector) fail("only a metric has an offset");
      node.offset = take_duration();
    }
    if (take("@")) fail("'@' is not understood");
    return node;
  }

  Expression primary() {
    skip_spaces();
    if (at_ >= text_.size()) return fail("the expression ends too early"), Expression{};
    const char c = text_[at_];
    if (take("(")) {
      Expression inner = binary(0);
      expect(")");
      return inner;
    }
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.') return number();
    if (c == '{') return selector("");
    if (!is_name_letter(c)) return fail(format("'{}' is not understood", c)), Expression{};
    const std::size_t begin = at_;
    const std::string name = take_name();
    if (is_aggregate(name)) return aggregate(name);
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == '(') {
      if (const Function* function = find_function(name)) return call(*function);
      at_ = begin;
      std::vector<std::string> known(std::begin(aggregates), std::end(aggregates));
      for (const Function& function : functions) known.emplace_back(function.name);
      return fail(format("'{}' is not understood; there are {}", name, join(known, ", "))),
             Expression{};
    }
    return selector(name);
  }

  Expression number() {
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '.' ||
            ((text_[at_] == '-' || text_[at_] == '+') &&
             (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E')))) {
      ++at_;
    }
    const auto value = parse_number(text_.substr(begin, at_ - begin));
    if (!value) fail(format("'{}' is no number", text_.substr(begin, at_ - begin)));
    Expression node;
    node.number = value.value_or(0.0);
    return node;
  }

  Expression selector(const std::string& name) {
    Expression node;
    node.kind = Expression::Kind::selector;
    node.name = name;
    if (take("{")) {
      while (!error_ && !take("}")) {
        matcher(node);
        if (!take(",")) {
          expect("}");
          break;
        }
      }
    }
    if (node.name.empty()) fail("a selector without the name of a metric is not understood");
    return node;
  }

  void matcher(Expression& node) {
    LabelMatcher m;
    m.label = take_name();
    if (m.label.empty()) return fail("the name of a label is wanted here");
    if (take("=~")) {
      m.is_pattern = true;
    } else if (take("!~")) {
      m.is_pattern = m.is_negative = true;
    } else if (take("!=")) {
      m.is_negative = true;
    } else {
      expect("=");
    }
    m.value = take_string();
    std::string rest = m.value;
    for (const char* wildcard : {".*", ".+"}) {
      for (std::size_t i = 0; (i = rest.find(wildcard)) != std::string::npos;) rest.erase(i, 2);
    }
    if (m.is_pattern && rest.find_first_of("*+?()[]{}^$\\") != std::string::npos) {
      fail(format("the pattern '{}' is not understood; there are a|b, '.', .* and .+", m.value));
    }
    node.matchers.push_back(std::move(m));
  }

  Expression aggregate(const std::string& name) {
    Expression node;
    node.kind = Expression::Kind::aggregate;
    node.name = name;
    node.scope = Expression::Scope::only;
    const auto scope = [&] {
      for (const auto& [word, kind] :
           {std::pair{"by", Expression::Scope::only}, {"without", Expression::Scope::without}}) {
        if (!take(word)) continue;
        node.scope = kind;
        node.labels = take_label_list();
      }
    };
    scope();
    expect("(");
    if (!error_) node.parts.push_back(binary(0));
    expect(")");
    scope();
    return node;
  }

  Expression call(const Function& function) {
    Expression node;
    node.kind = Expression::Kind::call;
    node.name = std::string(function.name);
    expect("(");
    while (!error_ && !take(")")) {
      node.parts.push_back(binary(0));
      if (!take(",")) {
        expect(")");
        break;
      }
    }
    if (error_) return node;
    if (node.parts.size() != function.arguments) {
      fail(format("{}() takes {} arguments", function.name, function.arguments));
      return node;
    }
    for (std::size_t i = 0; i < node.parts.size(); ++i) {
      const bool is_range = node.parts[i].range.count() > 0;
      const bool wants = static_cast<int>(i) == function.range_at;
      if (wants && !is_range) fail(format("{}() wants a range such as [5m]", function.name));
      if (!wants && is_range) fail(format("{}() takes no range", function.name));
    }
    return node;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::optional<Error> error_;
};

/// True when the whole text is as a pattern of letters, '.', .* and .+ says.
bool fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.starts_with(".*") || pattern.starts_with(".+")) {
    for (std::size_t i = pattern[1] == '+' ? 1 : 0; i <= text.size(); ++i) {
      if (fits(pattern.substr(2), text.substr(i))) return true;
    }
    return false;
  }
  const bool fits_first =
      !text.empty() && (pattern.front() == '.' || pattern.front() == text.front());
  return fits_first && fits(pattern.substr(1), text.substr(1));
}

void gather_needs(const Expression& node, std::vector<Need>& out) {
  if (node.kind == Expression::Kind::selector) {
    const auto known = std::find_if(out.begin(), out.end(),
                                    [&](const Need& need) { return need.metric == node.name; });
    const Duration window = node.range + node.offset;
    if (known == out.end()) {
      out.push_back({node.name, window});
    } else {
      known->window = std::max(known->window, window);
    }
  }
  for (const Expression& part : node.parts) gather_needs(part, out);
}

/// A bare range is no vector: only functions may hold one.
bool has_bare_range(const Expression& node) {
  return std::any_of(node.parts.begin(), node.parts.end(), [&](const Expression& part) {
    const bool is_bare = part.range.count() > 0 && node.kind != Expression::Kind::call;
    return is_bare || has_bare_range(part);
  });
}

}  // namespace

bool LabelMatcher::accepts(std::string_view given) const {
  if (!is_pattern) return (given == value) != is_negative;
  bool is_fit = value.empty() && given.empty();
  std::string_view rest = value;
  while (!is_fit && !value.empty()) {
    const std::size_t bar = std::min(rest.find('|'), rest.size());
    is_fit = fits(rest.substr(0, bar), given);
    if (bar == rest.size()) break;
    rest.remove_prefix(bar + 1);
  }
  return is_fit != is_negative;
}

Result<Expression> parse_expression(std::string_view text) {
  auto expression = Parser(text).parse();
  if (!expression) return expression;
  if (expression->range.count() > 0 || has_bare_range(*expression)) {
    return input_error("column 1: a range alone is no value; take rate() or another function");
  }
  return expression;
}

std::vector<Need> needs_of(const Expression& expression) {
  std::vector<Need> needs;
  gather_needs(expression, needs);
  return needs;
}

Result<Duration> parse_prometheus_duration(std::string_view text, std::string_view what) {
  const auto wrong = [&] {
    return input_error(format("{} '{}' is no time such as 30s, 5m or 1h30m", what, text));
  };
  Duration total{0};
  std::string_view rest = trim(text);
  if (rest.empty()) return wrong();
  while (!rest.empty()) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    const auto count = parse_integer(rest.substr(0, digits));
    rest.remove_prefix(digits);
    const std::size_t letters = std::min(rest.find_first_of("0123456789"), rest.size());
    const std::string_view unit = rest.substr(0, letters);
    rest.remove_prefix(letters);
    constexpr std::pair<std::string_view, std::int64_t> units[] = {
        {"ms", 1},         {"s", 1'000},       {"m", 60'000},        {"h", 3'600'000},
        {"d", 86'400'000}, {"w", 604'800'000}, {"y", 31'536'000'000}};
    const auto* found = std::find_if(std::begin(units), std::end(units),
                                     [&](const auto& u) { return u.first == unit; });
    if (!count || found == std::end(units) || *count > 1'000'000) return wrong();
    // Ten years are enough, and far from where nanoseconds overflow.
    const std::int64_t ms = *count * found->second;
    if (ms > 315'360'000'000) return wrong();
    total += std::chrono::milliseconds(ms);
  }
  return total;
}

std::string duration_text(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  if (ms % 1000 != 0) return format("{}ms", ms);
  const auto s = ms / 1000;
  if (s % 3600 == 0 && s > 0) return format("{}h", s / 3600);
  if (s % 60 == 0 && s > 0) return format("{}m", s / 60);
  return format("{}s", s);
}

}  // namespace tacho
