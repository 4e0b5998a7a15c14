#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "backend/cpu/denormals.h"
#include "backend/cpu/rounds.h"
#include "backend/cpu/stopping.h"

namespace stm {

/// What a thread has to do before it calls kernels, once: when `stopping` is set, a kernel may return with its work
/// undone. The flag outlives the thread's kernels.
void begin_kernels(const std::atomic<bool>& stopping);

/// A fixed set of threads that share out work, the caller being rank 0, all with the caller's way of treating
/// denormals:
///
///   team.run([&](int rank) { ... });                        each rank's share once
///   team.run_rounds([&](Rounds::Walk& walk) {               the same in rounds, of which each needs the one before
///     walk.round([&](int rank) { ... });
///     walk.round([&](int rank) { ... });
///   });
///
/// What a share is depends on the size of the team alone. Who computes it does not matter: members that come while the
/// caller is at it take part, and nobody waits for the rest, which another program may keep from a core. So a team
/// never takes much longer than one thread would, and the results are the same bits.
///
/// A waiting member spins briefly, then sleeps, so that its core is free for whoever has work. There is one team per
/// process: take it with a `TeamLease`.
class Team {
 public:
  /// @throws std::system_error or std::bad_alloc if the system does not give that many threads; a team of one needs
  /// none
  explicit Team(int size);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const { return size_; }

  /// Calls `function(int rank)` once for each rank. Returns when all have returned. It throws nothing but Stopped, at a
  /// stop point: what is left is left undone then. So in the other two.
  template <class F>
  void run(const F& function) {
    run_rounds([&](Rounds::Walk& walk) { walk.round(function); });
  }

  /// Calls `function(Rounds::Walk&)` for the caller and the members who come, who all go through the same rounds.
  template <class F>
  void run_rounds(const F& function) {
    if (size_ > 1) rounds_.begin(size_);
    run_open([&](int rank) {
      Rounds::Walk walk(size_ > 1 ? &rounds_ : nullptr, rank);
      function(walk);
    });
  }

  /// Calls `function(int rank)` for the caller, which is rank 0, and the members who come; it must do all of the work
  /// if that is rank 0 alone. Returns when all of them have returned.
  template <class F>
  void run_open(const F& function) {
    run_open([](const void* context, int rank) { (*static_cast<const F*>(context))(rank); }, &function);
  }

 private:
  using Call = void (*)(const void* context, int rank);
  void run_open(Call call, const void* context);
  void announce(Call call, const void* context);
  uint64_t next_run(uint64_t seen);
  bool enter(uint64_t state);
  void leave();
  void call_as(int rank);
  void end();
  void member(int rank);

  const int size_;
  std::vector<std::thread> threads_;
  Call call_ = nullptr;
  const void* context_ = nullptr;
  const std::atomic<bool>* stop_flag_ = nullptr;  // the caller's, as the next
  uint64_t floating_point_mode_ = 0;
  // The number of the run, whether it is closed again, and how many members are inside: see team.cc.
  alignas(64) std::atomic<uint64_t> state_{0};
  Sleepers idle_, caller_;
  Rounds rounds_;
};

/// Exclusive use of the process's team for one command. Waits while another thread holds it. A lease taken by a thread
/// that holds one already shares it; taken inside Team::run, or by a thread that is told to stop while it waits, it
/// gives a team of one.
class TeamLease {
 public:
  TeamLease();
  ~TeamLease();
  TeamLease(const TeamLease&) = delete;
  TeamLease& operator=(const TeamLease&) = delete;

  Team& team() const { return *team_; }

 private:
  Team* team_;
  bool owner_ = false;
};

/// Threads of the process's team: what set_num_threads chose, else STMNET_NUM_THREADS, else the cores that affinity and
/// the cgroup quota allow. Where the system refuses so many, the team has half as many, or half of that, and so on;
/// those that are left to the system serve the rest of the process. A STMNET_NUM_THREADS that is no whole number from 1
/// to 1024 is told once on stderr, and counts for nothing.
int num_threads();

/// Takes effect at the next command. `count` below 1 goes back to the default; the largest is 1024.
void set_num_threads(int count);

/// The part [begin, end) of `count` items that falls to member `rank` of `size`, in multiples of `unit`.
struct Share {
  int64_t begin, end;
  Share(int64_t first, int64_t past) : begin(first), end(past) {}
  Share(int64_t count, int rank, int size, int64_t unit = 1) {
    const int64_t units = (count + unit - 1) / unit;
    begin = units * rank / size * unit;
    end = units * (rank + 1) / size * unit;
    if (begin > count) begin = count;
    if (end > count) end = count;
  }
};

/// A callable of a part [begin, end) of some items, by reference: what it refers to must outlive it.
class PartFunction {
 public:
  template <class F>
  PartFunction(const F& f)
      : f_(&f), call_([](const void* f, int64_t begin, int64_t end) { (*static_cast<const F*>(f))(begin, end); }) {}
  void operator()(int64_t begin, int64_t end) const { call_(f_, begin, end); }

 private:
  const void* f_;
  void (*call_)(const void*, int64_t, int64_t);
};

/// Calls `f(begin, end)` on disjoint parts that cover [0, count), on the team; on the caller alone, without a team, if
/// count <= grain. A member gets at least `grain` items (but the last), so fewer members work when there is little to
/// do, and takes them in blocks with stop points between. The parts depend on count, grain and the number of threads
/// only.
///
/// `f` is type-erased, so that the sharing is compiled once and not for each of hundreds of kernels.
void parallel_for(int64_t count, int64_t grain, PartFunction f);

}  // namespace stm
