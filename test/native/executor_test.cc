// The executor: order, back-pressure, faults and their spread, stopping, and storages that threads let go of while
// commands run.
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "backend/cpu/stopping.h"
#include "core/executor.h"
#include "counting_backend.h"

namespace {

using stm::Access;
using stm::Allocator;
using stm::Backend;
using stm::Command;
using stm::Executor;
using stm::FaultPtr;
using stm::Operand;
using stm::Status;
using stm::StatusKind;
using stm::Storage;
using stm::testing::CountingBackend;
using stm::testing::require;
using stm::testing::require_equal;

using Work = std::function<Status(const std::vector<Operand>&)>;
using StoragePtr = std::shared_ptr<Storage>;

/// A command made of a function; says when it was destroyed and what it was skipped for.
class Task final : public Command {
 public:
  Task(const char* op, std::vector<Operand> operands, Work work, size_t host_bytes = 0)
      : Command(op, std::move(operands), host_bytes), work_(std::move(work)) {}
  ~Task() override {
    if (destroyed) ++*destroyed;
  }
  Status run(Backend&) override { return work_(operands); }
  void skip(const FaultPtr& fault) override {
    if (on_skip) on_skip(fault);
  }
  std::atomic<int>* destroyed = nullptr;
  std::function<void(const FaultPtr&)> on_skip;

 private:
  Work work_;
};

Operand operand(const StoragePtr& storage, Access access) {
  Operand result;
  result.storage = storage;
  result.access = access;
  return result;
}

/// A device with its allocator and queue.
struct Rig {
  CountingBackend backend;
  std::shared_ptr<Allocator> allocator = std::make_shared<Allocator>(stm::testing::borrowed(backend));
  Executor executor{backend};

  StoragePtr storage(size_t bytes = 64) { return std::make_shared<Storage>(allocator, bytes); }

  void push(const char* op, std::vector<Operand> operands, Work work, size_t host_bytes = 0) {
    executor.push(std::make_unique<Task>(op, std::move(operands), std::move(work), host_bytes));
  }
  void push(Work work) { push("work", {}, std::move(work)); }

  /// Waits until every earlier command has run; runs `look` there, where faults may be looked at.
  void drain(const std::function<void()>& look = [] {}) {
    const auto done = std::make_shared<
        std::promise<void>>();  // shared: the executor may still be inside set_value when the wait is over
    push([&look, done](const std::vector<Operand>&) {
      look();
      done->set_value();
      return Status::ok();
    });
    done->get_future().wait();
  }
};

Status fine(const std::vector<Operand>&) { return Status::ok(); }
Status broken(const std::vector<Operand>&) { return Status::fail(StatusKind::OutOfRange, {"value %d", 7}); }

void commands_run_in_order() {
  Rig rig;
  constexpr int kCount = 20'000;
  int next = 0, misplaced = 0;  // the executor's, until drained
  for (int i = 0; i < kCount; ++i) {
    rig.push([&, i](const std::vector<Operand>&) {
      misplaced += next++ != i;
      return Status::ok();
    });
  }
  rig.drain();
  require_equal(next, kCount, "commands that ran");
  require_equal(misplaced, 0, "commands out of order");
}

void a_full_queue_holds_the_producer() {
  Rig rig;
  rig.executor.set_limits({10, size_t{1} << 30});
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) {
    rig.push([&](const std::vector<Operand>&) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      ++ran;
      return Status::ok();
    });
    require(rig.executor.stats().commands <= 10, "no more than 10 commands wait");
  }
  rig.drain();
  const stm::QueueStats stats = rig.executor.stats();
  require_equal(ran.load(), 100, "commands that ran");
  require(stats.peak_commands <= 10, "peak: " + std::to_string(stats.peak_commands));
  require(stats.stalls > 5 && stats.stalled_ms > 1,
          "stalls are counted: " + std::to_string(stats.stalls) + ", " + std::to_string(stats.stalled_ms) + " ms");
}

