#pragma once
#include <vector>

#include "backend/cuda/recurrent/network.h"

namespace stm::cuda {

/// Operands of a call, in the network's elements; [batch, steps, …] or [steps, batch, …] as the call says. Those that
/// may be null are as in RecurrentForward.
struct CallForward {
  const void *x, *hx, *cx, *weights;
  void *y, *hy, *cy, *reserve, *workspace;
};
/// Likewise; dx must be given, dweights may be null and is added to.
struct CallBackward {
  const void *x, *hx, *cx, *weights, *y, *dy, *dhy, *dcy;
  void *dx, *dhx, *dcx, *dweights, *reserve, *workspace;
};

/// A network over rows and steps of given number: what cuDNN computes at once.
class Call {
 public:
  /// `lengths` of the rows, each from 1; none: all `steps`.
  Call(const Network& network, int64_t batch, int64_t steps, std::vector<int32_t> lengths, bool batch_major,
       bool training)
      : batch(batch),
        steps(steps),
        lengths(std::move(lengths)),
        batch_major(batch_major),
        training(training),
        network_(network) {}

  /// Makes the descriptors; needs no device.
  Status describe(Context& context);
  /// Asks for the sizes.
  Status measure(Context& context);
  Status forward(Context& context, const CallForward& buffers) const;
  Status backward(Context& context, const CallBackward& buffers) const;

  const Network& network() const { return network_; }
  const int64_t batch, steps;
  const std::vector<int32_t> lengths;
  const bool batch_major, training;
  size_t workspace = 0, reserve = 0;

 private:
  Status describe_steps(Context& context, const RnnDataDescriptor& descriptor, int64_t width,
                        const std::vector<int32_t>& lengths, void* fill) const;
  Status describe_states(Context& context, const TensorDescriptor& descriptor, int64_t width) const;
  const Network& network_;
  RnnDataDescriptor x_, y_;
  TensorDescriptor h_, c_;
};

}  // namespace stm::cuda
