// Steps that run again without JavaScript: what compile() is made of.
#include "core/recording.h"

#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {
namespace {

std::vector<Tensor> begin_recording(const std::vector<Tensor>& arguments) {
  Session& session = Session::current();
  STM_CHECK(!session.recorder, Kind::Recording, "compile", "a recording inside a recording", "one at a time",
            "report this as a fault of stmnet");
  std::vector<Tensor> own;
  for (const Tensor& x : arguments) own.push_back(empty_like(x));
  session.recorder = std::make_unique<Recording>(own);
  return own;
}

bool pause_recording(bool on) { return std::exchange(Session::current().recording_paused, on); }

void abandon_recording() {
  Session& session = Session::current();
  session.recording_paused = false;
  if (const std::unique_ptr<Recording> recording = std::move(session.recorder)) recording->abandon();
}

int64_t end_recording(const std::vector<Tensor>& results) {
  Session& session = Session::current();
  std::unique_ptr<Recording> recording = std::move(session.recorder);
  recording->finish(results);
  session.recordings.emplace(session.next_recording, std::move(recording));
  return session.next_recording++;
}

Recording& recording_of(int64_t number) {
  auto& recordings = Session::current().recordings;
  const auto found = recordings.find(number);
  STM_CHECK(found != recordings.end(), Kind::Disposed, "compile",
            fmt::format("the recording {}, which was dropped", number), "one that is kept",
            "report this as a fault of stmnet");
  return *found->second;
}

bool recording_fits(int64_t number) { return recording_of(number).fits(); }
std::string recording_fallback(int64_t number) { return recording_of(number).fallback(); }
void drop_recording(int64_t number) { Session::current().recordings.erase(number); }

/// Queues `write(Backend&, operands)`, which gives a tensor that was there before new elements.
template <class Write>
void enqueue_rewrite(const std::vector<Tensor>& in, const Tensor& out, Write write, size_t host_bytes = 0) {
  struct RewriteCommand final : Command {
    RewriteCommand(std::vector<Operand> operands, Write write, size_t host_bytes)
        : Command("compile", std::move(operands), host_bytes), write(std::move(write)) {}
    Status prepare(Backend&) override {
      operands.back().storage->heal();
      return Status::ok();
    }
    Status run(Backend& backend) override { return write(backend, operands); }
    Write write;
  };
  out->storage->changed_by("compile");
  Device* device = nullptr;
  std::vector<Operand> operands = operands_of("compile", in, {out}, Access::Write, &device);
  device->push(std::make_unique<RewriteCommand>(std::move(operands), std::move(write), host_bytes));
}

void copy_into(const Tensor& target, const Tensor& source) {
  if (target.size() == 0 || target->storage == source->storage) return;
  enqueue_rewrite({source}, target,
                  [](Backend& b, const std::vector<Operand>& o) { return b.elementwise().copy(o[0].view, o[1].view); });
}

void set_random_base(const Recording& recording) {
  if (!recording.random_base()) return;
  const Generator::Ticket ticket =
      Session::current().generator.take(static_cast<int64_t>(recording.random_blocks()) * 4);
  enqueue_rewrite(
      {}, recording.random_base(),
      [place = std::array{ticket.seed, ticket.offset}](Backend& b, const std::vector<Operand>& o) {
        return b.upload(o[0].view.data, place.data(), sizeof place);
      },
      sizeof(Generator::Ticket));
}

std::vector<Tensor> replay(int64_t number, const std::vector<Tensor>& arguments) {
  Recording& recording = recording_of(number);
  STM_CHECK(recording.fits(), Kind::Recording, "compile", "a recording of other leaves or gradients", "one that fits",
            "report this as a fault of stmnet");
  Session::current().compute_dry_run();
  const Session::NoGrad no_grad;
  for (size_t i = 0; i < arguments.size(); ++i) copy_into(recording.arguments().at(i), arguments[i]);
  for (const Recording::LeafGradient& gradient : recording.gradients())
    if (gradient.entry) copy_into(gradient.entry, gradient.leaf->grad);
  set_random_base(recording);
  if (Program* program = recording.program()) {
    program->refresh();
    program->replay();
  }
  for (const Recording::LeafGradient& gradient : recording.gradients()) gradient.leaf->grad = gradient.after;
  std::vector<Tensor> results;
  for (const Tensor& result : recording.results()) results.push_back(clone(result));
  return results;
}

}  // namespace

void declare_recording(OpTable& table) {
  table.add("beginRecording", &begin_recording, {"tensors"},
            "Collects the ops that follow, without running them. Returns what stands for the tensors, its arguments.");
  table.add("pauseRecording", &pause_recording, {"on"},
            "Whether ops run at once although a recording is open. Returns what it was before.");
  table.add("abandonRecording", &abandon_recording, "Ends the recording and forgets it.");
  table.add("endRecording", &end_recording, {"results"}, "Ends the recording. Returns its number.");
  table.add("recordingFits", &recording_fits, {"recording"},
            "Whether leaves want gradients, have them, and lie as when it was recorded.");
  table.add(
      "recordingFallback", &recording_fallback, {"recording"},
      "Why its last replay ran its ops one by one on a device that could run them as a graph; empty if it did not.");
  table.add("dropRecording", &drop_recording, {"recording"}, "Gives up a recording and its memory.");
  table.add("replay", &replay, {"recording", "tensors"},
            "Runs the recorded ops on other arguments. Returns copies of the results.");
}

}  // namespace stm::ops