void host_bytes_fill_the_queue_too() {
  Rig rig;
  rig.executor.set_limits({65'536, 1000});
  std::promise<void> release;
  rig.push([&](const std::vector<Operand>&) {
    release.get_future().wait();
    return Status::ok();
  });
  rig.push("large", {}, fine, 5000);  // more than the limit in one command: passes, or nothing ever could
  std::promise<void> pushed;
  std::thread producer([&] {
    rig.push("next", {}, fine);
    pushed.set_value();
  });
  require(pushed.get_future().wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout,
          "a command waits behind too many bytes");
  release.set_value();
  producer.join();
  rig.drain();
  require_equal(rig.executor.stats().bytes, 0, "bytes of an empty queue");
}

void faults_spread_and_are_reported_once() {
  Rig rig;
  const StoragePtr bad = rig.storage(), next = rig.storage(), kept = rig.storage(), spoiled = rig.storage(),
                   good = rig.storage();
  bool skipped_ran = false;
  rig.push("fill", {operand(kept, Access::Write), operand(spoiled, Access::Write), operand(good, Access::Write)}, fine);
  rig.push("bad", {operand(good, Access::Read), operand(bad, Access::Write), operand(spoiled, Access::Update)}, broken);
  rig.push("next", {operand(bad, Access::Read), operand(next, Access::Write), operand(kept, Access::Update)},
           [&](const std::vector<Operand>&) {
             skipped_ran = true;
             return Status::ok();
           });
  rig.push("later", {operand(good, Access::Read)}, broken);
  FaultPtr told;
  auto reader = std::make_unique<Task>("read", std::vector<Operand>{operand(next, Access::Read)}, fine);
  reader->on_skip = [&](const FaultPtr& fault) { told = fault; };
  rig.executor.push(std::move(reader));
  rig.drain([&] {
    require(!skipped_ran, "a command with a poisoned operand does not run");
    require(bad->fault() && next->fault() == bad->fault(), "what it would have written carries the first fault");
    require(spoiled->fault() == bad->fault(), "the in-place target of a command that fails is spoiled");
    require(!kept->fault() && !good->fault(),
            "the in-place target of a skipped command and the operands stay as they were");
    require(told && told == bad->fault(), "a skipped command learns why");
    const FaultPtr first = rig.executor.take_unreported_fault();
    require(
        first && first->op == "bad" && first->kind == StatusKind::OutOfRange && first->message.sentence() == "value 7",
        "the first fault is reported, with op and message");
    require(rig.executor.take_unreported_fault() == nullptr, "once");
  });
}

void exceptions_become_faults() {
  Rig rig;
  const StoragePtr a = rig.storage(), b = rig.storage(), c = rig.storage();
  rig.push("throws", {operand(a, Access::Write)},
           [](const std::vector<Operand>&) -> Status { throw std::runtime_error("mine"); });
  rig.push("starves", {operand(b, Access::Write)},
           [](const std::vector<Operand>&) -> Status { throw std::bad_alloc(); });
  rig.drain();
  rig.backend.refusals = 2;  // the second try comes after the cache was emptied
  rig.push("refused", {operand(c, Access::Write)}, fine);
  rig.drain([&] {
    require(a->fault() && a->fault()->kind == StatusKind::Internal && a->fault()->message.sentence() == "mine",
            "an exception is a fault");
    require(b->fault() && b->fault()->kind == StatusKind::OutOfMemory, "no memory on the host is a fault");
    require(c->fault() && c->fault()->kind == StatusKind::OutOfMemory && c->fault()->op == "refused",
            "no memory on the device is a fault");
    require(rig.executor.take_unreported_fault() == a->fault(), "the first of three is the one to report");
    require(rig.executor.take_unreported_fault() == nullptr, "the others travel with their storages");
  });
}

void stopping_drops_what_waits() {
  CountingBackend backend;
  std::atomic<int> destroyed{0}, ran{0};
  {
    const auto allocator = std::make_shared<Allocator>(stm::testing::borrowed(backend));
    Executor executor(backend);
    std::promise<void> started;
    std::atomic<bool> stopping{false};
    const auto counted = [&](Work work) {
      auto task = std::make_unique<Task>(
          "work", std::vector<Operand>{operand(std::make_shared<Storage>(allocator, 4096), Access::Write)},
          std::move(work));
      task->destroyed = &destroyed;
      executor.push(std::move(task));
    };
    counted([&](const std::vector<Operand>&) {
      started.set_value();
      while (!stopping) std::this_thread::yield();
      ++ran;
      return Status::ok();
    });
    for (int i = 0; i < 100; ++i)
      counted([&](const std::vector<Operand>&) {
        ++ran;
        return Status::ok();
      });
    started.get_future().wait();
    std::thread releaser([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      stopping = true;
    });
    executor.stop();
    releaser.join();
    require_equal(ran.load(), 1, "the running command ends, the others never run");
    require_equal(destroyed.load(), 101, "all are destroyed");
    executor.stop();
    counted([&](const std::vector<Operand>&) {
      ++ran;
      return Status::ok();
    });
    require_equal(ran.load(), 1, "after stop nothing runs");
    require_equal(destroyed.load(), 102, "and what is pushed is destroyed");
    require_equal(allocator->used_bytes(), 0, "no storage is left");
  }
  require_equal(backend.live.load(), 0, "no block of the device is left");
}

void stopping_frees_a_waiting_producer() {
  Rig rig;
  rig.executor.set_limits({4, size_t{1} << 30});
  std::atomic<bool> ended{false}, waits{false};
  std::thread producer([&] {
    for (int i = 0; i < 12; ++i) {
      waits = i >= 4;  // from here on a push may wait, at the next one for certain
      rig.push([&](const std::vector<Operand>&) {
        while (!ended) std::this_thread::yield();
        return Status::ok();
      });
    }
  });
  while (!waits) std::this_thread::yield();
  std::thread ender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ended = true;
  });
  rig.executor.stop();
  producer.join();
  ender.join();
  require_equal(rig.executor.stats().commands, 0, "commands left after stop");
}

