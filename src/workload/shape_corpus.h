// A dataset seen as one long text from which windows are cut. Files of this floor only.
//
// The text is split into pieces where a space stands before a word, or a comma or full stop between
// Chinese characters: tokenizers split there too, so the pieces' counts add up, and a window of
// about the right length is found by adding. "About", because that is not true of every tokenizer;
// see shape.cpp. Sections (a prompt or a reply) are split only when a window reaches them: a large
// set costs what is used.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workload/dataset.h"
#include "workload/tokenizer.h"

namespace tacho {

/// A place inside a window where it may end: bytes up to here, and tokens up to here by adding.
struct WindowStep {
  std::size_t bytes = 0;
  std::size_t tokens = 0;
};

/// A stretch of text with its possible ends. The first step is {0, 0}.
struct TextWindow {
  std::string text;
  std::vector<WindowStep> steps;
};

/// Where a window begins: a piece of a section.
struct WindowStart {
  std::uint32_t section = 0;
  std::uint32_t piece = 0;
};

/// The text of a dataset, prompts and replies in their order, and after the last the first again.
class CorpusText {
 public:
  /// Both must outlive the corpus.
  CorpusText(const Dataset& dataset, const Tokenizer& tokenizer);

  /// Prompts and replies, empty ones too: section 2k is prompt k, 2k + 1 its reply.
  std::size_t sections() const { return sections_.size(); }

  /// How many pieces a section has; none when it is empty.
  std::size_t pieces(std::size_t section);

  /// The text from `start` on, at least `tokens` long by adding.
  TextWindow window(WindowStart start, std::size_t tokens);

 private:
  struct Section {
    bool is_split = false;
    std::string text;
    std::vector<std::uint32_t> begins;  ///< Of each piece, in bytes.
    std::vector<std::uint32_t> tokens;  ///< Of each piece.
  };
  Section& split_section(std::size_t index);
  std::string_view piece(const Section& section, std::size_t index) const;
  std::size_t tokens_after(std::string_view before, std::string_view text) const;

  const Dataset& dataset_;
  const Tokenizer& tokenizer_;
  bool is_additive_ = true;
  std::vector<Section> sections_;
};

/// True when pieces counted alone add up to the count of the text they make, tried on a text that
/// has what real ones have: sentences, numbers, code, Chinese. SentencePiece-like tokenizers fail
/// it, since they put a space before whatever they are given.
bool counts_add_up(const Tokenizer& tokenizer);

/// Where the pieces of a text begin, ascending, 0 first. An empty text has none.
std::vector<std::uint32_t> piece_begins(std::string_view text);

}  // namespace tacho
