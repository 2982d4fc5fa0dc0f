#include "workload/shape_corpus.h"

#include "base/text.h"

namespace tacho {
namespace {

constexpr std::string_view between_sections = "\n\n";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// True when a Chinese character (or one near them in Unicode) of three bytes begins here.
bool is_han(std::string_view text, std::size_t at) {
  if (at + 3 > text.size()) return false;
  const auto lead = static_cast<unsigned char>(text[at]);
  return lead >= 0xe4 && lead <= 0xe9;
}

/// The bytes of the comma, full stop or other mark of Chinese text at this place; 0 when it is
/// none.
std::size_t han_mark(std::string_view text, std::size_t at) {
  for (const std::string_view mark : {"，", "。", "、", "；", "：", "？", "！"}) {
    if (text.substr(at, mark.size()) == mark) return mark.size();
  }
  return 0;
}

bool begins_piece(std::string_view text, std::size_t at) {
  if (text[at] == ' ') {
    return !is_blank(text[at - 1]) && at + 1 < text.size() && !is_blank(text[at + 1]);
  }
  if (at < 3 || !is_han(text, at - 3)) return false;
  const std::size_t mark = han_mark(text, at);
  return mark != 0 && is_han(text, at + mark);
}

/// A piece without what separates it from the one before it.
std::string_view without_separator(std::string_view piece) {
  if (piece.starts_with(' ')) return piece.substr(1);
  return piece.substr(han_mark(piece, 0));
}

}  // namespace

std::vector<std::uint32_t> piece_begins(std::string_view text) {
  std::vector<std::uint32_t> begins;
  if (!text.empty()) begins.push_back(0);
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (begins_piece(text, at)) begins.push_back(static_cast<std::uint32_t>(at));
  }
  return begins;
}

bool counts_add_up(const Tokenizer& tokenizer) {
  constexpr std::string_view sample =
      "It isn't 12,345.67 but \"about\" 3 km/h, she said (twice). See https://example.org/a_b?c=1 "
      "for "
      "more:\n\n- one\n- two\n\tfor (int i = 0; i < 10; ++i) { total += values[i]; }  // Sums up.\n"
      "今天天气很好，我们去公园散步，然后回家。他说：好的！Zürich, naïve, \xf0\x9f\x98\x80 end";
  std::vector<std::uint32_t> begins = piece_begins(sample);
  begins.push_back(static_cast<std::uint32_t>(sample.size()));
  std::size_t sum = 0;
  for (std::size_t i = 0; i + 1 < begins.size(); ++i) {
    sum += tokenizer.count(sample.substr(begins[i], begins[i + 1] - begins[i]));
  }
  return sum == tokenizer.count(sample);
}

CorpusText::CorpusText(const Dataset& dataset, const Tokenizer& tokenizer)
    : dataset_(dataset),
      tokenizer_(tokenizer),
      is_additive_(counts_add_up(tokenizer)),
      sections_(2 * dataset.prompts.size()) {}

std::string_view CorpusText::piece(const Section& section, std::size_t index) const {
  const std::size_t begin = section.begins[index];
  const std::size_t end =
      index + 1 < section.begins.size() ? section.begins[index + 1] : section.text.size();
  return std::string_view(section.text).substr(begin, end - begin);
}

/// The tokens that `text` adds behind `before`.
std::size_t CorpusText::tokens_after(std::string_view before, std::string_view text) const {
  const std::size_t alone = tokenizer_.count(before);
  const std::size_t both = tokenizer_.count(std::string(before).append(text));
  return both > alone ? both - alone : 0;
}

CorpusText::Section& CorpusText::split_section(std::size_t index) {
  Section& section = sections_[index];
  if (section.is_split) return section;
  section.is_split = true;
  const std::string whole =
      index % 2 == 0 ? prompt_text(dataset_.prompts[index / 2]) : dataset_.replies[index / 2];
  section.text = trim(whole);
  section.begins = piece_begins(section.text);
  section.tokens.resize(section.begins.size());
  for (std::size_t i = 0; i < section.begins.size(); ++i) {
    const std::size_t tokens = is_additive_ || i == 0
                                   ? tokenizer_.count(piece(section, i))
                                   : tokens_after(piece(section, i - 1), piece(section, i));
    section.tokens[i] = static_cast<std::uint32_t>(tokens);
  }
  return section;
}

std::size_t CorpusText::pieces(std::size_t section) { return split_section(section).begins.size(); }

TextWindow CorpusText::window(WindowStart start, std::size_t tokens) {
  TextWindow window;
  window.steps.push_back({});
  const auto append = [&window](std::string_view text, std::size_t more) {
    window.text += text;
    window.steps.push_back({window.text.size(), window.steps.back().tokens + more});
  };

  // The first piece loses its separator, which changes its count.
  std::size_t section = start.section;
  const std::string_view first = piece(split_section(section), start.piece);
  const std::string_view head = start.piece == 0 ? first : without_separator(first);
  append(head, tokenizer_.count(head));
  std::string_view last = head;
  std::size_t next = start.piece + 1;
  while (window.steps.back().tokens < tokens) {
    const Section& current = split_section(section);
    if (next < current.begins.size()) {
      last = piece(current, next);
      append(last, current.tokens[next]);
      ++next;
      continue;
    }
    section = (section + 1) % sections_.size();
    next = 1;
    const Section& following = split_section(section);
    if (following.begins.empty()) continue;
    const std::string joined = std::string(between_sections).append(piece(following, 0));
    const std::size_t more = tokens_after(last, joined);
    last = piece(following, 0);
    append(joined, more);
  }
  return window;
}

}  // namespace tacho
