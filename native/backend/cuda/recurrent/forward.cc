#include "backend/cuda/recurrent/buffers.h"
#include "backend/cuda/recurrent/mover.h"
#include "backend/cuda/recurrent/run.h"

namespace stm::cuda {
namespace {

class Forward {
 public:
  Forward(Context& context, const Plan& plan, const RecurrentForward& buffers)
      : context_(context),
        plan_(plan),
        p_(plan.problem),
        b_(buffers),
        mover_(context, plan),
        parts_(plan, buffers.workspace),
        kept_(plan, p_.training ? buffers.reserve : nullptr),
        weights_(const_cast<void*>(buffers.packed)) {
    if (!plan.lstm()) b_.c0 = nullptr, b_.cn = nullptr;
  }

  Status run() {
    STM_TRY(prepare());
    size_t number = 0;
    for (const PassPlan& pass : plan_.passes) {
      const void* const weights = plan_.packs() ? weights_.take(pass.network->weight_bytes) : b_.weights;
      for (size_t i = 0; i < pass.calls.size(); ++i)
        STM_TRY(chunk(pass, plan_.arrangement.chunks[i], *pass.calls[i], weights, number++));
    }
    return plan_.has_padding ? mover_.clear_padding(b_.y, p_.K * p_.width()) : Status::ok();
  }

 private:
  size_t bytes(int64_t elements) const { return static_cast<size_t>(elements) * size_of(p_.dtype); }

  Status prepare() {
    const size_t h = bytes(p_.L * p_.K * p_.N * p_.width()), c = bytes(p_.L * p_.K * p_.N * p_.H);
    STM_TRY(mover_.start());
    if (plan_
            // the caller's last states hold those between calls; rows without steps keep their first ones
            .carries_states()) {
      STM_TRY(mover_.copy_or_zero(b_.hn, b_.h0, h));
      if (b_.cn) STM_TRY(mover_.copy_or_zero(b_.cn, b_.c0, c));
    }
    const auto direct = [](bool moved, size_t size) { return moved ? 0 : size; };
    return align(context_, {{&b_.x, direct(plan_.moves_inputs, bytes(p_.N * p_.T * p_.D))},
                            {&b_.h0, direct(plan_.moves_states, h)},
                            {&b_.c0, direct(plan_.moves_states || !plan_.lstm(), c)},
                            {&b_.weights, direct(plan_.packs(), bytes(p_.weight_elements()))}});
  }

  /// What goes into a pass, and what comes out.
  Mover::Part input(const PassPlan& pass) const {
    void* const data = pass.pass.layer == 0 ? const_cast<void*>(b_.x) : layer(pass.pass.layer - 1);
    return {data, pass.input_width, 0, pass.input_width};
  }
  Mover::Part output(const PassPlan& pass) const {
    void* const data = pass.pass.layer + pass.pass.layers == p_.L ? b_.y : layer(pass.pass.layer);
    return {data, p_.K * p_.width(), pass.pass.direction * p_.width(), pass.output_width};
  }
  void* layer(int64_t index) const { return (p_.training ? kept_.layers : parts_.layers)[static_cast<size_t>(index)]; }

  Status chunk(const PassPlan& pass, const Chunk& chunk, const Call& call, const void* weights, size_t number) {
    const ReserveParts::Call kept =
        p_.training ? kept_.calls[number] : ReserveParts::Call{nullptr, parts_.hx, parts_.cx, nullptr, nullptr};
    void *const x = plan_.keeps_blocks ? kept.x : parts_.x, *const y = plan_.keeps_blocks ? kept.y : parts_.y;
    const void *const h = plan_.carries_states() ? b_.hn : b_.h0, *const c = plan_.carries_states() ? b_.cn : b_.c0;
    CallForward f;
    f.x = plan_.moves_inputs ? x : b_.x;
    f.y = plan_.moves_outputs ? y : b_.y;
    f.hx = plan_.state_of_call(h, kept.hx);
    f.cx = plan_.state_of_call(c, kept.cx);
    f.hy = plan_.state_of_call(b_.hn, parts_.hy);
    f.cy = plan_.state_of_call(b_.cn, parts_.cy);
    f.weights = weights;
    f.reserve = kept.cudnn;
    f.workspace = parts_.cudnn;
    STM_TRY(mover_.enter(chunk));
    if (plan_.moves_inputs) STM_TRY(mover_.gather_steps(pass, input(pass), x));
    if (plan_.moves_states && h) STM_TRY(mover_.gather_states(pass, h, p_.width(), kept.hx));
    if (plan_.moves_states && c) STM_TRY(mover_.gather_states(pass, c, p_.H, kept.cx));
    STM_TRY(mover_.convert_in());
    STM_TRY(call.forward(context_, f));
    if (plan_.moves_outputs) STM_TRY(mover_.scatter_steps(pass, y, output(pass), false));
    if (plan_.moves_states) STM_TRY(mover_.scatter_states(pass, parts_.hy, p_.width(), b_.hn));
    if (plan_.moves_states && b_.cn) STM_TRY(mover_.scatter_states(pass, parts_.cy, p_.H, b_.cn));
    return mover_.convert_out();
  }

  Context& context_;
  const Plan& plan_;
  const RecurrentProblem& p_;
  RecurrentForward b_;
  Mover mover_;
  const ForwardParts parts_;
  const ReserveParts kept_;
  DeviceCarver weights_;
};

}  // namespace

Status run_forward(Context& context, const Plan& plan, const RecurrentForward& buffers) {
  return Forward(context, plan, buffers).run();
}

}  // namespace stm::cuda
