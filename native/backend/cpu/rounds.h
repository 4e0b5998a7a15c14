#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "backend/cpu/stopping.h"
#include "backend/waiting.h"

namespace stm {

/// Returns once `done()` is true, as Sleepers::wait_until. A stop point: whoever was to make it true may have left at
/// one.
template <class F>
void wait_or_stop(Sleepers& sleepers, const F& done) {
  if (spin_for(spin_time(), done)) return;
  do stop_point();
  while (!sleepers.sleep_for(std::chrono::milliseconds(5), done));
}

/// Work in rounds, each of which needs all of the one before, for the members of a team who are there. A round has
/// shares; a member takes its own first, so that a core finds in its cache what it has read in the last round, and then
/// those that nobody has taken: whoever is kept from a core holds nobody up, unless it has a share at that moment.
/// Which member computes a share makes no difference to the result.
class Rounds {
 public:
  Rounds() = default;
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;

  /// Before a run. @throws std::bad_alloc at the first of so many shares
  void begin(int shares) {
    if (shares > room_) {
      shares_ = std::make_unique<Taken[]>(static_cast<size_t>(shares));
      room_ = shares;
    }
    count_ = shares;
    for (int i = 0; i < shares; ++i) shares_[static_cast<size_t>(i)].rounds.store(0, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
  }

  /// The way of one member through them, from the first round on. Every member goes through as many; who comes late
  /// finds those done that the others are through with.
  class Walk {
   public:
    /// @param rounds  null: there is nobody else, and one share
    Walk(Rounds* rounds, int own) : rounds_(rounds), own_(own) {}

    /// Once all rounds before are done, calls `share(i)` for shares of the next that nobody has taken. A stop point.
    template <class F>
    void round(const F& share) {
      if (!rounds_) return share(0);
      wait();
      rounds_->take(next_++, own_, share);
    }
    /// Returns when all rounds so far are done. A stop point.
    void wait() {
      if (rounds_) rounds_->wait_for(next_);
    }
    int own() const { return own_; }
    /// Leaves rounds to the others.
    void pass_over(int64_t rounds) { next_ += rounds; }

   private:
    Rounds* rounds_;
    int own_;
    int64_t next_ = 0;
  };

 private:
  struct alignas(64) Taken {
    std::atomic<int64_t> rounds{0};  ///< in which the share has been taken
  };

  template <class F>
  void take(int64_t round, int own, const F& share) {
    const int64_t all = (round + 1) * count_;
    if (done_.load(std::memory_order_relaxed) >= all) return;
    int64_t computed = 0;
    for (int i = 0; i < count_; ++i) {
      const int at = own + i < count_ ? own + i : own + i - count_;
      std::atomic<int64_t>& taken = shares_[static_cast<size_t>(at)].rounds;
      int64_t before = round;
      if (taken.load(std::memory_order_relaxed) != round || !taken.compare_exchange_strong(before, round + 1)) continue;
      share(at);
      ++computed;
    }
    if (computed > 0 && done_.fetch_add(computed) + computed == all) waiting_.wake();
  }

  void wait_for(int64_t rounds) {
    const auto done = [this, all = rounds * count_] { return done_.load() >= all; };
    if (!done()) wait_or_stop(waiting_, done);
  }

  std::unique_ptr<Taken[]> shares_;
  int room_ = 0, count_ = 0;
  alignas(64) std::atomic<int64_t> done_{0};  ///< shares of all rounds
  Sleepers waiting_;
};

}  // namespace stm
