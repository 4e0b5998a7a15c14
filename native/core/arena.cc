#include "core/arena.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "core/sizes.h"

namespace stm {
namespace {
constexpr size_t kAlignment = 512;

/// Free ranges of the arena while the commands pass by.
class Space {
 public:
  /// The smallest free range that is large enough; if there is none, the end is moved.
  size_t take(size_t bytes) {
    auto best = free_.end();
    for (auto range = free_.begin(); range != free_.end(); ++range)
      if (range->second >= bytes && (best == free_.end() || range->second < best->second)) best = range;
    if (best == free_.end()) return extend(bytes);
    const auto [offset, size] = *best;
    free_.erase(best);
    if (size > bytes) free_.emplace(offset + bytes, size - bytes);
    return offset;
  }

  void give_back(size_t offset, size_t bytes) {
    auto after = free_.lower_bound(offset);
    if (after != free_.end() && after->first == offset + bytes) {
      bytes += after->second;
      after = free_.erase(after);
    }
    if (after != free_.begin()) {
      const auto before = std::prev(after);
      if (before->first + before->second == offset) {
        before->second += bytes;
        return;
      }
    }
    free_.emplace(offset, bytes);
  }

  size_t end() const { return end_; }

 private:
  size_t extend(size_t bytes) {
    size_t offset = end_;
    if (!free_.empty() && free_.rbegin()->first + free_.rbegin()->second == end_) {
      offset = free_.rbegin()->first;
      free_.erase(std::prev(free_.end()));
    }
    end_ = static_cast<size_t>(plus(static_cast<int64_t>(offset), static_cast<int64_t>(bytes)));
    return offset;
  }
  std::map<size_t, size_t> free_;  // offset to size; no two touch
  size_t end_ = 0;
};

}  // namespace

ArenaPlan plan_arena(const std::vector<Lifetime>& lifetimes) {
  const size_t count = lifetimes.size();
  const auto rounded = [&](size_t i) {
    return (std::max<size_t>(lifetimes[i].bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  };
  std::vector<size_t> by_first(count), by_last(count);
  std::iota(by_first.begin(), by_first.end(), size_t{0});
  by_last = by_first;
  // Of those that one command writes, the largest first: it is the hardest to place.
  std::sort(by_first.begin(), by_first.end(), [&](size_t a, size_t b) {
    const Lifetime &x = lifetimes[a], &y = lifetimes[b];
    return x.first != y.first ? x.first < y.first : x.bytes != y.bytes ? x.bytes > y.bytes : a < b;
  });
  std::sort(by_last.begin(), by_last.end(), [&](size_t a, size_t b) {
    return lifetimes[a].last != lifetimes[b].last ? lifetimes[a].last < lifetimes[b].last : a < b;
  });
  ArenaPlan plan;
  plan.offsets.resize(count);
  Space space;
  size_t ended = 0;
  for (const size_t i : by_first) {
    for (; ended < count && lifetimes[by_last[ended]].last < lifetimes[i].first; ++ended)
      space.give_back(plan.offsets[by_last[ended]], rounded(by_last[ended]));
    plan.offsets[i] = space.take(rounded(i));
  }
  plan.bytes = space.end();
  return plan;
}

}  // namespace stm
