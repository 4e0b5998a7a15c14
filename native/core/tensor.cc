#include "core/tensor.h"

#include "core/session.h"

namespace stm {

bool Tensor::contiguous() const {
  int64_t expected = 1;
  for (size_t i = rank(); i-- > 0;) {
    if (state_->shape[i] != 1 && state_->strides[i] != expected) return false;
    expected *= state_->shape[i];
  }
  return true;
}

Tensor alias(const Tensor& x, const Shape& shape, const Shape& strides, int64_t offset) {
  auto state = std::make_shared<TensorState>();
  state->shape = shape;
  state->strides = strides;
  state->offset = offset;
  state->dtype = x.dtype();
  state->device = x->device;
  state->storage = x->storage;
  state->is_view = true;
  return Tensor(std::move(state));
}

std::string describe(const Tensor& x) {
  if (!x) return "nothing";
  return fmt::format("{}{} on {}", x.dtype(), x.shape(), x.device().name);
}

}  // namespace stm
