#include "backend/cpu/team.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace stm {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kSpins = 4000;  // some tens of microseconds

inline void pause_briefly() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

#if defined(__x86_64__) || defined(_M_X64)
constexpr uint64_t kFlushBits = 0x8040;  // FTZ and DAZ of MXCSR
uint64_t floating_point_mode() { return _mm_getcsr(); }
void set_floating_point_mode(uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
constexpr uint64_t kFlushBits = uint64_t{1} << 24;  // FZ of FPCR
uint64_t floating_point_mode() {
  uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void set_floating_point_mode(uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
constexpr uint64_t kFlushBits = 0;
uint64_t floating_point_mode() { return 0; }
void set_floating_point_mode(uint64_t) {}
#endif

// ---- how many threads

std::string first_line(const std::string& path) {
  FILE* file = std::fopen(path.c_str(), "re");
  if (!file) return {};
  char line[512];
  const bool read = std::fgets(line, sizeof line, file) != nullptr;
  std::fclose(file);
  return read ? std::string(line) : std::string();
}

// Cores, not hyper-threads, among the processors that this process may run on.
int cores_by_affinity() {
#if defined(__linux__)
  cpu_set_t* const mask = CPU_ALLOC(8192);
  const size_t bytes = CPU_ALLOC_SIZE(8192);
  std::set<std::string> cores;
  if (mask && sched_getaffinity(0, bytes, mask) == 0) {
    for (int cpu = 0; cpu < 8192; ++cpu) {
      if (!CPU_ISSET_S(static_cast<size_t>(cpu), bytes, mask)) continue;
      const std::string name = std::to_string(cpu);
      const std::string siblings = first_line("/sys/devices/system/cpu/cpu" + name + "/topology/thread_siblings_list");
      cores.insert(siblings.empty() ? "cpu" + name : siblings);
    }
  }
  if (mask) CPU_FREE(mask);
  if (!cores.empty()) return static_cast<int>(cores.size());
#endif
  const unsigned all = std::thread::hardware_concurrency();
  return all ? static_cast<int>(all) : 1;
}

// Processors that the quota in `folder` allows, rounded up; 0 without a quota.
int quota_of(const std::string& folder) {
  long long quota = 0, period = 0;
  const std::string v2 = first_line(folder + "/cpu.max");
  if (!v2.empty()) {
    if (std::sscanf(v2.c_str(), "%lld %lld", &quota, &period) != 2) return 0;
  } else {
    quota = std::atoll(first_line(folder + "/cpu.cfs_quota_us").c_str());
    period = std::atoll(first_line(folder + "/cpu.cfs_period_us").c_str());
  }
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>((quota + period - 1) / period);
}

// The tightest quota of this process's group and the groups around it, under cgroup v2 and v1; 0 without one. Inside a container the group's own path
// may not be visible: the mount point then holds the container's quota.
int cgroup_quota() {
  FILE* file = std::fopen("/proc/self/cgroup", "re");
  if (!file) return 0;
  int tightest = 0;
  char line[4096];
  while (std::fgets(line, sizeof line, file)) {
    line[std::strcspn(line, "\n")] = 0;
    char* const controllers = std::strchr(line, ':');
    char* const path = controllers ? std::strchr(controllers + 1, ':') : nullptr;
    if (!path) continue;
    *path = 0;
    const std::string names = controllers + 1;
    const bool v2 = names.empty(), v1 = ("," + names + ",").find(",cpu,") != std::string::npos;
    if (!v1 && !v2) continue;
    for (const std::string& mount : v2 ? std::vector<std::string>{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}
                                       : std::vector<std::string>{"/sys/fs/cgroup/" + names, "/sys/fs/cgroup/cpu"}) {
      for (std::string group = path + 1;; group.resize(group.find_last_of('/'))) {
        if (!group.empty() && group.back() == '/') group.pop_back();
        const int quota = quota_of(mount + group);
        if (quota && (!tightest || quota < tightest)) tightest = quota;
        if (group.find('/') == std::string::npos) break;
      }
    }
  }
  std::fclose(file);
  return tightest;
}

int default_threads() {
  if (const char* const wanted = std::getenv("STMNET_NUM_THREADS")) {
    const int count = std::atoi(wanted);
    if (count >= 1) return count < kMaxThreads ? count : kMaxThreads;
  }
  const int cores = cores_by_affinity(), quota = cgroup_quota();
  const int count = quota && quota < cores ? quota : cores;
  return count < kMaxThreads ? count : kMaxThreads;
}

// ---- the process's team

struct ProcessTeam {
  std::mutex lease;
  Team* team = nullptr;        // guarded by `lease`
  std::atomic<int> wanted{0};  // 0: the default
};

// Never destroyed: its threads are left to the process at exit, which may come in the middle of a command.
ProcessTeam& process_team() {
  static ProcessTeam* const shared = new ProcessTeam;
  return *shared;
}

thread_local Team* held_team = nullptr;  // by a lease of this thread
thread_local bool inside_run = false;

Team& team_of_one() {
  static Team* const alone = new Team(1);
  return *alone;
}

}  // namespace

FlushDenormals::FlushDenormals() noexcept : before_(floating_point_mode()) {
  if ((before_ & kFlushBits) != kFlushBits) set_floating_point_mode(before_ | kFlushBits);
}
FlushDenormals::~FlushDenormals() {
  if ((before_ & kFlushBits) != kFlushBits) set_floating_point_mode(before_);
}

void Barrier::wait() {
  if (count_ == 1) return;
  const unsigned phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == count_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    return;
  }
  for (int spins = 0; phase_.load(std::memory_order_acquire) == phase; ++spins) {
    if (spins < kSpins) {
      pause_briefly();
    } else {
      std::this_thread::yield();
    }
  }
}

Team::Team(int size) : size_(size), barrier_(size) {
  for (int rank = 1; rank < size; ++rank) threads_.emplace_back([this, rank] { member(rank); });
}

Team::~Team() {
  call_ = nullptr;
  wake();
  for (std::thread& thread : threads_) thread.join();
}

void Team::run(Call call, void* context) {
  const bool outer = inside_run;
  inside_run = true;
  if (size_ > 1) {
    call_ = call;
    context_ = context;
    wake();
  }
  call(context, 0);
  barrier();  // every member has finished: what `context` points to may go out of scope
  inside_run = outer;
}

// A member counts itself among the sleepers before it looks at runs_ for the last time, this raises runs_ before it looks at the sleepers: one sees the other.
void Team::wake() {
  runs_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) == 0) return;
  { const std::lock_guard<std::mutex> lock(mutex_); }
  changed_.notify_all();
}

