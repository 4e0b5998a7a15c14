#pragma once
#include <memory>

#include "core/dtype.h"
#include "core/error.h"
#include "core/shape.h"
#include "core/storage.h"

namespace stm {

class Device;
struct Node;
struct TensorState;

/// A tensor on the JS thread: a shared, cheap-to-copy reference to its shape, its storage and its history.
/// May be empty.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(std::shared_ptr<TensorState> state) : state_(std::move(state)) {}
  explicit operator bool() const { return state_ != nullptr; }
  TensorState* operator->() const { return state_.get(); }
  std::weak_ptr<TensorState> weak() const { return state_; }
  bool same_as(const Tensor& other) const { return state_ == other.state_; }
  const Shape& shape() const;
  int64_t extent(size_t axis) const { return shape()[axis]; }
  size_t rank() const { return shape().rank(); }
  int64_t size() const { return shape().size(); }
  DType dtype() const;
  Device& device() const;
  /// True if the elements lie densely, in row-major order.
  bool contiguous() const;

 private:
  std::shared_ptr<TensorState> state_;
};

struct TensorState {
  Shape shape, strides;  ///< strides in elements
  int64_t offset = 0;    ///< in elements
  DType dtype = DType::F32;
  Device* device = nullptr;
  std::shared_ptr<Storage> storage;
  bool is_view = false;
  bool requires_grad = false;  ///< a leaf whose gradient backward() leaves in `grad`
  std::shared_ptr<Node> node;  ///< the op that made this tensor, if its history is kept
  size_t output = 0;           ///< which of the node's outputs it is
  Tensor grad;
};

inline const Shape& Tensor::shape() const { return state_->shape; }
inline DType Tensor::dtype() const { return state_->dtype; }
inline Device& Tensor::device() const { return *state_->device; }

/// A dense tensor of its own, whose elements are yet to be written.
Tensor empty(const Shape& shape, DType dtype, Device& device);

/// Another tensor over the same storage, without history.
Tensor alias(const Tensor& x, const Shape& shape, const Shape& strides, int64_t offset);
inline Tensor detached(const Tensor& x) { return alias(x, x->shape, x->strides, x->offset); }

/// "f32[32, 50, 96] on cuda:0"
std::string describe(const Tensor& x);

}  // namespace stm

template <>
struct fmt::formatter<stm::Tensor> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const stm::Tensor& x, Context& context) const {
    return fmt::formatter<std::string_view>::format(stm::describe(x), context);
  }
};
