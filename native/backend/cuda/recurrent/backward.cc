#include "backend/cuda/recurrent/buffers.h"
#include "backend/cuda/recurrent/mover.h"
#include "backend/cuda/recurrent/run.h"

namespace stm::cuda {
namespace {

class Backward {
 public:
  Backward(Context& context, const Plan& plan, const RecurrentBackward& buffers)
      : context_(context),
        plan_(plan),
        p_(plan.problem),
        b_(buffers),
        mover_(context, plan),
        parts_(plan, buffers.workspace),
        kept_(plan, buffers.reserve) {
    if (!plan.lstm()) b_.c0 = nullptr, b_.dcn = nullptr, b_.dc0 = nullptr;
  }

  Status run() {
    STM_TRY(prepare());
    std::vector<const void*> weights;
    DeviceCarver packed(const_cast<void*>(b_.packed));
    for (const PassPlan& pass : plan_.passes)
      weights.push_back(plan_.packs() ? packed.take(pass.network->weight_bytes) : b_.weights);
    size_t number = kept_.calls.size();
    for (size_t i = plan_.passes.size(); i-- > 0;) {
      const PassPlan& pass = plan_.passes[i];
      for (size_t j = pass.calls.size(); j-- > 0;) {
        const bool first = j + 1 == pass.calls.size();
        STM_TRY(chunk(pass, plan_.arrangement.chunks[j], *pass.calls[j], weights[i], kept_.calls[--number], first));
      }
    }
    return plan_.has_padding && b_.dx ? mover_.clear_padding(b_.dx, p_.D) : Status::ok();
  }

 private:
  size_t bytes(int64_t elements) const { return static_cast<size_t>(elements) * size_of(p_.dtype); }

  Status prepare() {
    const size_t h = bytes(p_.L * p_.K * p_.N * p_.width()), c = bytes(p_.L * p_.K * p_.N * p_.H),
                 y = bytes(p_.N * p_.T * p_.K * p_.width());
    STM_TRY(mover_.start());
    if (b_.dweights && !plan_.packs()) STM_TRY(mover_.zero(b_.dweights, bytes(p_.weight_elements())));
    const auto direct = [](bool moved, size_t size) { return moved ? 0 : size; };
    const size_t direct_h = direct(plan_.moves_states, h), direct_c = direct(plan_.moves_states || !plan_.lstm(), c);
    STM_TRY(align(context_, {{&b_.x, direct(plan_.moves_inputs, bytes(p_.N * p_.T * p_.D))},
                             {&b_.y, direct(plan_.moves_outputs, y)},
                             {&b_.dy, direct(plan_.moves_inputs, y)},
                             {&b_.h0, direct_h},
                             {&b_.c0, direct_c},
                             {&b_.dhn, direct_h},
                             {&b_.dcn, direct_c},
                             {&b_.weights, direct(plan_.packs(), bytes(p_.weight_elements()))}}));
    dhn_ = b_.dhn, dh0_ = b_.dh0, dcn_ = b_.dcn, dc0_ = b_.dc0;
    if (!plan_.carries_states()) return Status::ok();
    // These hold the gradients between calls; those of rows without steps go through.
    dhn_ = dh0_ = b_.dh0 ? b_.dh0 : parts_.dh;
    dcn_ = dc0_ = b_.dc0 ? b_.dc0 : parts_.dc;
    STM_TRY(mover_.copy_or_zero(dh0_, b_.dhn, h));
    return dc0_ ? mover_.copy_or_zero(dc0_, b_.dcn, c) : Status::ok();
  }

  bool is_last(const Pass& pass) const { return pass.layer + pass.layers == p_.L; }
  Mover::Part whole(const void* data, const PassPlan& pass) const {
    return {const_cast<void*>(data), p_.K * p_.width(), pass.pass.direction * p_.width(), pass.output_width};
  }
  Mover::Part input(const PassPlan& pass) const {
    const void* const data = pass.pass.layer == 0 ? b_.x : kept_.layers[static_cast<size_t>(pass.pass.layer - 1)];
    return {const_cast<void*>(data), pass.input_width, 0, pass.input_width};
  }
  const void* output(const Pass& pass) const {
    return is_last(pass) ? b_.y : kept_.layers[static_cast<size_t>(pass.layer)];
  }
  /// The gradient of a pass's output; null: zeros.
  const void* output_gradient(const Pass& pass) const { return is_last(pass) ? b_.dy : parts_.dlayer[pass.layer % 2]; }
  /// Where that of its input goes; null: nowhere.
  void* input_gradient(const Pass& pass) const { return pass.layer == 0 ? b_.dx : parts_.dlayer[(pass.layer - 1) % 2]; }

