#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace stm {

/// Flushes denormal results to zero and reads denormal operands as zero on the calling thread while it lives (on processors that can).
class FlushDenormals {
 public:
  FlushDenormals() noexcept;
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  uint64_t before_;
};

/// Holds threads until `count` of them have arrived; a waiting one spins briefly, then yields. Serves any number of rounds.
class Barrier {
 public:
  explicit Barrier(int count = 1) : count_(count) {}
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  /// While no thread waits.
  void reset(int count) { count_ = count; }
  void wait();

 private:
  int count_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> phase_{0};
};

/// A fixed set of threads that runs one function on every member, the caller being rank 0:
///
///   team.run([&](int rank) { ...; team.barrier(); ... });
///
/// A waiting member spins briefly, then yields (at a barrier) or sleeps (between runs), so an idle team costs nothing and an oversubscribed machine still
/// makes progress. Members flush denormals. There is one team per process: take it with a `TeamLease`.
class Team {
 public:
  explicit Team(int size);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return size_; }

  /// Returns when every member has returned from `function(int rank)`, which must not throw.
  template <class F>
  void run(F&& function) {
    run([](void* context, int rank) { (*static_cast<std::remove_reference_t<F>*>(context))(rank); }, &function);
  }

  /// To be called by every member inside run(); returns once all have called it.
  void barrier() { barrier_.wait(); }

 private:
  using Call = void (*)(void* context, int rank);
  void run(Call call, void* context);
  void wake();
  void member(int rank);

  const int size_;
  std::vector<std::thread> threads_;
  Call call_ = nullptr;
  void* context_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  alignas(64) std::atomic<unsigned> runs_{0};
  alignas(64) std::atomic<int> sleepers_{0};
  Barrier barrier_;
};

/// Exclusive use of the process's team for one command; denormals are flushed on the caller meanwhile. Waits while another thread holds it. A lease taken by a
/// thread that holds one already shares it; taken inside Team::run it gives a team of one.
class TeamLease {
 public:
  TeamLease();
  ~TeamLease();
  TeamLease(const TeamLease&) = delete;
  TeamLease& operator=(const TeamLease&) = delete;

  Team& team() const { return *team_; }

 private:
  FlushDenormals flush_;
  Team* team_;
  bool owner_;
};

/// Threads of the process's team: what set_num_threads chose, else STMNET_NUM_THREADS, else the cores that affinity and the cgroup quota allow.
int num_threads();

/// Takes effect at the next command. `count` below 1 goes back to the default; the largest is 1024.
void set_num_threads(int count);

/// The part [begin, end) of `count` items that falls to member `rank` of `size`, in multiples of `unit`.
struct Share {
  int64_t begin, end;
  Share(int64_t count, int rank, int size, int64_t unit = 1) {
    const int64_t units = (count + unit - 1) / unit;
    begin = units * rank / size * unit;
    end = units * (rank + 1) / size * unit;
    if (begin > count) begin = count;
    if (end > count) end = count;
  }
};

/// Calls `f(begin, end)` on disjoint parts that cover [0, count), on the team; on the caller alone, without a team, if count <= grain. Parts hold at least
/// `grain` items (but the last), so fewer members work when there is little to do. The parts depend on count, grain and the number of threads only.
template <class F>
void parallel_for(int64_t count, int64_t grain, F f) {
  if (count <= 0) return;
  if (grain < 1) grain = 1;
  if (count <= grain) {
    const FlushDenormals flush;
    f(int64_t{0}, count);
    return;
  }
  const TeamLease lease;
  Team& team = lease.team();
  const int64_t parts = (count + grain - 1) / grain;
  const int members = parts < team.size() ? static_cast<int>(parts) : team.size();
  if (members == 1) return f(int64_t{0}, count);
  team.run([&](int rank) {
    if (rank >= members) return;
    const Share share(count, rank, members, 16);
    if (share.begin < share.end) f(share.begin, share.end);
  });
}

}  // namespace stm
