#pragma once
// What every op is written with, and the ops that other ops call.
#include <algorithm>
#include <initializer_list>
#include <vector>

#include "core/history.h"
#include "core/recording.h"

namespace stm {

// ---- making tensors

inline Tensor empty(const Shape& shape, const Tensor& like) { return empty(shape, like.dtype(), like.device()); }
inline Tensor empty_like(const Tensor& x) { return empty(x.shape(), x.dtype(), x.device()); }
/// Scratch or reserve bytes of a kernel, as a tensor so that they are allocated, kept and freed like any other.
Tensor scratch(size_t bytes, Device& device);

/// An i8 tensor as kernels that only move bytes take it, over the same storage; any other as it is.
Tensor as_bytes(const Tensor& x);

// ---- walking the history (ops/history.cc)

/// Adds d(root)/d(leaf), weighted by `seed` (ones if empty), into every leaf reached. Releases each node as it passes
/// unless `retain`.
void backward(const Tensor& root, const Tensor& seed, bool retain);

// ---- queueing work

/// What `work` sees: the operands in the order given. An operand that was empty has `data == nullptr`.
class Views {
 public:
  Views(const std::vector<Operand>& operands, size_t outputs_from) : operands_(operands), outputs_from_(outputs_from) {}
  const View& in(size_t i) const { return operands_[i].view; }
  const View& out(size_t i) const { return operands_[outputs_from_ + i].view; }

 private:
  const std::vector<Operand>& operands_;
  size_t outputs_from_;
};

/// Tensors of a call, which stay the caller's, for parameters alone: nothing is allocated for a list in braces.
class Tensors {
 public:
  Tensors(std::initializer_list<Tensor> list) : Tensors(list.begin(), list.size()) {}
  Tensors(const std::vector<Tensor>& list) : Tensors(list.data(), list.size()) {}
  /// Those numbered `from` to `to - 1`.
  Tensors part(size_t from, size_t to) const { return {first_ + from, to - from}; }
  const Tensor* begin() const { return first_; }
  const Tensor* end() const { return first_ + count_; }
  size_t size() const { return count_; }

