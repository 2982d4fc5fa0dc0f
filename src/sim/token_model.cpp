#include "sim/token_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/assert.h"
#include "sim/words.h"

namespace tacho {
namespace {

/// Steps with which one visits all of so many places.
std::vector<std::uint64_t> steps_through(std::uint64_t number) {
  std::vector<std::uint64_t> steps;
  for (const std::uint64_t prime :
       {1009u, 2003u, 3001u, 4001u, 5003u, 6007u, 7907u, 7919u, 10007u, 15511u})
    if (std::gcd(prime, number) == 1) steps.push_back(prime);
  TACHO_ASSERT(!steps.empty());
  return steps;
}

constexpr std::uint32_t laws = 16;

// How much less than the mean the least of the rest has, as a share of the mean.
constexpr double slope = 0.5;

}  // namespace

TokenContext::TokenContext(std::uint64_t seed) : hash_(mix_bits(seed, 0x70c3)) {}

void TokenContext::add(std::uint32_t token) { hash_ = mix_bits(hash_, token); }

TokenModel::TokenModel(std::vector<std::uint32_t> words, std::uint32_t vocabulary)
    : words_(std::move(words)),
      vocabulary_(vocabulary),
      strides_(steps_through(words_.size())),
      steps_(steps_through(vocabulary)) {
  TACHO_ASSERT(words_.size() >= favourites && vocabulary_ >= words_.size());
  for (std::uint32_t law = 0; law < laws; ++law) {
    const double exponent = 0.8 + 0.8 * law / laws;
    Weights& weights = laws_.emplace_back();
    double sum = 0.0;
    for (std::uint32_t i = 0; i < favourites; ++i) sum += weights[i] = std::pow(1.0 + i, -exponent);
    for (double& weight : weights) weight /= sum;
  }
}

TokenModel::Shape TokenModel::shape_of(const TokenContext& context) const {
  const std::uint64_t hash = context.hash();
  Shape shape{};
  shape.share = 0.6 + 0.35 * uniform_of(mix_bits(hash, 1));
  shape.weights = &laws_[mix_bits(hash, 2) % laws];
  shape.first = mix_bits(hash, 3) % words_.size();
  shape.stride = strides_[mix_bits(hash, 4) % strides_.size()];
  shape.start = mix_bits(hash, 5) % vocabulary_;
  shape.step = steps_[mix_bits(hash, 6) % steps_.size()];
  return shape;
}

/// The place in `words_` of the favourite of that rank, counted from 0.
std::uint32_t TokenModel::word_of(const Shape& shape, std::uint32_t rank) const {
  return static_cast<std::uint32_t>((shape.first + rank * shape.stride) % words_.size());
}

/// Where the token stands among all of them, leaving the favourites' own share aside; 0 is first.
std::uint64_t TokenModel::place_of(const Shape& shape, std::uint32_t token) const {
  return (shape.start + token * shape.step) % vocabulary_;
}

/// What such a place has of the rest; over all places that adds up to the rest.
double TokenModel::rest_of(const Shape& shape, std::uint64_t place) const {
  const double size = vocabulary_;
  const double tilt = 1.0 - (2.0 * static_cast<double>(place) + 1.0) / size;
  return (1.0 - shape.share) / size * (1.0 + slope * tilt);
}

TokenChance TokenModel::chance(const TokenContext& context, std::uint32_t token) const {
  const Shape shape = shape_of(context);
  const std::uint64_t place = place_of(shape, token);
  const double rest = rest_of(shape, place);
  std::uint64_t before = favourites;  // Everybody else's places before this one.
  for (std::uint32_t i = 0; i < favourites; ++i) {
    const std::uint32_t favourite = words_[word_of(shape, i)];
    if (favourite == token)
      return {token, std::log(shape.share * (*shape.weights)[i] + rest), i + 1};
    if (place_of(shape, favourite) > place) continue;
    --before;  // It is counted twice: as a favourite and by its place.
  }
  return {token, std::log(rest), static_cast<std::uint32_t>(before + place + 1)};
}

std::vector<TokenChance> TokenModel::best(const TokenContext& context, std::uint32_t count) const {
  const Shape shape = shape_of(context);
  std::vector<TokenChance> all;
  for (std::uint32_t i = 0; i < std::min(count, favourites); ++i) {
    const std::uint32_t token = words_[word_of(shape, i)];
    const double rest = rest_of(shape, place_of(shape, token));
    all.push_back({token, std::log(shape.share * (*shape.weights)[i] + rest), i + 1});
  }
  return all;
}

std::uint32_t TokenModel::draw(const TokenContext& context, double uniform) const {
  const Shape shape = shape_of(context);
  double left = uniform;
  for (std::uint32_t i = 0; i + 1 < favourites; ++i) {
    left -= (*shape.weights)[i];
    if (left < 0.0) return word_of(shape, i);
  }
  return word_of(shape, favourites - 1);
}

}  // namespace tacho
