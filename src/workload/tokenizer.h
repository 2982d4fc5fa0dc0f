// Text to tokens as the models' own tokenizers do it, through the Hugging Face tokenizers library.
//
// Lengths of prompts and answers are only comparable when they are counted by one tokenizer, so
// every count of a run comes from here. A small tokenizer is part of the binary: it is used when
// none is named, and no network is ever asked for another.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct tacho_tokenizer;

namespace tacho {

/// A loaded tokenizer. Const functions may be called from many threads at once.
class Tokenizer {
 public:
  /// Reads a tokenizer.json, or the one in a folder. The error says what to give instead.
  static Result<Tokenizer> load(const std::string& path);

  /// The tokenizer that is part of the binary: a byte-level BPE of 16,000 entries.
  static Tokenizer builtin();

  /// The number of tokens of the text, no begin or end tokens added.
  std::size_t count(std::string_view text) const;

  /// The tokens of the text, no begin or end tokens added.
  std::vector<std::uint32_t> encode(std::string_view text) const;

  /// The text of the tokens, special ones written out; characters cut in half become U+FFFD.
  std::string decode(std::span<const std::uint32_t> ids) const;

  /// "built-in", or the path of the file that was read.
  const std::string& name() const { return name_; }

  /// Identifies the tokenizer: FNV-1a of the bytes of its file.
  std::uint64_t fingerprint() const { return fingerprint_; }

 private:
  struct Free {
    void operator()(tacho_tokenizer* tokenizer) const;
  };
  using Handle = std::unique_ptr<tacho_tokenizer, Free>;

  Tokenizer(Handle handle, std::string name, std::uint64_t fingerprint)
      : handle_(std::move(handle)), name_(std::move(name)), fingerprint_(fingerprint) {}
  static Result<Tokenizer> from_bytes(std::string_view json, std::string name);

  Handle handle_;
  std::string name_;
  std::uint64_t fingerprint_ = 0;
};

/// The tokenizer of a run, and a line for the user when it is not the one that was asked for.
struct TokenizerChoice {
  Tokenizer tokenizer;
  std::string note;  ///< Empty, or what is used instead and how to give the right one.
};

/// Finds the tokenizer that the user named: "" is the built-in one; a file or folder is read; a
/// model's name is looked up in the local Hugging Face cache, and if it is not there the built-in
/// one is used, with a note. A file that is there but cannot be read is an error.
Result<TokenizerChoice> choose_tokenizer(const std::string& asked);

}  // namespace tacho
