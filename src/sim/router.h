// Which replica a request goes to, by the policies of the routers that stand before real engines.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "sim/replica.h"

namespace tacho {

/// How a replica is chosen.
enum class RouterPolicy {
  round_robin,      ///< One after the other.
  random,           ///< Any, with the same probability.
  least_loaded,     ///< The one with the fewest requests that wait or run.
  power_of_two,     ///< The less loaded of two that are drawn.
  prefix_affinity,  ///< The one whose cache has the most of the prompt, unless it is overloaded.
  joined_queue,     ///< All wait in one queue; whoever has a place takes the next.
};

/// The policy as it is typed: round-robin, random, least-loaded, ...
std::string_view name_of(RouterPolicy policy);

/// Reads a policy's name.
Result<RouterPolicy> parse_router(std::string_view name);

/// Chooses; the same requests and seed lead to the same choices.
class Router {
 public:
  Router(RouterPolicy policy, Seed seed);
  RouterPolicy policy() const { return policy_; }
  /// One of the candidates, of which there is at least one.
  Replica& pick(const Sequence& sequence, std::span<Replica* const> candidates);

 private:
  Replica& least_loaded(std::span<Replica* const> candidates);
  Replica& by_prefix(const Sequence& sequence, std::span<Replica* const> candidates);

  RouterPolicy policy_;
  Random random_;
  std::size_t next_ = 0;  ///< Where round-robin goes on, and where equals are looked for first.
};

}  // namespace tacho