void stopping_ends_the_running_command() {
  Rig rig;
  std::atomic<bool> runs{false};
  std::atomic<int> later{0};
  rig.push([&](const std::vector<Operand>&) {
    runs = true;
    while (!stm::stop_requested()) std::this_thread::yield();
    return Status::ok();
  });
  rig.push([&](const std::vector<Operand>&) {
    ++later;
    return Status::ok();
  });
  while (!runs) std::this_thread::yield();
  rig.executor.stop();
  require_equal(later.load(), 0, "commands that began after the stop");
}

void a_wait_for_room_is_given_up() {
  Rig rig;
  rig.executor.set_limits({1, size_t{1} << 30});
  std::atomic<bool> runs{false}, ended{false};
  std::atomic<int> destroyed{0}, asked{0};
  const auto task = [&] {
    auto task = std::make_unique<Task>("work", std::vector<Operand>{}, [&](const std::vector<Operand>&) {
      runs = true;
      while (!ended) std::this_thread::yield();
      return Status::ok();
    });
    task->destroyed = &destroyed;
    return task;
  };
  const auto ask = [&] { return ++asked < 2; };
  rig.executor.push(task(), ask);
  while (!runs) std::this_thread::yield();
  for (int i = 0; i < 2; ++i) rig.executor.push(task(), ask);  // one waits, one finds no room
  require_equal(asked.load(), 2, "questions whether the command is still wanted");
  require_equal(destroyed.load(), 1, "commands that were dropped");
  ended = true;
}

/// For about as long as a thread without commands stays awake: sometimes less, sometimes more.
void linger(int round) {
  const auto end = std::chrono::steady_clock::now() + stm::spin_time() * (round % 5) / 2;
  while (std::chrono::steady_clock::now() < end) stm::pause_briefly();
}

/// Each finds the thread awake, asleep or on its way there.
void commands_come_one_at_a_time() {
  Rig rig;
  for (int round = 0; round < 2'000; ++round) {
    std::atomic<int> ran{0};
    linger(round);
    for (int i = 0; i <= round % 3; ++i)
      rig.push([&](const std::vector<Operand>&) {
        ++ran;
        return Status::ok();
      });
    rig.drain();
    require_equal(ran.load(), round % 3 + 1, "commands of a round that ran");
  }
  require_equal(rig.executor.stats().commands, 0, "commands left");
}

void an_idle_thread_stops() {
  for (int round = 0; round < 200; ++round) {
    Rig rig;
    if (round % 2) rig.drain();
    linger(round);
    rig.executor.stop();
  }
}

/// Two devices, each with a producer that computes sums through storages and lets go of them while the commands run.
void producers_let_go_while_commands_run() {
  const auto produce = [] {
    Rig rig;
    constexpr int kSteps = 5'000;
    rig.executor.set_limits({64, size_t{1} << 30});
    StoragePtr sum = rig.storage(sizeof(double) * 100);
    rig.push("zero", {operand(sum, Access::Write)}, [](const std::vector<Operand>& o) {
      *static_cast<double*>(o[0].view.data) = 0;
      return Status::ok();
    });
    for (int i = 0; i < kSteps; ++i) {
      StoragePtr next = rig.storage(sizeof(double) * 100);
      rig.push("add", {operand(sum, Access::Read), operand(next, Access::Write)}, [](const std::vector<Operand>& o) {
        *static_cast<double*>(o[1].view.data) = *static_cast<const double*>(o[0].view.data) + 1;
        return Status::ok();
      });
      sum = next;  // the command alone holds the earlier one now
      if (i % 500 == 0) rig.drain();
    }
    double total = 0;
    rig.push("read", {operand(sum, Access::Read)}, [&](const std::vector<Operand>& o) {
      total = *static_cast<const double*>(o[0].view.data);
      return Status::ok();
    });
    rig.drain();
    require_equal(total, kSteps, "a sum of ones");
    sum.reset();
    require_equal(rig.allocator->used_bytes(), 0, "used bytes at the end");
    require(rig.backend.allocations < 200, "blocks were used again: " + std::to_string(rig.backend.allocations));
  };
  std::thread other(produce);
  produce();
  other.join();
}

}  // namespace

int main() {
  commands_run_in_order();
  a_full_queue_holds_the_producer();
  host_bytes_fill_the_queue_too();
  faults_spread_and_are_reported_once();
  exceptions_become_faults();
  stopping_drops_what_waits();
  stopping_frees_a_waiting_producer();
  stopping_ends_the_running_command();
  a_wait_for_room_is_given_up();
  commands_come_one_at_a_time();
  an_idle_thread_stops();
  producers_let_go_while_commands_run();
  return stm::testing::finish("executor_test");
}