 private:
  Tensors(const Tensor* first, size_t count) : first_(first), count_(count) {}
  const Tensor* first_;
  size_t count_;
};

std::vector<Operand> operands_of(const char* op, Tensors in, Tensors out, Access out_access, Device** device);

/// Queues `work(Backend&, Views) -> Status`. `out` is written afresh (its storage is allocated when the command runs).
/// `host_bytes` counts host data captured by `work` against the queue's limit. All operands must be on one device.
template <class Work>
void enqueue(const char* op, Tensors in, Tensors out, Work work, size_t host_bytes = 0,
             Access out_access = Access::Write, bool spoils_if_skipped = false) {
  struct WorkCommand final : Command {
    WorkCommand(const char* op, std::vector<Operand> operands, size_t outputs_from, Work work, size_t host_bytes,
                bool spoils)
        : Command(op, std::move(operands), host_bytes),
          outputs_from(outputs_from),
          from_host(host_bytes > 0),
          spoils(spoils),
          work(std::move(work)) {}
    Status run(Backend& backend) override {
      return writes_nothing() ? Status::ok() : work(backend, Views(operands, outputs_from));
    }
    /// Kernels may walk over axes beside an empty one, however long these are.
    bool writes_nothing() const {
      const auto outputs = operands.begin() + static_cast<ptrdiff_t>(outputs_from);
      return outputs != operands.end() &&
             std::all_of(outputs, operands.end(), [](const Operand& operand) { return operand.view.size() == 0; });
    }
    bool worth_keeping() const override { return from_host; }
    bool spoils_if_skipped() const override { return spoils; }
    size_t outputs_from;
    bool from_host, spoils;
    Work work;
  };
  Device* device = nullptr;
  std::vector<Operand> operands = operands_of(op, in, out, out_access, &device);
  device->push(std::make_unique<WorkCommand>(op, std::move(operands), in.size(), std::move(work), host_bytes,
                                             spoils_if_skipped));
}

/// The same, but `targets` are changed in place: their versions are raised, and they keep their values if the command
/// is skipped.
template <class Work>
void enqueue_update(const char* op, Tensors in, Tensors targets, Work work) {
  enqueue(op, in, targets, std::move(work), 0, Access::Update);
}

// ---- checks that ops share (each throws with `op` in the message)

/// An axis in -rank..rank-1, made non-negative.
size_t check_axis(const char* op, int64_t axis, size_t rank);
void check_floating(const char* op, const char* name, const Tensor& x);
void check_dtype(const char* op, const char* name, const Tensor& x, DType expected);
void check_same_dtype(const char* op, const Tensor& a, const Tensor& b);
/// Whether a dtype holds a number: f32 and f64 any, i32 whole ones of 32 bits, bool 0 and 1.
bool holds(DType dtype, double value);
void check_rank(const char* op, const char* name, const Tensor& x, size_t expected);
/// For i32 tensors whose values came from the host: throws at the call if one is outside least..greatest. Silent if
/// unknown; the kernel checks then.
void check_host_range(const char* op, const char* name, const Tensor& x, int64_t least, int64_t greatest,
                      const char* meaning);
/// Refuses to number more elements than i32 has places for.
void check_places(const char* op, const Tensor& x, int64_t count);
/// In-place ops: refuses targets that a history would have to follow.
void check_in_place(const char* op, const Tensor& target, const std::vector<Tensor>& inputs);

namespace ops {

// between devices (ops/transfer.cc)
/// `x` on a device, `x` itself if it is there; differentiable.
Tensor to_device(const Tensor& x, Device& device);
/// Moves leaves, and their gradients, to a device; tensors that share a storage still do.
void move(const std::vector<Tensor>& tensors, Device& device);

// elementwise
Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
Tensor add_scalar(const Tensor& x, double value);
Tensor mul_scalar(const Tensor& x, double value);
Tensor div_scalar(const Tensor& x, double value);
Tensor neg(const Tensor& x);
Tensor compare(Compare relation, const Tensor& a, const Tensor& b);
Tensor compare_scalar(Compare relation, const Tensor& x, double value);
Tensor both(const Tensor& a, const Tensor& b);  ///< of bools
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor cast(const Tensor& x, DType dtype);
Tensor cast_as(const char* op, const Tensor& x, DType dtype);  ///< `cast` in the name of another op
Tensor full(const Shape& shape, double value, DType dtype, Device& device);
inline Tensor zeros_like(const Tensor& x) { return full(x.shape(), 0, x.dtype(), x.device()); }
/// A dense copy, outside the storage of `x`; differentiable.
Tensor clone(const Tensor& x);
/// `x` itself if dense, else a dense copy; differentiable.
Tensor contiguous(const Tensor& x);

// shape (views share storage; all differentiable)
Tensor reshape(const Tensor& x, const Shape& shape);  ///< extents all known; copies only where it must
Tensor transpose(const Tensor& x, size_t a, size_t b);
Tensor expand(const Tensor& x, const Shape& shape);
Tensor slice_axis(const Tensor& x, size_t axis, int64_t from, int64_t to);  ///< [from, to) of one axis
Tensor concat(const std::vector<Tensor>& tensors, int64_t dim);

// reduce
/// Sums the axes that broadcasting added or stretched, so that the result has `shape`: the gradient of broadcasting.
Tensor sum_to(const Tensor& x, const Shape& shape);
Tensor sum(const Tensor& x, const std::vector<int64_t>& axes, bool keep_dims);

// normalisation
Tensor log_softmax(const Tensor& x, int64_t dim);

// random
/// Zeroes elements with probability p and divides the others by 1 - p.
Tensor dropout(const Tensor& x, double p);

// matmul
Tensor matmul(const Tensor& a, const Tensor& b);

}  // namespace ops

// One declare function a family, called by binding/addon.cc.
class OpTable;
namespace ops {
void declare_factories(OpTable& table);
void declare_tensor(OpTable& table);
void declare_history(OpTable& table);
void declare_elementwise(OpTable& table);
void declare_matmul(OpTable& table);
void declare_reduce(OpTable& table);
void declare_shape(OpTable& table);
void declare_indexing(OpTable& table);
void declare_normalization(OpTable& table);
void declare_losses(OpTable& table);
void declare_optimizers(OpTable& table);
void declare_random(OpTable& table);
void declare_recording(OpTable& table);
void declare_cells(OpTable& table);
void declare_quantized(OpTable& table);
void declare_recurrent(OpTable& table);
void declare_testing(OpTable& table);
}  // namespace ops

}  // namespace stm
