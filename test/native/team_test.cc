// The thread team, parallel_for and leases. usage: team_test [seed]
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <unistd.h>
#endif

#include "backend/cpu/backend.h"
#include "backend/cpu/blas_kernels.h"
#include "backend/cpu/processor.h"
#include "backend/cpu/stages.h"
#include "backend/cpu/team.h"
#include "backend/cpu/time_slice.h"
#include "check.h"

namespace {

using stm::testing::draw;
using stm::testing::require;

void check_parallel_for(int64_t count, int64_t grain) {
  std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
  std::atomic<int> calls{0};
  stm::parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    ++calls;
    for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
  });
  for (const std::atomic<int>& visit : visits) require(visit.load() == 1, "parallel_for visits an item not once");
  const int64_t blocks = count / (16 * grain);  // the larger parts come in blocks
  require(calls.load() <= stm::num_threads() + blocks && (count > grain || calls.load() <= 1),
          "parallel_for makes more parts than asked for");
}

// Several threads lease the team in turn, and lease it again inside: members must never meet another command's work.
void check_leases() {
  std::atomic<int> inside{0}, wrong{0};
  std::vector<std::thread> executors;
  for (int i = 0; i < 3; ++i) {
    executors.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        const stm::TeamLease lease;
        if (++inside != 1) ++wrong;
        std::atomic<int> shares{0};
        lease.team().run_rounds([&](stm::Rounds::Walk& walk) {
          walk.round([&](int) { ++shares; });
          walk.round([&](int) {
            if (shares.load() != lease.team().size()) ++wrong;
            int64_t done = 0;
            stm::parallel_for(100, 1, [&](int64_t begin, int64_t end) {
              done += end - begin;
            });  // inside a run: on this member alone, in order
            if (done != 100) ++wrong;
          });
        });
        const stm::TeamLease again;
        if (&again.team() != &lease.team()) ++wrong;
        --inside;
      }
    });
  }
  for (std::thread& executor : executors) executor.join();
  require(wrong.load() == 0, "leases overlap, or a round begins before the one before is done");
}

// A few large items are shared out one by one.
void check_large_items() {
  std::atomic<int> alone{0};
  stm::parallel_for(stm::num_threads(), 1, [&](int64_t begin, int64_t end) { alone += end - begin == 1; });
  require(alone.load() == stm::num_threads(), "as many items as threads, and two of them in one part");
}

std::atomic<bool> stop{false};  // the flag of this thread: see main

// How many parts of a work of `count` items see a denormal number as it is.
int parts_with_denormals(int64_t count) {
  volatile float tiny = 1e-39f;
  std::atomic<int> kept{0};
  stm::parallel_for(count, 100, [&](int64_t, int64_t) {
    if (tiny * 1.0f != 0.0f) ++kept;
  });
  return kept.load();
}

