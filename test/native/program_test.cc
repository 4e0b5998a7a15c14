// Recorded commands: replays, what they share, faults and their ends, and commands that are kept.
#include <memory>
#include <string>
#include <vector>

#include "recorded_program.h"

namespace stm::testing {
namespace {

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
  require_equal(rig.value_of(out), 1000 + kLinks, "result of three replays");
  require_equal(rig.value_of(total), 100 + 3 * (1000 + kLinks), "what three replays have added up");
  require_equal(out->version() - before_out, 3, "versions of a result");
  require_equal(total->version() - before_total, 3, "versions of what is changed in place");
  rig.set(in, 5);
  rig.replay();
  require_equal(rig.value_of(out), 5000 + kLinks, "result of another input");
  require(rig.device->allocator->used_bytes() <= 6 * 1024,
          "blocks: in, out, total and an arena of three: " + std::to_string(rig.device->allocator->used_bytes()));
  rig.program.reset();
  (void)rig.value_of(in);
  require_equal(rig.device->allocator->used_bytes(), 3 * 1024, "bytes without the program");
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
  require_equal(rig.value_of(out, &fault), 2, "result before the fault");
  require(!fault, "no fault before the fault");
  fails = true;
  rig.replay();
  (void)rig.value_of(out, &fault);
  require(fault && fault->op == "shaky" && fault->message.sentence() == "value 7",
          "results carry the fault of the command");
  require_equal(rig.value_of(changed, &fault), 12, "what is changed in place by a skipped command");
  require(!fault, "is not poisoned");
  fails = false;
  rig.replay();
  require_equal(rig.value_of(out, &fault), 2, "result after the fault");
  require(!fault, "no fault after the fault");
  require_equal(rig.value_of(changed), 14, "steps that were made");
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
    require_equal(rig.value_of(out), 30 + 5 + i, "result with kept weights");
  }
  require_equal(runs, 1, "packs of weights that stay");
  rig.set(weights, 5);
  for (int i = 0; i < 2; ++i) rig.replay();
  require_equal(rig.value_of(out), 50 + 5 + 4, "result with other weights");
  require_equal(runs, 2, "packs after a change");
  fails = true;
  rig.set(weights, 6);
  rig.replay();
  FaultPtr fault;
  (void)rig.value_of(out, &fault);
  require(fault && fault->op == "pack", "a pack that fails poisons the results");
  fails = false;
  rig.replay();
  require_equal(rig.value_of(out, &fault), 60 + 5 + 6, "result after it");
  require(!fault && runs == 4, "it was tried again");
}

}  // namespace
}  // namespace stm::testing

int main() {
  using namespace stm::testing;
  replays_share_memory();
  faults_end_with_their_replay();
  kept_commands_run_when_needed();
  return finish("program_test");
}
