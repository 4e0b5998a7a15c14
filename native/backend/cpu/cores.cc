#include "backend/cores.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace stm {
namespace {

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

// The tightest quota of this process's group and the groups around it, under cgroup v2 and v1; 0 without one. Inside a
// container the group's own path may not be visible: the mount point then holds the container's quota.
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

}  // namespace

int allowed_cores() {
  const int cores = cores_by_affinity(), quota = cgroup_quota();
  return quota && quota < cores ? quota : cores;
}

}  // namespace stm