// As the caller treats them, whatever the size of the work, and so whoever does it.
void check_denormals() {
  for (const int64_t count : {1, 100'000}) {
    const int all = parts_with_denormals(count);
    require(all > 0, "a kernel loses denormals");
    {
      const stm::FlushDenormals flush;
#if defined(__x86_64__) || defined(__aarch64__)
      require(parts_with_denormals(count) == 0, "a member keeps denormals that its caller flushes");
#endif
    }
    require(parts_with_denormals(count) == all, "a member goes on flushing denormals");
  }
}

// A stop ends what is running, wherever its members are, and leaves a team that works.
void check_stop() {
  const auto sum_of = [](int64_t count) {
    std::atomic<int64_t> sum{0};
    stm::parallel_for(count, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    return sum.load();
  };
  std::atomic<int64_t> visited{0};
  stm::parallel_for(int64_t{1} << 50, 1, [&](int64_t begin, int64_t end) {  // years
    visited += end - begin;
    stop = true;
  });
  require(visited.load() > 0 && visited.load() < 100'000, "parallel_for does not stop between its blocks");
  require(sum_of(1000) == 0, "parallel_for begins after a stop");
  stop = false;
  require(sum_of(1000) == 1000, "a team that was stopped has lost something");

  const stm::TeamLease lease;
  const int size = lease.team().size();
  std::atomic<int> passed{0};
  lease.team().run_rounds([&](stm::Rounds::Walk& walk) {
    walk.round([&](int rank) {
      while (rank == 0) {  // never done
        stop = true;
        stm::stop_point();
      }
    });
    walk.round([&](int) { ++passed; });
  });
  require(passed.load() == 0, "a round begins before the one before is done");
  stop = false;
  for (int round = 0; round < 2; ++round)
    lease.team().run_rounds([&](stm::Rounds::Walk& walk) {
      for (int i = 0; i < 3; ++i) walk.round([&](int) { ++passed; });
    });
  require(passed.load() == 6 * size, "a team that was stopped has lost shares");
}

// Each round needs all of the one before; each share is computed once, whoever is there.
void check_rounds() {
  const stm::TeamLease lease;
  stm::Team& team = lease.team();
  const int size = team.size();
  constexpr int kRounds = 40;
  for (int run = 0; run < 100; ++run) {
    std::vector<int> visits(static_cast<size_t>(kRounds * size));  // plain, so that a race shows
    team.run_rounds([&](stm::Rounds::Walk& walk) {
      for (int round = 0; round < kRounds; ++round)
        walk.round([&](int rank) {
          int before = 0;
          for (int i = 0; round && i < size; ++i) before += visits[static_cast<size_t>((round - 1) * size + i)];
          visits[static_cast<size_t>(round * size + rank)] += round && before != size ? 100 : 1;
        });
    });
    for (const int visit : visits)
      require(visit == 1, "a share was computed twice, or before the round before was done");
  }
}

// One member goes through all rounds alone; one who comes late finds nothing to do, and holds nobody up.
void check_rounds_alone() {
  stm::Rounds rounds;
  std::vector<int> order;
  rounds.begin(3);
  stm::Rounds::Walk early(&rounds, 1), late(&rounds, 2);
  const auto note = [&](int share) { order.push_back(share); };
  for (int i = 0; i < 2; ++i) early.round(note);
  early.wait();
  require(order == std::vector<int>{1, 2, 0, 1, 2, 0}, "shares are not taken from its own one on");
  for (int i = 0; i < 2; ++i) late.round(note);
  require(order.size() == 6, "who comes late takes what is done");
  late.round(note);
  early.pass_over(1);
  early.wait();
  require(order == std::vector<int>{1, 2, 0, 1, 2, 0, 2, 0, 1}, "who comes late does not take part from then on");
  rounds.begin(1);
  stm::Rounds::Walk again(&rounds, 0);
  again.round(note);
  require(order.size() == 10, "rounds that begin again are done already");
}

// Whoever comes to an open run in time takes part, and the work is done in its order whoever that is.
void check_open_runs() {
  const stm::TeamLease lease;
  stm::Team& team = lease.team();
  constexpr int64_t kStages = 3, kItems = 17;
  stm::Stages stages;
  for (int round = 0; round < 300; ++round) {
    std::vector<int> visits(static_cast<size_t>(kStages * kItems));  // plain, so that a race shows
    std::atomic<int> inside{0};
    stages.begin(kStages, team.size());
    team.run_open([&](int rank) {
      ++inside;
      for (int64_t stage = 0; stage < kStages; ++stage) {
        stages.run(stage, rank, kItems, [&](int64_t i) {
          int before = 0;
          for (int64_t j = 0; stage && j < kItems; ++j) before += visits[static_cast<size_t>((stage - 1) * kItems + j)];
          visits[static_cast<size_t>(stage * kItems + i)] += stage && before != kItems ? 100 : 1;
        });
      }
      --inside;
    });
    require(inside.load() == 0, "an open run ends while a member is inside");
    for (const int visit : visits)
      require(visit == 1, "an item was computed twice, or before the stage below was done");
    if (round % 3 != 0) continue;
    std::atomic<int> shares{0};
    team.run([&](int) { ++shares; });
    require(shares.load() == team.size(), "a share is lost after an open run");
  }
}

// The caller does all of the work where nobody else does any.
void check_open_run_alone() {
  const stm::TeamLease lease;
  std::atomic<int> calls{0};
  lease.team().run_open([&](int rank) {
    if (rank != 0) return;
    ++calls;
    int64_t inner = 0;
    stm::parallel_for(100, 1, [&](int64_t begin, int64_t end) { inner += end - begin; });  // on this member alone
    require(inner == 100, "work inside an open run is shared");
  });
  require(calls.load() == 1, "the caller is not rank 0 of its open run, once");
}

// A stop ends an open run, with members that wait for items which will never be done.
void check_open_run_stopped() {
  const stm::TeamLease lease;
  stm::Stages stages;
  stages.begin(1, lease.team().size());
  std::atomic<int> passed{0};
  lease.team().run_open([&](int rank) {
    stages.run(0, rank, 5, [&](int64_t) {
      stop = true;
      stm::stop_point();
    });
    ++passed;
  });
  require(passed.load() == 0, "a stage that was stopped counts as done");
  stop = false;
  stages.begin(1, lease.team().size());
  std::atomic<int> items{0};
  lease.team().run_open([&](int rank) { stages.run(0, rank, 5, [&](int64_t) { ++items; }); });
  require(items.load() == 5, "a team that was stopped in an open run has lost something");
}

// A check of indices that a stop has cut short lets none of them be used.
void check_stop_before_indices() {
  stm::View table, indices, out;
  float row = 0, found = 0;
  int32_t far = 1 << 30;
  for (stm::View* view : {&table, &indices, &out}) {
    view->rank = 2;
    view->extent[0] = view->extent[1] = view->stride[0] = view->stride[1] = 1;
  }
  indices.rank = 1;
  indices.dtype = stm::DType::I32;
  table.data = &row;
  indices.data = &far;
  out.data = &found;
  stop = true;
  require(!stm::cpu_indexing().gather_rows(table, indices, out).is_ok(),
          "a row is taken by an index that nobody has looked at");
  stop = false;
}

// An executor that is told to stop does not wait for another one's command to give the team back.
void check_stop_while_waiting() {
  const stm::TeamLease lease;
  std::thread other([] {
    std::atomic<bool> stop_other{true};
    stm::begin_kernels(stop_other);
    const stm::TeamLease waiting;
    require(waiting.team().size() == 1, "a lease that was not waited for is not a team of one");
  });
  other.join();
}

// Where the system says how long its slices are.
void check_time_slices() {
#ifdef __linux__
  const uint64_t first = stm::time_slice(getpid());
  if (first == 0) return std::puts("team_test: no time slices here"), void();
  std::thread([=] {
    require(stm::time_slice(0) == first, "a new thread has other slices than the first");
    for (int time = 0; time < 2; ++time) {
      stm::give_way_to_waking_threads();
      require(stm::time_slice(0) == first + first / 4, "slices of a thread that gives way");
    }
  }).join();
  const stm::TeamLease lease;
  const auto with_longer_slices = [=] {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
      count += stm::time_slice(std::stoi(entry.path().filename())) > first;
    return count;
  };
  while (with_longer_slices() < lease.team().size() - 1) std::this_thread::yield();  // as they start
  require(stm::time_slice(0) == first, "the slices of who uses the team");
#endif
}

}  // namespace

int main(int argc, char** argv) {
  stm::testing::begin(argc, argv);
  std::printf("team_test: threads %d, BLAS kernels %s\n", stm::num_threads(), stm::blas_kernels());
  stm::begin_kernels(stop);
  require(!stm::processor().avx2 || std::strcmp(stm::blas_kernels(), "generic") != 0,
          "portable BLAS kernels on a processor with AVX2");
  for (const int threads : {1, 2, 3}) {
    stm::set_num_threads(threads);
    require(stm::num_threads() == threads, "set_num_threads is not what num_threads says");
    for (const int64_t count : {0, 1, 99, 100, 101, 4096, 100000}) {
      for (const int64_t grain : {1, 100, 5000}) check_parallel_for(count, grain);
    }
    check_leases();
    check_time_slices();
    check_large_items();
    check_denormals();
    check_stop();
    check_rounds();
    check_rounds_alone();
    check_open_runs();
    check_open_run_alone();
    check_open_run_stopped();
    check_stop_before_indices();
    check_stop_while_waiting();
  }
  return stm::testing::finish("team_test");
}
