// A system that gives fewer threads than are asked for: the team makes do with fewer, an executor says so, and nothing
// waits for ever. The limit is this program's own pthread_create, which the C++ library's threads come through.
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>

#include "backend/cpu/team.h"
#include "core/error.h"
#include "core/executor.h"
#include "counting_backend.h"

namespace {

std::atomic<int> living{0}, limit{1 << 20};

struct Start {
  void* (*function)(void*);
  void* argument;
};

void* counted(void* data) {
  const std::unique_ptr<Start> start(static_cast<Start*>(data));
  void* const result = start->function(start->argument);
  --living;
  return result;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int pthread_create(pthread_t* thread,
                                                                     const pthread_attr_t* attributes,
                                                                     void* (*function)(void*),
                                                                     void* argument) noexcept {
  static const auto create = reinterpret_cast<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>(
      dlsym(RTLD_NEXT, "pthread_create"));
  if (++living > limit) {
    --living;
    return EAGAIN;
  }
  auto start = std::make_unique<Start>(Start{function, argument});
  const int error = create(thread, attributes, counted, start.get());
  if (error) --living;
  else start.release();
  return error;
}

namespace {

using stm::testing::require;
using stm::testing::require_equal;

int64_t count_on_team() {
  std::atomic<int64_t> sum{0};
  stm::parallel_for(100'000, 10, [&](int64_t begin, int64_t end) { sum += end - begin; });
  return sum;
}

int team_size() {
  const stm::TeamLease lease;
  return lease.team().size();
}

void check_team() {
  limit = 5;
  stm::set_num_threads(16);
  require_equal(count_on_team(), 100'000, "work on a team that was to be larger");
  require_equal(team_size(), 4, "half of the half of 16: three threads beside the caller, of five");
  require_equal(living.load(), 3, "threads that live, none of them left over from a larger team");
  limit = 0;
  stm::set_num_threads(8);
  require_equal(count_on_team(), 100'000, "work without any thread");
  require_equal(team_size(), 1, "a team of the caller alone");
  limit = 1 << 20;
  require_equal(team_size(), 1, "the system is not asked again at each command");
  stm::set_num_threads(3);
  require_equal(team_size(), 3, "another size is asked for");
  require_equal(count_on_team(), 100'000, "work on a team that is complete again");
  stm::set_num_threads(1);
  require_equal(team_size(), 1, "one thread");
}

void check_executor() {
  stm::testing::CountingBackend backend;
  limit = 0;
  std::string message;
  try {
    stm::Executor executor(backend);
  } catch (const stm::Error& error) {
    message = error.message.sentence();
  }
  require(
      message.find("got no thread") != std::string::npos && message.find("Fix: raise the limit") != std::string::npos,
      "what an executor says: " + message);
  limit = 1 << 20;
  stm::Executor executor(backend);
}

}  // namespace

int main() {
  check_team();
  check_executor();
  return stm::testing::finish("threads_refused_test");
}
