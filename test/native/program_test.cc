// Recorded commands: replays, what they share, faults and their ends, commands that are kept, and graphs.
#include <functional>
#include <future>
#include <memory>
#include <vector>

#include "core/program.h"
#include "counting_backend.h"

namespace {

using stm::Access;
using stm::Command;
using stm::Device;
using stm::FaultPtr;
using stm::Operand;
using stm::Program;
using stm::Status;
using stm::StatusKind;
using stm::Storage;
using stm::testing::CountingBackend;
using stm::testing::expect;
using stm::testing::expect_equal;
using stm::testing::expect_text;

using Work = std::function<Status(const std::vector<Operand>&)>;
using StoragePtr = std::shared_ptr<Storage>;

class Task final : public Command {
 public:
  Task(const char* op, std::vector<Operand> operands, Work work, bool kept)
      : Command(op, std::move(operands)), work_(std::move(work)), kept_(kept) {}
  Status run(stm::Backend&) override { return work_(operands); }
  bool worth_keeping() const override { return kept_; }

 private:
  Work work_;
  bool kept_;
};

Operand operand(const StoragePtr& storage, Access access) {
  Operand result;
  result.storage = storage;
  result.access = access;
  return result;
}

int& number(const Operand& operand) { return *static_cast<int*>(operand.view.data); }

/// A device and a program for it.
struct Rig {
  CountingBackend backend;
  std::unique_ptr<Device> device = std::make_unique<Device>("test", stm::testing::borrowed(backend));
  std::shared_ptr<Program> program = std::make_shared<Program>(*device);

  StoragePtr storage(size_t bytes = 1000) { return std::make_shared<Storage>(device->allocator, bytes); }

  /// out = in + by.
  void add(const StoragePtr& in, const StoragePtr& out, int by, bool kept = false) {
    append(
        "add", {operand(in, Access::Read), operand(out, Access::Write)},
        [by](const std::vector<Operand>& o) {
          number(o[1]) = number(o[0]) + by;
          return Status::ok();
        },
        kept);
  }
  void append(const char* op, std::vector<Operand> operands, Work work, bool kept = false) {
    program->append(std::make_unique<Task>(op, std::move(operands), std::move(work), kept));
  }

  /// A storage that holds `value`, made outside of the program.
  StoragePtr given(int value) {
    const StoragePtr made = storage();
    set(made, value);
    return made;
  }
  void set(const StoragePtr& target, int value) {
    target->changed_by("set");
    device->executor.push(std::make_unique<Task>(
        "set", std::vector<Operand>{operand(target, Access::Write)},
        [value](const std::vector<Operand>& o) {
          number(o[0]) = value;
          return Status::ok();
        },
        false));
  }

