#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

#include "backend/cpu/rounds.h"
#include "backend/cpu/team.h"

namespace stm {

/// As Rounds, of many small items: stages of items, of which each stage needs all of the one before. Each member takes
/// one item after the other, first of its own share, then of the others'. Which member computes an item makes no
/// difference to the result.
class Stages {
 public:
  /// Before the run. @param shares  how many members may take part, ranks 0 to shares - 1
  void begin(int64_t stages, int shares) {
    shares_ = shares;
    const int64_t count = stages * shares;
    if (count > count_) {
      counters_ = std::make_unique<Counters[]>(static_cast<size_t>(count));
      count_ = count;
    }
    for (int64_t i = 0; i < count; ++i) {
      counters_[static_cast<size_t>(i)].taken.store(0, std::memory_order_relaxed);
      counters_[static_cast<size_t>(i)].done.store(0, std::memory_order_relaxed);
    }
  }

  int shares() const { return shares_; }

  /// To be called by a member for one stage after the other: calls `item(i)` for items of [0, count) that nobody has
  /// taken, and returns when all are done. A stop point while it waits.
  template <class F>
  void run(int64_t stage, int rank, int64_t count, const F& item) {
    Counters* const counters = &counters_[static_cast<size_t>(stage * shares_)];
    int64_t computed = 0;
    for (int i = 0; i < shares_; ++i) {
      const int owner = (rank + i) % shares_;
      const Share share(count, owner, shares_);
      std::atomic<int64_t>& taken = counters[owner].taken;
      for (int64_t at; (at = share.begin + taken.fetch_add(1, std::memory_order_relaxed)) < share.end; ++computed)
        item(at);
    }
    std::atomic<int64_t>& done = counters[0].done;
    if (done.fetch_add(computed) + computed == count) waiting_.wake();
    else wait_or_stop(waiting_, [&] { return done.load() == count; });
  }

 private:
  struct alignas(64) Counters {
    std::atomic<int64_t> taken{0};  ///< of a share
    std::atomic<int64_t> done{0};   ///< of the stage: the first share's counts
  };
  std::unique_ptr<Counters[]> counters_;
  int64_t count_ = 0;
  int shares_ = 1;
  Sleepers waiting_;
};

}  // namespace stm
