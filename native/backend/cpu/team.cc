#include "backend/cpu/team.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include "backend/cores.h"
#include "backend/cpu/time_slice.h"

namespace stm {
namespace {

constexpr int kMaxThreads = 1024;
// Of Team::state_: the number of the run in the upper half; whether members may no longer come; how many are inside.
constexpr uint64_t kFirstRun = uint64_t{1} << 32, kRun = ~uint64_t{0} << 32;
constexpr uint64_t kClosed = uint64_t{1} << 31, kInside = kClosed - 1;

// STMNET_NUM_THREADS, else the cores that there are for this process.
int default_threads() {
  const int cores = std::min(allowed_cores(), kMaxThreads);
  const char* const wanted = std::getenv("STMNET_NUM_THREADS");
  if (!wanted || !*wanted) return cores;
  int count = 0;
  const char* const end = wanted + std::strlen(wanted);
  const auto [past, fault] = std::from_chars(wanted, end, count);
  if (fault == std::errc() && past == end && count >= 1 && count <= kMaxThreads) return count;
  std::fprintf(stderr,
               "STMNET_NUM_THREADS: got '%s', expected a whole number from 1 to %d. Fix: set one of these or unset it; "
               "%d %s used now.\n",
               wanted, kMaxThreads, cores, cores == 1 ? "is" : "are");
  return cores;
}

// ---- the process's team

struct ProcessTeam {
  std::mutex mutex;
  std::condition_variable freed;
  bool leased = false;  // guarded by `mutex`; who has the lease owns the other two
  Team* team = nullptr;
  int asked_for = 0;           // the size that `team` was to have
  std::atomic<int> wanted{0};  // 0: the default
};

// Never destroyed: its threads are left to the process at exit, which may come in the middle of a command. In place, so
// that it needs no memory.
template <class T, class... Arguments>
T& immortal(Arguments... arguments) {
  alignas(T) static unsigned char place[sizeof(T)];
  static T* const object = new (place) T(arguments...);
  return *object;
}

ProcessTeam& process_team() { return immortal<ProcessTeam>(); }
Team& team_of_one() { return immortal<Team>(1); }

thread_local Team* held_team = nullptr;  // by a lease of this thread
thread_local bool inside_run = false;

// A team of `size`, or of half as many for as often as the system refuses: kernels compute with fewer threads, not with
// none.
Team* new_team(int size) {
  for (; size > 1; size /= 2) {
    try {
      return new Team(size);
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {
    }
  }
  return &team_of_one();
}

void delete_team(Team* team) {
  if (team != &team_of_one()) delete team;
}

// Calls `f()` as `stoppable` does, but never ends more than that: the others of a team are yet to be met.
template <class F>
void stoppable_alone(const F& f) {
  const bool outer = std::exchange(stopping.caught, false);
  stoppable(f);
  stopping.caught = outer;
}

}  // namespace

thread_local constinit Stopping stopping;

void throw_stopped() { throw Stopped{}; }

void begin_kernels(const std::atomic<bool>& stop) { stopping.flag = &stop; }

Team::Team(int size) : size_(size) {
  if (size == 1) return;
  try {
    rounds_.begin(size);
    threads_.reserve(static_cast<size_t>(size - 1));
    for (int rank = 1; rank < size; ++rank) threads_.emplace_back([this, rank] { member(rank); });
  } catch (...) {
    end();  // of those that were made
    throw;
  }
}

Team::~Team() { end(); }

void Team::end() {
  announce(nullptr, nullptr);  // of nothing
  for (std::thread& thread : threads_) thread.join();
}

void Team::run_open(Call call, const void* context) {
  const bool outer = std::exchange(inside_run, true);
  if (size_ > 1) announce(call, context);
  stoppable_alone([=] { call(context, 0); });
  if (size_ > 1) {
    state_.fetch_or(kClosed);
    caller_.wait_until([this] { return (state_.load() & kInside) == 0; });  // of what `context` points to
  }
  inside_run = outer;
  stop_point();
}

// Between runs nobody else changes the state: all have left the last one, and its number, or kClosed, keeps out who
// comes late.
void Team::announce(Call call, const void* context) {
  call_ = call;
  context_ = context;
  stop_flag_ = stopping.flag;
  floating_point_mode_ = floating_point_mode();
  state_.store((state_.load(std::memory_order_relaxed) & kRun) + kFirstRun);
  idle_.wake();
}

// The state once its run is another than that of `seen`. Nobody waits for who looks for work here, so this leaves the
// core to whoever wants it: to the JavaScript thread, which is to ask for the next step, for one.
uint64_t Team::next_run(uint64_t seen) {
  uint64_t state = 0;
  int looks = 0;
  const auto is_another = [&] {
    state = state_.load();
    return (state & kRun) != (seen & kRun);
  };
  const auto is_another_soon = [&] {
    if (++looks % 64 == 0) std::this_thread::yield();
    return is_another();
  };
  if (!spin_for(spin_time(), is_another_soon)) idle_.sleep_until(is_another);
  return state;
}

// Into the run of `state`. False if it is closed, or over.
bool Team::enter(uint64_t state) {
  const uint64_t run = state & kRun;
  while ((state & kRun) == run && !(state & kClosed)) {
    if (state_.compare_exchange_weak(state, state + 1)) return true;
  }
  return false;
}

void Team::leave() {
  if (((state_.fetch_sub(1) - 1) & (kClosed | kInside)) == kClosed) caller_.wake();
}

void Team::call_as(int rank) {
  stopping.flag = stop_flag_;
  set_floating_point_mode(floating_point_mode_);
  stoppable([=, this] { call_(context_, rank); });
}

void Team::member(int rank) {
  inside_run = true;
  give_way_to_waking_threads();
  for (uint64_t state = 0;;) {
    state = next_run(state);
    if (!enter(state)) continue;
    if (!call_) return;
    call_as(rank);
    leave();
  }
}

TeamLease::TeamLease() : team_(&team_of_one()) {
  if (inside_run) return;
  if (held_team) {
    team_ = held_team;
    return;
  }
  ProcessTeam& shared = process_team();
  {
    std::unique_lock<std::mutex> lock(shared.mutex);
    while (shared.leased) {
      if (stop_requested()) return;
      shared.freed.wait_for(lock, std::chrono::milliseconds(5));
    }
    shared.leased = true;
  }
  owner_ = true;
  const int size = num_threads();
  if (shared.asked_for != size) {
    if (shared.team) delete_team(shared.team);
    shared.team = new_team(size);
    shared.asked_for = size;
  }
  team_ = held_team = shared.team;
}

TeamLease::~TeamLease() {
  if (!owner_) return;
  held_team = nullptr;
  ProcessTeam& shared = process_team();
  {
    const std::lock_guard<std::mutex> lock(shared.mutex);
    shared.leased = false;
  }
  shared.freed.notify_one();
}

int num_threads() {
  static const int preset = default_threads();
  const int wanted = process_team().wanted.load();
  return wanted ? wanted : preset;
}

void set_num_threads(int count) {
  process_team().wanted.store(count < 1 ? 0 : count < kMaxThreads ? count : kMaxThreads);
}

void parallel_for(int64_t count, int64_t grain, PartFunction f) {
  constexpr int64_t kUnit = 16;
  constexpr int64_t kGrainsInBlock = 16;  // a grain lasts some ten microseconds, of slow functions a few hundred
  if (count <= 0) return;
  if (grain < 1) grain = 1;
  if (count <= grain) return stoppable([&] { f(0, count); });
  const TeamLease lease;
  Team& team = lease.team();
  const int64_t parts = (count + grain - 1) / grain;
  const int members = parts < team.size() ? static_cast<int>(parts) : team.size();
  if (members == 1) return stoppable([&] { in_blocks(0, count, kGrainsInBlock * grain, f); });
  // Where items are numbers, parts begin at whole vectors; a few large items are shared one by one.
  const int64_t unit = grain < kUnit ? 1 : kUnit;
  team.run([&](int rank) {
    if (rank >= members) return;
    const Share share(count, rank, members, unit);
    in_blocks(share.begin, share.end, kGrainsInBlock * grain, f);
  });
}

}  // namespace stm
