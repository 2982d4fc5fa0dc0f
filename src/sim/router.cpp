#include "sim/router.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/text.h"

namespace tacho {
namespace {

constexpr std::array<std::pair<RouterPolicy, std::string_view>, 6> names{{
    {RouterPolicy::round_robin, "round-robin"},
    {RouterPolicy::random, "random"},
    {RouterPolicy::least_loaded, "least-loaded"},
    {RouterPolicy::power_of_two, "power-of-two"},
    {RouterPolicy::prefix_affinity, "prefix-affinity"},
    {RouterPolicy::joined_queue, "joined-queue"},
}};

// The cache decides when it has at least this share of the prompt, and the loads are not apart by
// more than so many requests and this factor (SGLang's router: cache_threshold and its
// neighbours).
constexpr double prefix_share_least = 0.3;
constexpr std::size_t apart_least = 64;
constexpr double apart_factor = 1.5;

}  // namespace

std::string_view name_of(RouterPolicy policy) {
  return std::find_if(names.begin(), names.end(), [&](auto& n) { return n.first == policy; })
      ->second;
}

Result<RouterPolicy> parse_router(std::string_view name) {
  std::string all;
  for (const auto& [policy, text] : names) {
    if (text == name) return policy;
    all += format("{}{}", all.empty() ? "" : ", ", text);
  }
  return input_error(format("--router is one of {}, not '{}'", all, name));
}

Router::Router(RouterPolicy policy, Seed seed) : policy_(policy), random_(seed, "router") {}

Replica& Router::least_loaded(std::span<Replica* const> candidates) {
  // Beginning after the last choice, so that equals are taken in turn.
  const std::size_t start = next_ % candidates.size();
  std::size_t best = start;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::size_t at = (start + i) % candidates.size();
    if (candidates[at]->outstanding() < candidates[best]->outstanding()) best = at;
  }
  next_ = best + 1;
  return *candidates[best];
}

Replica& Router::by_prefix(const Sequence& sequence, std::span<Replica* const> candidates) {
  const auto [least, most] = std::minmax_element(
      candidates.begin(), candidates.end(),
      [](Replica* a, Replica* b) { return a->outstanding() < b->outstanding(); });
  const double least_load = static_cast<double>((*least)->outstanding());
  if ((*most)->outstanding() > (*least)->outstanding() + apart_least &&
      static_cast<double>((*most)->outstanding()) > apart_factor * least_load) {
    return least_loaded(candidates);
  }
  Replica* best = nullptr;
  std::uint32_t best_hits = 0;
  for (Replica* candidate : candidates) {
    const std::uint32_t hits = candidate->hits_of(sequence);
    if (hits > best_hits) {
      best = candidate;
      best_hits = hits;
    }
  }
  if (best == nullptr) return least_loaded(candidates);
  const std::uint32_t size = best->scheduler().options().block_size;
  if (best_hits * size < prefix_share_least * sequence.input_tokens) {
    return least_loaded(candidates);
  }
  return *best;
}

Replica& Router::pick(const Sequence& sequence, std::span<Replica* const> candidates) {
  TACHO_ASSERT(!candidates.empty());
  switch (policy_) {
    case RouterPolicy::round_robin:
      return *candidates[next_++ % candidates.size()];
    case RouterPolicy::random:
      return *candidates[random_.below(candidates.size())];
    case RouterPolicy::power_of_two: {
      Replica& one = *candidates[random_.below(candidates.size())];
      Replica& other = *candidates[random_.below(candidates.size())];
      return other.outstanding() < one.outstanding() ? other : one;
    }
    case RouterPolicy::prefix_affinity:
      return by_prefix(sequence, candidates);
    case RouterPolicy::least_loaded:
    case RouterPolicy::joined_queue:
      return least_loaded(candidates);
  }
  return *candidates.front();
}

}  // namespace tacho
