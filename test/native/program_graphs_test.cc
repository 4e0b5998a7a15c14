// Recorded commands on a device that captures them as graphs: when it does, and what becomes of captures and launches
// that fail.
#include <memory>
#include <string>
#include <vector>

#include "recorded_program.h"

namespace stm::testing {
namespace {

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
  require_equal(rig.value_of(out), 2, "one run, and one that was captured");
  require_equal(rig.backend.begun.load(), 1, "captures");
  require_equal(rig.backend.launched.load(), 4, "launches");
  struct Fail final : Command {
    explicit Fail(const StoragePtr& in) : Command("fail", {operand(in, Access::Write)}) {}
    Status run(Backend&) override { return Status::fail(StatusKind::Internal, "asked to"); }
  };
  rig.device->executor.push(std::make_unique<Fail>(in));
  rig.replay();
  FaultPtr fault;
  (void)rig.value_of(out, &fault);
  require(fault && fault->op == "fail" && rig.backend.launched == 4 && runs == 2,
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
  require(!fault && rig.backend.launched == 5, "afterwards the graph runs again");
  rig.program.reset();
  (void)rig.value_of(out);
  require_equal(rig.backend.graphs.load(), 0, "graphs that live on");
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
      require_equal(rig.value_of(counter.out, &fault), 6, name + ": the first replay");
      require_text(rig.program->fallback(), "", name + ": no reason before a graph is tried");
      rig.backend.failing = call;
      counter.fails = std::string(call) == "command";
      for (int i = 0; i < failing; ++i) {
        rig.replay();
        require_equal(rig.value_of(counter.out, &fault), 7 + i, name + ": result of each replay");
        require(!fault, name + ": nothing is poisoned");
        const std::string reason =
            counter.fails ? "work: not this" : "compile: " + std::string(call) + " was told to fail";
        require_text(rig.program->fallback(), reason, name + ": the reason");
      }
      require_equal(rig.value_of(counter.target, &fault), 6 + failing, name + ": what is changed in place");
      require_equal(rig.backend.launched.load(), 0, name + ": launches");
      require_equal(rig.backend.graphs.load(), 0, name + ": graphs that live on");
      rig.backend.failing = "";
      counter.fails = false;
      for (int i = 0; i < 2; ++i) rig.replay();
      (void)rig.value_of(counter.out, &fault);
      const bool again = failing < 3;
      require_equal(rig.backend.begun.load(), again ? failing + 1 : 3, name + ": captures");
      require_equal(rig.backend.launched.load(), again ? 2 : 0, name + ": launches afterwards");
      require(rig.program->fallback().empty() == again, name + ": the reason afterwards");
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
  require(fault && fault->op == "work" && fault->message.sentence() == "not this",
          "the results carry the command's fault");
  require(fault == spoiled, "and what it changes in place, since it had begun");
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
    require_equal(rig.value_of(counter.out, &fault), 8, name + ": results without a graph");
    require(!fault, name + ": nothing is poisoned");
    require_text(rig.program->fallback(), "compile: " + name + " was told to fail", name + ": the reason");
    rig.backend.failing = "";
    rig.replay();
    (void)rig.value_of(counter.out, &fault);
    require(!fault && rig.backend.launched == 1, name + ": the next replay is a graph");
    require_text(rig.program->fallback(), "", name + ": and has no reason");
    rig.program.reset();
    (void)rig.value_of(counter.out);
    require_equal(rig.backend.graphs.load(), 0, name + ": graphs that live on");
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
  require(fault && fault->op == "work", "results that there is no memory for are poisoned");
  (void)rig.value_of(counter.target, &fault);
  require(!fault, "what the command would have changed is not");
  for (int i = 0; i < 2; ++i) rig.replay();
  (void)rig.value_of(counter.out, &fault);
  require(!fault && rig.backend.launched == 1, "the replays after it");
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
    require(fault && fault->op == "compile" && fault == spoiled, name + ": results and targets are poisoned");
    require_equal(rig.backend.graphs.load(), kind == StatusKind::DeviceLost ? 1 : 0, name + ": graphs");
    if (kind == StatusKind::DeviceLost) continue;
    require_text(rig.program->fallback(), "compile: launch was told to fail", name + ": the reason");
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
    require(!fault, name + ": the replay after it");
    const bool again = kind == StatusKind::OutOfMemory;
    require_equal(rig.backend.launched.load(), again ? 2 : 1, name + ": launches, again where memory was short");
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
  require(fault && fault->op == "compile" && fault->kind == StatusKind::DeviceLost, "the results say that it is lost");
  require_equal(rig.value_of(counter.target, &fault), 6, "what is changed in place");
  require(!fault, "is as it was");
}

void a_device_says_why_it_has_no_graphs() {
  for (const char* why : {"asked not to", static_cast<const char*>(nullptr)}) {
    Rig rig;
    rig.backend.why_not = why;
    Counter counter(rig);
    for (int i = 0; i < 3; ++i) rig.replay();
    require_equal(rig.value_of(counter.out), 8, "results without graphs");
    require_text(rig.program->fallback(), why ? why : "", "the reason");
    require_equal(rig.backend.begun.load(), 0, "captures");
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
  require_equal(rig.value_of(out), 1, "result of the replay that was captured");
  require_equal(rig.backend.graphs.load(), 1, "graphs");
  require_equal(rig.backend.refusals.load(), 0, "the arena was refused twice");
  for (int i = 0; i < 2; ++i) rig.replay();
  (void)rig.value_of(out);
  require(inner->data() == captured.at(4),
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
  require(fault != nullptr, "the first replay is skipped");
  rig.device->executor.push(std::make_unique<Task>(
      "heal", std::vector<Operand>{},
      [&](const std::vector<Operand>&) {
        in->heal();
        return Status::ok();
      },
      false));
  rig.replay();
  require_equal(rig.value_of(out, &fault), 2, "result of the second");
  require(!fault && rig.backend.begun == 0, "which runs the commands one by one, as the first would have");
  rig.replay();
  (void)rig.value_of(out);
  require_equal(rig.backend.begun.load(), 1, "captures of the third");
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
  require_equal(rig.backend.graphs.load(), 0, "graphs after the device");
}

}  // namespace
}  // namespace stm::testing

int main() {
  using namespace stm::testing;
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
  return finish("program_graphs_test");
}
