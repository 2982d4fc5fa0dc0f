// What the engine's "model" believes: for each context, a distribution over the whole vocabulary
// that adds up to one, computed from a hash and never stored. Answers are drawn from it, so that
// their log probabilities, their ranks and the perplexity of any text are consistent with each
// other: the same token after the same tokens has the same probability, whoever asks and however.
//
// In each context `favourites` words share most of the probability, by a power law whose exponent
// and share are the context's own. All tokens share the rest, nearly evenly: those of a permutation
// of the vocabulary in falling steps, so that the rank of any token is known without looking at the
// others.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace tacho {

/// A context: the tokens so far, as a hash.
class TokenContext {
 public:
  /// Nothing so far. Models of different seeds disagree.
  explicit TokenContext(std::uint64_t seed = 0);
  void add(std::uint32_t token);
  std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_;
};

/// What is known of one token in one context.
struct TokenChance {
  std::uint32_t token = 0;
  double logprob = 0.0;    ///< Natural logarithm; below 0.
  std::uint32_t rank = 0;  ///< 1: the most probable.
};

/// Immutable.
class TokenModel {
 public:
  static constexpr std::uint32_t favourites = 20;

  /// `words` are the tokens that are drawn, at least `favourites` of them and all different, below
  /// `vocabulary`, which is even.
  TokenModel(std::vector<std::uint32_t> words, std::uint32_t vocabulary);

  /// The probability and the rank of a token.
  TokenChance chance(const TokenContext& context, std::uint32_t token) const;
  /// The `count` most probable tokens, at most `favourites`, best first.
  std::vector<TokenChance> best(const TokenContext& context, std::uint32_t count) const;
  /// The word (its place in `words`) that a uniform number below 1 draws: 0 is the most probable
  /// one. Only favourites are drawn.
  std::uint32_t draw(const TokenContext& context, double uniform) const;

  const std::vector<std::uint32_t>& words() const { return words_; }

 private:
  using Weights = std::array<double, favourites>;  ///< They add up to 1.
  /// The shape of one context's distribution.
  struct Shape {
    double share = 0.0;                   ///< Of the favourites.
    const Weights* weights = nullptr;     ///< Of the favourites.
    std::uint64_t first = 0, stride = 1;  ///< Of the favourites, among `words_`.
    std::uint64_t start = 0, step = 1;    ///< Of the permutation.
  };
  std::uint32_t word_of(const Shape& shape, std::uint32_t rank) const;
  Shape shape_of(const TokenContext& context) const;
  std::uint64_t place_of(const Shape& shape, std::uint32_t token) const;
  double rest_of(const Shape& shape, std::uint64_t place) const;

  std::vector<std::uint32_t> words_;
  std::uint32_t vocabulary_;
  std::vector<Weights> laws_;           ///< One for each exponent.
  std::vector<std::uint64_t> strides_;  ///< With each of them all words are visited,
  std::vector<std::uint64_t> steps_;    ///< and with each of these the whole vocabulary.
};

}  // namespace tacho
