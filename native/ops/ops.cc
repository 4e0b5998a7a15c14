#include "ops/ops.h"

#include <cmath>

namespace stm {

Tensor scratch(size_t bytes, Device& device) { return empty({static_cast<int64_t>(bytes)}, DType::Bool, device); }

Tensor as_bytes(const Tensor& x) {
  if (!x || x.dtype() != DType::I8) return x;
  const Tensor bytes = detached(x);
  bytes->dtype = DType::Bool;
  return bytes;
}

namespace {

void describe_to(Operand& operand, const Tensor& x, Access access) {
  operand.storage = x->storage;
  operand.access = access;
  operand.offset_bytes = x->offset * static_cast<int64_t>(size_of(x.dtype()));
  operand.view.dtype = x.dtype();
  operand.view.rank = static_cast<int32_t>(x.rank());
  for (size_t i = 0; i < x.rank(); ++i) {
    operand.view.extent[i] = x->shape[i];
    operand.view.stride[i] = x->strides[i];
  }
}

}  // namespace

std::vector<Operand> operands_of(const char* op, Tensors in, Tensors out, Access out_access, Device** device) {
  std::vector<Operand> operands;
  operands.reserve(in.size() + out.size());
  const Tensor* first = nullptr;
  const auto add = [&](const Tensor& x, Access access) {
    Operand& operand = operands.emplace_back();
    if (!x) return;
    describe_to(operand, x, access);
    STM_CHECK(x.dtype() != DType::I8, Kind::DType, op, fmt::format("{}", x),
              "a tensor to compute with: i8 only keeps quantised weights", "cast it with cast('i32') or cast('f32')");
    if (!first) first = &x;
    STM_CHECK(x->device == (*first)->device, Kind::Device, op, fmt::format("{} and {}", *first, x),
              "tensors on one device", fmt::format("move one with to('{}')", (*first)->device->name));
    if (access == Access::Update) x->storage->changed_by(op);
  };
  for (const Tensor& x : in) add(x, Access::Read);
  for (const Tensor& x : out) add(x, out_access);
  *device = (*first)->device;
  return operands;
}

size_t check_axis(const char* op, int64_t axis, size_t rank) {
  const int64_t n = static_cast<int64_t>(rank);
  STM_CHECK(axis >= -n && axis < n, Kind::Option, op, fmt::format("dim {}", axis),
            fmt::format("{}..{} for a tensor of rank {}", -n, n - 1, rank), "count axes from 0, or from -1 backwards");
  return static_cast<size_t>(axis < 0 ? axis + n : axis);
}

void check_floating(const char* op, const char* name, const Tensor& x) {
  STM_CHECK(is_floating(x.dtype()), Kind::DType, op, fmt::format("{} {}", name, x), "f32 or f64",
            "cast it with cast('f32')");
}

void check_dtype(const char* op, const char* name, const Tensor& x, DType expected) {
  STM_CHECK(x.dtype() == expected, Kind::DType, op, fmt::format("{} {}", name, x), fmt::format("dtype {}", expected),
            fmt::format("cast it with cast('{}')", expected));
}

void check_same_dtype(const char* op, const Tensor& a, const Tensor& b) {
  STM_CHECK(a.dtype() == b.dtype(), Kind::DType, op, fmt::format("{} and {}", a, b), "one dtype",
            fmt::format("cast one with cast('{}')", a.dtype()));
}

bool holds(DType dtype, double value) {
  if (dtype == DType::Bool) return value == 0 || value == 1;
  if (dtype == DType::I8) return std::trunc(value) == value && value >= -128 && value <= 127;
  return is_floating(dtype) || (std::trunc(value) == value && value >= -2147483648.0 && value <= 2147483647.0);
}

void check_rank(const char* op, const char* name, const Tensor& x, size_t expected) {
  STM_CHECK(x.rank() == expected, Kind::Shape, op, fmt::format("{} {}", name, x), fmt::format("{} axes", expected),
            "reshape it");
}

void check_host_range(const char* op, const char* name, const Tensor& x, int64_t least, int64_t greatest,
                      const char* meaning) {
  const std::optional<HostRange>& range = x->storage->host_range();
  if (!range || x.size() == 0) return;
  if (range->least >= least && range->greatest <= greatest) return;
  if (x->is_view) return;  // the value may lie outside the view; the kernel looks
  refuse(Kind::Index, op,
         fmt::format("{} with the value {}", name, range->least < least ? range->least : range->greatest),
         fmt::format("{}..{} ({})", least, greatest, meaning), "correct the value");
}

void check_places(const char* op, const Tensor& x, int64_t count) {
  STM_CHECK(count <= int64_t{1} << 31, Kind::Shape, op, fmt::format("{} elements of {} to choose from", count, x),
            "at most 2^31, because places are i32", "split it");
}

void check_in_place(const char* op, const Tensor& target, const std::vector<Tensor>& inputs) {
  bool followed = needs_grad(target);
  for (const Tensor& x : inputs) followed = followed || needs_grad(x);
  STM_CHECK(!followed, Kind::InPlace, op, fmt::format("{} in a computation that is being differentiated", target),
            "an in-place op outside it", "use the op without the underscore, or wrap the update in noGrad()");
  for (size_t i = 0; i < target.rank(); ++i)
    STM_CHECK(target->strides[i] != 0 || target->shape[i] <= 1, Kind::Shape, op,
              fmt::format("{}, an expanded view whose elements share memory", target), "one element a place",
              "clone() it first");
}

}  // namespace stm