void Team::member(int rank) {
  const FlushDenormals flush;
  inside_run = true;
  for (unsigned seen = 0;; ++seen) {
    for (int spins = 0; spins < kSpins && runs_.load(std::memory_order_acquire) == seen; ++spins) pause_briefly();
    if (runs_.load(std::memory_order_acquire) == seen) {
      std::unique_lock<std::mutex> lock(mutex_);
      sleepers_.fetch_add(1, std::memory_order_seq_cst);
      changed_.wait(lock, [&] { return runs_.load(std::memory_order_seq_cst) != seen; });
      sleepers_.fetch_sub(1, std::memory_order_relaxed);
    }
    if (!call_) return;
    call_(context_, rank);
    barrier();
  }
}

TeamLease::TeamLease() : owner_(false) {
  if (inside_run) {
    team_ = &team_of_one();
    return;
  }
  if (held_team) {
    team_ = held_team;
    return;
  }
  ProcessTeam& shared = process_team();
  shared.lease.lock();
  const int size = num_threads();
  if (shared.team && shared.team->size() != size) {
    delete shared.team;
    shared.team = nullptr;
  }
  if (!shared.team) shared.team = new Team(size);
  team_ = held_team = shared.team;
  owner_ = true;
}

TeamLease::~TeamLease() {
  if (!owner_) return;
  held_team = nullptr;
  process_team().lease.unlock();
}

int num_threads() {
  static const int preset = default_threads();
  const int wanted = process_team().wanted.load();
  return wanted ? wanted : preset;
}

void set_num_threads(int count) { process_team().wanted.store(count < 1 ? 0 : count < kMaxThreads ? count : kMaxThreads); }

}  // namespace stm
