#include "backend/cuda/recurrent/call.h"

namespace stm::cuda {

Status Call::describe(Context& context) {
  const NetworkSpec& spec = network_.spec;
  const RecurrentProblem shape = spec.shape();
  const std::vector<int32_t> all =
      lengths.empty() ? std::vector<int32_t>(static_cast<size_t>(batch), static_cast<int32_t>(steps)) : lengths;
  STM_TRY(x_.create(context));
  STM_TRY(describe_steps(context, x_, spec.D, all, nullptr));
  STM_TRY(y_.create(context));
  // Backward gets y as forward has left it, and nobody promises that it does not look at the padding.
  double zero = 0;  // in any type
  STM_TRY(describe_steps(context, y_, spec.K * shape.width(), all, lengths.empty() ? nullptr : &zero));
  STM_TRY(h_.create(context));
  STM_TRY(describe_states(context, h_, shape.width()));
  STM_TRY(c_.create(context));
  return describe_states(context, c_, spec.H);
}

Status Call::describe_steps(Context& context, const RnnDataDescriptor& descriptor, int64_t width,
                            const std::vector<int32_t>& all, void* fill) const {
  const cudnnRNNDataLayout_t layout =
      batch_major ? CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED : CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED;
  STM_CUDNN(context, cudnnSetRNNDataDescriptor, descriptor.get(), data_type(network_.spec.element), layout,
            static_cast<int>(steps), static_cast<int>(batch), static_cast<int>(width), all.data(), fill);
  return Status::ok();
}

Status Call::describe_states(Context& context, const TensorDescriptor& descriptor, int64_t width) const {
  const NetworkSpec& spec = network_.spec;
  const int extents[] = {static_cast<int>(spec.L * spec.K), static_cast<int>(batch), static_cast<int>(width)};
  const int strides[] = {extents[1] * extents[2], extents[2], 1};
  STM_CUDNN(context, cudnnSetTensorNdDescriptor, descriptor.get(), data_type(spec.element), 3, extents, strides);
  return Status::ok();
}

Status Call::measure(Context& context) {
  const cudnnForwardMode_t mode = training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE;
  STM_CUDNN(context, cudnnGetRNNTempSpaceSizes, context.cudnn, network_.descriptor(), mode, x_.get(), &workspace,
            &reserve);
  if (!training) reserve = 0;
  return Status::ok();
}

Status Call::forward(Context& context, const CallForward& b) const {
  const cudnnForwardMode_t mode = training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE;
  STM_CUDNN(context, cudnnRNNForward, context.cudnn, network_.descriptor(), mode, nullptr, x_.get(), b.x, y_.get(), b.y,
            h_.get(), b.hx, b.hy, c_.get(), b.cx, b.cy, network_.weight_bytes, b.weights, workspace, b.workspace,
            reserve, b.reserve);
  return Status::ok();
}

/// BackwardWeights works on what BackwardData has left in the reserve: both run, in this order, whatever is wanted.
Status Call::backward(Context& context, const CallBackward& b) const {
  STM_CUDNN(context, cudnnRNNBackwardData_v8, context.cudnn, network_.descriptor(), nullptr, y_.get(), b.y, b.dy,
            x_.get(), b.dx, h_.get(), b.hx, b.dhy, b.dhx, c_.get(), b.cx, b.dcy, b.dcx, network_.weight_bytes,
            b.weights, workspace, b.workspace, reserve, b.reserve);
  if (!b.dweights) return Status::ok();
  STM_CUDNN(context, cudnnRNNBackwardWeights_v8, context.cudnn, network_.descriptor(), CUDNN_WGRAD_MODE_ADD, nullptr,
            x_.get(), b.x, h_.get(), b.hx, y_.get(), b.y, network_.weight_bytes, b.dweights, workspace, b.workspace,
            reserve, b.reserve);
  return Status::ok();
}

}  // namespace stm::cuda
