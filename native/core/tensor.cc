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

Tensor empty(const Shape& shape, DType dtype, Device& device) {
  STM_CHECK(shape.reasonable(), Kind::Shape, "tensor", fmt::format("shape {}", shape), "at most 2^40 elements",
            "correct the extents");
  auto state = std::make_shared<TensorState>();
  state->shape = shape;
  state->strides = dense_strides(shape);
  state->dtype = dtype;
  state->device = &device;
  state->storage = std::make_shared<Storage>(device.allocator, static_cast<size_t>(shape.size()) * size_of(dtype));
  return Tensor(std::move(state));
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
