// Places in an arena: no two at once, and no more room than need be.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/arena.h"
#include "check.h"

namespace {

using stm::ArenaPlan;
using stm::Lifetime;
using stm::plan_arena;
using stm::testing::require;
using stm::testing::require_equal;

/// Bytes that live at once at the worst moment, in whole places.
size_t peak_of(const std::vector<Lifetime>& lifetimes) {
  size_t peak = 0, last = 0;
  for (const Lifetime& one : lifetimes) last = std::max(last, one.last);
  for (size_t at = 0; at <= last; ++at) {
    size_t live = 0;
    for (const Lifetime& one : lifetimes)
      if (one.first <= at && at <= one.last) live += (std::max<size_t>(one.bytes, 1) + 511) / 512 * 512;
    peak = std::max(peak, live);
  }
  return peak;
}

void check(const std::vector<Lifetime>& lifetimes, const ArenaPlan& plan, const std::string& name) {
  require_equal(plan.offsets.size(), lifetimes.size(), name + ": places");
  for (size_t i = 0; i < lifetimes.size(); ++i) {
    const Lifetime& a = lifetimes[i];
    require(plan.offsets[i] % 512 == 0 && plan.offsets[i] + a.bytes <= plan.bytes,
            name + ": a place is aligned and inside");
    for (size_t j = 0; j < i; ++j) {
      const Lifetime& b = lifetimes[j];
      const bool at_once = a.first <= b.last && b.first <= a.last;
      const bool overlap = plan.offsets[i] < plan.offsets[j] + std::max<size_t>(b.bytes, 1) &&
                           plan.offsets[j] < plan.offsets[i] + std::max<size_t>(a.bytes, 1);
      require(!(at_once && overlap), name + ": what lives at once lies apart");
    }
  }
  require(plan.bytes >= peak_of(lifetimes), name + ": no plan can need less than the peak");
}

void a_chain_takes_turns() {
  std::vector<Lifetime> chain;
  for (size_t i = 0; i < 100; ++i) chain.push_back({1000, i, i + 1});  // each command reads what the one before wrote
  const ArenaPlan plan = plan_arena(chain);
  check(chain, plan, "chain");
  require_equal(plan.bytes, 2 * 1024, "bytes of a chain");
}

void neighbours_join() {
  // Two small ones end; one as large as both fits into their places.
  const std::vector<Lifetime> lifetimes{{512, 0, 1}, {512, 0, 2}, {512, 0, 9}, {1024, 3, 4}, {512, 5, 6}, {512, 5, 6}};
  const ArenaPlan plan = plan_arena(lifetimes);
  check(lifetimes, plan, "neighbours");
  require_equal(plan.bytes, 3 * 512, "bytes of neighbours");
}

void the_end_grows() {
  const std::vector<Lifetime> lifetimes{{512, 0, 0}, {4096, 1, 1}};
  require_equal(plan_arena(lifetimes).bytes, 4096, "a free range at the end is extended");
  require_equal(plan_arena({}).bytes, 0, "bytes of nothing");
  require_equal(plan_arena({{0, 0, 0}}).bytes, 512, "bytes of nothing with an address");
}

void random_lifetimes() {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> lifetimes(1 + random() % 60);
    for (Lifetime& one : lifetimes) {
      one.first = random() % 50;
      one.last = one.first + random() % (random() % 4 ? 4 : 40);
      one.bytes = random() % 5 ? random() % 3000 : random() % 100'000;
    }
    const ArenaPlan plan = plan_arena(lifetimes);
    check(lifetimes, plan, "round " + std::to_string(round));
    require(plan.bytes <= 2 * peak_of(lifetimes), "round " + std::to_string(round) + ": at most twice the peak");
  }
}

}  // namespace

int main() {
  a_chain_takes_turns();
  neighbours_join();
  the_end_grows();
  random_lifetimes();
  return stm::testing::finish("arena_test");
}