  void replay() {
    program->refresh();
    program->replay();
  }
  /// What a storage holds once everything has run; `fault` gets what poisons it.
  int value_of(const StoragePtr& storage, FaultPtr* fault = nullptr) {
    const auto value = std::make_shared<std::promise<int>>();
    device->executor.push(std::make_unique<Task>(
        "read", std::vector<Operand>{},
        [&, value](const std::vector<Operand>&) {
          if (fault) *fault = storage->fault();
          (void)device->executor.take_unreported_fault();
          value->set_value(storage->data() ? *static_cast<int*>(storage->data()) : -1);
          return Status::ok();
        },
        false));
    return value->get_future().get();
  }
};

void replays_share_memory() {
  Rig rig;
  constexpr int kLinks = 50;
  const StoragePtr in = rig.given(1), out = rig.storage(), total = rig.given(100);
  StoragePtr first = rig.storage(), last = first;
  rig.add(in, first, 0);
  for (int i = 0; i < kLinks; ++i) {
    const StoragePtr next = rig.storage();
    rig.add(last, next, 1);
    last = next;
  }
  rig.append("difference", {operand(last, Access::Read), operand(first, Access::Read), operand(out, Access::Write)},
             [](const std::vector<Operand>& o) {
               number(o[2]) = 1000 * number(o[1]) + number(o[0]) - number(o[1]);
               return Status::ok();
             });
  first.reset();
  last.reset();
  rig.append("sum", {operand(out, Access::Read), operand(total, Access::Update)}, [](const std::vector<Operand>& o) {
    number(o[1]) += number(o[0]);
    return Status::ok();
  });
  rig.program->seal();
  const uint64_t before_out = out->version(), before_total = total->version();
  for (int i = 0; i < 3; ++i) rig.replay();
  expect_equal(rig.value_of(out), 1000 + kLinks, "result of three replays");
  expect_equal(rig.value_of(total), 100 + 3 * (1000 + kLinks), "what three replays have added up");
  expect_equal(out->version() - before_out, 3, "versions of a result");
  expect_equal(total->version() - before_total, 3, "versions of what is changed in place");
  rig.set(in, 5);
  rig.replay();
  expect_equal(rig.value_of(out), 5000 + kLinks, "result of another input");
  expect(rig.device->allocator->used_bytes() <= 6 * 1024,
         "blocks: in, out, total and an arena of three: " + std::to_string(rig.device->allocator->used_bytes()));
  rig.program.reset();
  (void)rig.value_of(in);
  expect_equal(rig.device->allocator->used_bytes(), 3 * 1024, "bytes without the program");
}

void faults_end_with_their_replay() {
  Rig rig;
  bool fails = false;  // the executor's while replays are queued
  const StoragePtr in = rig.given(1), half = rig.storage(), out = rig.storage(), changed = rig.given(10),
                   spoiled = rig.given(20);
  rig.append("shaky", {operand(in, Access::Read), operand(half, Access::Write)}, [&](const std::vector<Operand>& o) {
    number(o[1]) = number(o[0]);
    return fails ? Status::fail(StatusKind::OutOfRange, "value 7") : Status::ok();
  });
  rig.add(half, out, 1);
  rig.append("step", {operand(out, Access::Read), operand(changed, Access::Update)}, [](const std::vector<Operand>& o) {
    number(o[1]) += number(o[0]);
    return Status::ok();
  });
  rig.program->seal();
  FaultPtr fault;
  rig.replay();
  expect_equal(rig.value_of(out, &fault), 2, "result before the fault");
  expect(!fault, "no fault before the fault");
  fails = true;
  rig.replay();
  (void)rig.value_of(out, &fault);
  expect(fault && fault->op == "shaky" && fault->message == "value 7", "results carry the fault of the command");
  expect_equal(rig.value_of(changed, &fault), 12, "what is changed in place by a skipped command");
  expect(!fault, "is not poisoned");
  fails = false;
  rig.replay();
  expect_equal(rig.value_of(out, &fault), 2, "result after the fault");
  expect(!fault, "no fault after the fault");
  expect_equal(rig.value_of(changed), 14, "steps that were made");
}

void kept_commands_run_when_needed() {
  Rig rig;
  int runs = 0;
  bool fails = false;
  const StoragePtr weights = rig.given(3), written = rig.given(4), packed = rig.storage(), other = rig.storage(),
                   out = rig.storage();
  rig.append(
      "pack", {operand(weights, Access::Read), operand(packed, Access::Write)},
      [&](const std::vector<Operand>& o) {
        ++runs;
        number(o[1]) = 10 * number(o[0]);
        return fails ? Status::fail(StatusKind::Internal, "not now") : Status::ok();
      },
      true);
  rig.append("bump", {operand(written, Access::Update)}, [](const std::vector<Operand>& o) {
    ++number(o[0]);
    return Status::ok();
  });
  rig.add(written, other, 0, true);  // of what the program changes before: must run in its place
  rig.append("use", {operand(packed, Access::Read), operand(other, Access::Read), operand(out, Access::Write)},
             [](const std::vector<Operand>& o) {
               number(o[2]) = number(o[0]) + number(o[1]);
               return Status::ok();
             });
  rig.program->seal();
  for (int i = 0; i < 3; ++i) {
    rig.replay();
    expect_equal(rig.value_of(out), 30 + 5 + i, "result with kept weights");
  }
  expect_equal(runs, 1, "packs of weights that stay");
  rig.set(weights, 5);
  for (int i = 0; i < 2; ++i) rig.replay();
  expect_equal(rig.value_of(out), 50 + 5 + 4, "result with other weights");
  expect_equal(runs, 2, "packs after a change");
  fails = true;
  rig.set(weights, 6);
  rig.replay();
  FaultPtr fault;
  (void)rig.value_of(out, &fault);
  expect(fault && fault->op == "pack", "a pack that fails poisons the results");
  fails = false;
  rig.replay();
  expect_equal(rig.value_of(out, &fault), 60 + 5 + 6, "result after it");
  expect(!fault && runs == 4, "it was tried again");
}

void graphs_are_captured_once() {
  Rig rig;
  rig.backend.captures_graphs = true;
  int runs = 0;
  const StoragePtr in = rig.given(1), out = rig.storage();
  rig.append("count", {operand(in, Access::Read), operand(out, Access::Write)}, [&](const std::vector<Operand>& o) {
    number(o[1]) = ++runs;
    return Status::ok();
  });
  rig.program->seal();
  for (int i = 0; i < 5; ++i) rig.replay();
  expect_equal(rig.value_of(out), 2, "one run, and one that was captured");
  expect_equal(rig.backend.begun.load(), 1, "captures");
  expect_equal(rig.backend.launched.load(), 4, "launches");
  struct Fail final : Command {
    explicit Fail(const StoragePtr& in) : Command("fail", {operand(in, Access::Write)}) {}
    Status run(stm::Backend&) override { return Status::fail(StatusKind::Internal, "asked to"); }
  };
  rig.device->executor.push(std::make_unique<Fail>(in));
  rig.replay();
  FaultPtr fault;
  (void)rig.value_of(out, &fault);
  expect(fault && fault->op == "fail" && rig.backend.launched == 4 && runs == 2,
         "with a poisoned input the commands are skipped one by one, and no graph runs");
  rig.device->executor.push(std::make_unique<Task>(
      "heal", std::vector<Operand>{},
      [&](const std::vector<Operand>&) {
        in->heal();
        return Status::ok();
      },
      false));
  rig.replay();
  (void)rig.value_of(out, &fault);
  expect(!fault && rig.backend.launched == 5, "afterwards the graph runs again");
  rig.program.reset();
  (void)rig.value_of(out);
  expect_equal(rig.backend.graphs.load(), 0, "graphs that live on");
}

/// A step that counts in place, as an optimizer does, and gives what it has counted.
struct Counter {
  explicit Counter(Rig& rig) : in(rig.given(1)), out(rig.storage()), target(rig.given(5)) {
    rig.append("work", {operand(in, Access::Read), operand(out, Access::Write), operand(target, Access::Update)},
               [this, &rig](const std::vector<Operand>& o) {
                 const bool captured = rig.backend.capturing;
                 if (fails && (captured || !fails_in_graphs_only))
                   return Status::fail(StatusKind::Unsupported, "not this");
                 if (captured) return Status::ok();
                 number(o[1]) = number(o[2]) += number(o[0]);
                 return Status::ok();
               });
    rig.program->seal();
  }
  bool fails = false, fails_in_graphs_only = true;  // the executor's while replays are queued
  const StoragePtr in, out, target;
};

/// A capture that fails has run nothing: the same replay runs the commands one by one. It is tried again twice, for
/// another thread may have spoiled it.
void a_failed_capture_is_survived() {
  for (const char* call : {"begin", "command", "end"}) {
    for (const int failing : {1, 2, 3}) {
      Rig rig;
      rig.backend.captures_graphs = true;
      Counter counter(rig);
      const std::string name = call + (", " + std::to_string(failing) + " times");
      FaultPtr fault;
      rig.replay();
      expect_equal(rig.value_of(counter.out, &fault), 6, name + ": the first replay");
      expect_text(rig.program->fallback(), "", name + ": no reason before a graph is tried");
      rig.backend.failing = call;
      counter.fails = std::string(call) == "command";
      for (int i = 0; i < failing; ++i) {
        rig.replay();
        expect_equal(rig.value_of(counter.out, &fault), 7 + i, name + ": result of each replay");
        expect(!fault, name + ": nothing is poisoned");
        const std::string reason =
            counter.fails ? "work: not this" : "compile: " + std::string(call) + " was told to fail";
        expect_text(rig.program->fallback(), reason, name + ": the reason");
      }
      expect_equal(rig.value_of(counter.target, &fault), 6 + failing, name + ": what is changed in place");
      expect_equal(rig.backend.launched.load(), 0, name + ": launches");
      expect_equal(rig.backend.graphs.load(), 0, name + ": graphs that live on");
      rig.backend.failing = "";
      counter.fails = false;
      for (int i = 0; i < 2; ++i) rig.replay();
      (void)rig.value_of(counter.out, &fault);
      const bool again = failing < 3;
      expect_equal(rig.backend.begun.load(), again ? failing + 1 : 3, name + ": captures");
      expect_equal(rig.backend.launched.load(), again ? 2 : 0, name + ": launches afterwards");
      expect(rig.program->fallback().empty() == again, name + ": the reason afterwards");
    }
  }
}

/// What is wrong with a command itself is told as it is without graphs.
void a_command_that_fails_anywhere() {
  Rig rig;
  rig.backend.captures_graphs = true;
  Counter counter(rig);
  rig.replay();
  (void)rig.value_of(counter.out);
  counter.fails = true;
  counter.fails_in_graphs_only = false;
  rig.replay();
  FaultPtr fault, spoiled;
  (void)rig.value_of(counter.out, &fault);
  (void)rig.value_of(counter.target, &spoiled);
  expect(fault && fault->op == "work" && fault->message == "not this", "the results carry the command's fault");
  expect(fault == spoiled, "and what it changes in place, since it had begun");
}

/// There may be more memory the next time.
void a_capture_without_memory_is_tried_again() {
  for (const char* call : {"begin", "end"}) {
    Rig rig;
    rig.backend.captures_graphs = true;
    rig.backend.failure = StatusKind::OutOfMemory;
    Counter counter(rig);
    const std::string name = call;
    FaultPtr fault;
    rig.replay();
    (void)rig.value_of(counter.out);
    rig.backend.failing = call;
    for (int i = 0; i < 2; ++i) rig.replay();
    expect_equal(rig.value_of(counter.out, &fault), 8, name + ": results without a graph");
    expect(!fault, name + ": nothing is poisoned");
    expect_text(rig.program->fallback(), "compile: " + name + " was told to fail", name + ": the reason");
    rig.backend.failing = "";
    rig.replay();
    (void)rig.value_of(counter.out, &fault);
    expect(!fault && rig.backend.launched == 1, name + ": the next replay is a graph");
    expect_text(rig.program->fallback(), "", name + ": and has no reason");
    rig.program.reset();
    (void)rig.value_of(counter.out);
    expect_equal(rig.backend.graphs.load(), 0, name + ": graphs that live on");
  }
}

void memory_for_results_is_short() {
  Rig rig;
  rig.backend.captures_graphs = true;
  Counter counter(rig);
  (void)rig.value_of(counter.target);
  rig.backend.refusals = 2;  // the first run, which then fails as a command does
  rig.replay();
  FaultPtr fault;
  (void)rig.value_of(counter.out, &fault);
  expect(fault && fault->op == "work", "results that there is no memory for are poisoned");
  (void)rig.value_of(counter.target, &fault);
  expect(!fault, "what the command would have changed is not");
  for (int i = 0; i < 2; ++i) rig.replay();
  (void)rig.value_of(counter.out, &fault);
  expect(!fault && rig.backend.launched == 1, "the replays after it");
}

/// How far a launch that fails has come nobody knows.
void a_failed_launch_poisons() {
  for (const StatusKind kind : {StatusKind::Internal, StatusKind::OutOfMemory, StatusKind::DeviceLost}) {
    Rig rig;
    rig.backend.captures_graphs = true;
    rig.backend.failure = kind;
    Counter counter(rig);
    rig.replay();
    (void)rig.value_of(counter.out);
    rig.backend.failing = "launch";
    rig.replay();
    FaultPtr fault, spoiled;
    (void)rig.value_of(counter.out, &fault);
    (void)rig.value_of(counter.target, &spoiled);
    const std::string name = "launch, kind " + std::to_string(static_cast<int>(kind));
    expect(fault && fault->op == "compile" && fault == spoiled, name + ": results and targets are poisoned");
    expect_equal(rig.backend.graphs.load(), kind == StatusKind::DeviceLost ? 1 : 0, name + ": graphs");
    if (kind == StatusKind::DeviceLost) continue;
    expect_text(rig.program->fallback(), "compile: launch was told to fail", name + ": the reason");
    rig.backend.failing = "";
    rig.set(counter.target, 20);
    rig.device->executor.push(std::make_unique<Task>(
        "heal", std::vector<Operand>{},
        [&](const std::vector<Operand>&) {
          counter.target->heal();
          return Status::ok();
        },
        false));
    rig.replay();
    (void)rig.value_of(counter.target, &fault);
    expect(!fault, name + ": the replay after it");
    const bool again = kind == StatusKind::OutOfMemory;
    expect_equal(rig.backend.launched.load(), again ? 2 : 1, name + ": launches, again where memory was short");
  }
}

/// A device that is lost computes nothing one by one either.
void a_lost_device_is_no_fallback() {
  Rig rig;
  rig.backend.captures_graphs = true;
  rig.backend.failure = StatusKind::DeviceLost;
  Counter counter(rig);
  rig.replay();
  (void)rig.value_of(counter.out);
  rig.backend.failing = "end";
  rig.replay();
  FaultPtr fault;
  (void)rig.value_of(counter.out, &fault);
  expect(fault && fault->op == "compile" && fault->kind == StatusKind::DeviceLost, "the results say that it is lost");
  expect_equal(rig.value_of(counter.target, &fault), 6, "what is changed in place");
  expect(!fault, "is as it was");
}

void a_device_says_why_it_has_no_graphs() {
  for (const char* why : {"asked not to", static_cast<const char*>(nullptr)}) {
    Rig rig;
    rig.backend.why_not = why;
    Counter counter(rig);
    for (int i = 0; i < 3; ++i) rig.replay();
    expect_equal(rig.value_of(counter.out), 8, "results without graphs");
    expect_text(rig.program->fallback(), why ? why : "", "the reason");
    expect_equal(rig.backend.begun.load(), 0, "captures");
  }
}

void a_graph_keeps_its_addresses() {
  Rig rig;
  rig.backend.captures_graphs = true;
  constexpr size_t kLarge = size_t{1} << 20;
  std::vector<void*> captured;
  const StoragePtr in = rig.given(1), out = rig.storage();
  StoragePtr a = rig.storage(kLarge), b = rig.storage(kLarge);
  const auto pass = [&](const StoragePtr& from, const StoragePtr& to) {
    rig.append("pass", {operand(from, Access::Read), operand(to, Access::Write)}, [&](const std::vector<Operand>& o) {
      number(o[1]) = number(o[0]);
      captured.push_back(o[1].view.data);
      return Status::ok();
    });
  };
  pass(in, a);
  pass(a, b);
  pass(b, out);
  const Storage* inner = b.get();  // the program keeps it
  a.reset();
  b.reset();
  rig.program->seal();
  (void)rig.value_of(in);
  rig.backend.refusals = 2;  // the arena, which is asked for twice; each takes a block of its own
  rig.replay();
  (void)rig.value_of(out);
  rig.backend.refusals = 2;  // of the second replay, which captures
  rig.replay();
  expect_equal(rig.value_of(out), 1, "result of the replay that was captured");
  expect_equal(rig.backend.graphs.load(), 1, "graphs");
  expect_equal(rig.backend.refusals.load(), 0, "the arena was refused twice");
  for (int i = 0; i < 2; ++i) rig.replay();
  (void)rig.value_of(out);
  expect(inner->data() == captured.at(4),
         "what the graph writes stays where it was captured, although there would be an arena now");
}

void a_skipped_run_is_none() {
  Rig rig;
  rig.backend.captures_graphs = true;
  const StoragePtr in = rig.given(1), out = rig.storage();
  rig.add(in, out, 1);
  rig.program->seal();
  rig.device->executor.push(std::make_unique<Task>(
      "fail", std::vector<Operand>{operand(in, Access::Write)},
      [](const std::vector<Operand>&) { return Status::fail(StatusKind::Internal, "asked to"); }, false));
  rig.replay();
  FaultPtr fault;
  (void)rig.value_of(out, &fault);
  expect(fault != nullptr, "the first replay is skipped");
  rig.device->executor.push(std::make_unique<Task>(
      "heal", std::vector<Operand>{},
      [&](const std::vector<Operand>&) {
        in->heal();
        return Status::ok();
      },
      false));
  rig.replay();
  expect_equal(rig.value_of(out, &fault), 2, "result of the second");
  expect(!fault && rig.backend.begun == 0, "which runs the commands one by one, as the first would have");
  rig.replay();
  (void)rig.value_of(out);
  expect_equal(rig.backend.begun.load(), 1, "captures of the third");
}

void memory_is_given_back() {
  Rig rig;
  rig.backend.captures_graphs = true;
  const StoragePtr in = rig.given(1);
  StoragePtr out = rig.storage();
  rig.add(in, out, 1);
  rig.program->seal();
  for (int i = 0; i < 3; ++i) rig.replay();
  rig.device->stop();  // with replays in the queue, perhaps
  rig.program->replay();
  const auto allocator = rig.device->allocator;
  rig.device.reset();  // the program outlives its device
  rig.program.reset();
  expect_equal(rig.backend.graphs.load(), 0, "graphs after the device");
}

}  // namespace

int main() {
  replays_share_memory();
  faults_end_with_their_replay();
  kept_commands_run_when_needed();
  graphs_are_captured_once();
  a_failed_capture_is_survived();
  a_command_that_fails_anywhere();
  a_capture_without_memory_is_tried_again();
  memory_for_results_is_short();
  a_failed_launch_poisons();
  a_lost_device_is_no_fallback();
  a_device_says_why_it_has_no_graphs();
  a_graph_keeps_its_addresses();
  a_skipped_run_is_none();
  memory_is_given_back();
  return stm::testing::verdict("program_test");
}