  /// Whether another pass has been here before and left the gradient of the layer's input, in this order.
  bool adds(const Pass& pass) const { return pass.direction + pass.directions < p_.K; }

  /// The gradients that go into a call, moved if they must be.
  Status gather_gradients(const PassPlan& pass, const Call& call, CallBackward& g) {
    const void* const dy = output_gradient(pass.pass);
    g.dy = dy && !plan_.moves_inputs ? dy : parts_.dy;
    if (!dy)
      STM_TRY(mover_.zero(parts_.dy,
                          static_cast<size_t>(call.batch * call.steps * pass.output_width) * size_of(plan_.element)));
    else if (plan_.moves_inputs) STM_TRY(mover_.gather_steps(pass, whole(dy, pass), parts_.dy));
    g.dhy = plan_.state_of_call(dhn_, parts_.dhy);
    g.dcy = plan_.state_of_call(dcn_, parts_.dcy);
    if (plan_.moves_states && dhn_) STM_TRY(mover_.gather_states(pass, dhn_, p_.width(), parts_.dhy));
    if (plan_.moves_states && dcn_) STM_TRY(mover_.gather_states(pass, dcn_, p_.H, parts_.dcy));
    return Status::ok();
  }

  /// What forward had.
  Status gather_operands(const PassPlan& pass, const ReserveParts::Call& kept, CallBackward& g) {
    const bool keeps = plan_.keeps_blocks, carries = plan_.carries_states();
    if (plan_.moves_inputs && b_.dweights && !keeps) STM_TRY(mover_.gather_steps(pass, input(pass), parts_.x));
    if (plan_.moves_outputs && !keeps) STM_TRY(mover_.gather_steps(pass, whole(output(pass.pass), pass), parts_.y));
    g.x = keeps ? kept.x : plan_.moves_inputs ? parts_.x : b_.x;
    g.y = keeps ? kept.y : plan_.moves_outputs ? parts_.y : b_.y;
    g.hx = carries ? kept.hx : plan_.state_of_call(b_.h0, kept.hx);
    g.cx = carries ? kept.cx : plan_.state_of_call(b_.c0, kept.cx);
    return Status::ok();
  }

  Status scatter_gradients(const PassPlan& pass, const CallBackward& g, bool first) {
    void* const dx = input_gradient(pass.pass);
    if (plan_.moves_outputs && dx)
      STM_TRY(mover_.scatter_steps(pass, g.dx, {dx, pass.input_width, 0, pass.input_width}, adds(pass.pass)));
    if (plan_.moves_states && dh0_) STM_TRY(mover_.scatter_states(pass, g.dhx, p_.width(), dh0_));
    if (plan_.moves_states && dc0_) STM_TRY(mover_.scatter_states(pass, g.dcx, p_.H, dc0_));
    if (b_.dweights && plan_.packs()) STM_TRY(mover_.scatter_weights(pass, g.dweights, b_.dweights, !first));
    return mover_.convert_out();
  }

  /// `first`: of the pass, in the order of this walk.
  Status chunk(const PassPlan& pass, const Chunk& chunk, const Call& call, const void* weights,
               const ReserveParts::Call& kept, bool first) {
    CallBackward g{};
    STM_TRY(mover_.enter(chunk));
    STM_TRY(gather_gradients(pass, call, g));
    STM_TRY(gather_operands(pass, kept, g));
    STM_TRY(mover_.convert_in());
    g.dx = plan_.moves_outputs || !b_.dx ? parts_.dx : b_.dx;
    g.dhx = plan_.state_of_call(dh0_, parts_.dhx);
    g.dcx = plan_.state_of_call(dc0_, parts_.dcx);
    g.dweights = b_.dweights && plan_.packs() ? parts_.dweights : b_.dweights;
    if (b_.dweights && plan_.packs()) STM_TRY(mover_.zero(parts_.dweights, pass.network->weight_bytes));
    g.weights = weights;
    g.reserve = kept.cudnn;
    g.workspace = parts_.cudnn;
    STM_TRY(call.backward(context_, g));
    return scatter_gradients(pass, g, first);
  }

  Context& context_;
  const Plan& plan_;
  const RecurrentProblem& p_;
  RecurrentBackward b_;
  Mover mover_;
  const BackwardParts parts_;
  const ReserveParts kept_;
  const void *dhn_ = nullptr,
             *dcn_ = nullptr;  // gradients of states that go into calls, and come out; null: zeros, or not wanted
  void *dh0_ = nullptr, *dc0_ = nullptr;
};

}  // namespace

Status run_backward(Context& context, const Plan& plan, const RecurrentBackward& buffers) {
  return Backward(context, plan, buffers).run();
}

}  // namespace stm::cuda
