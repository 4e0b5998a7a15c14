#include "ops/ops.h"

#include <cmath>

namespace stm {

Tensor empty(const Shape& shape, DType dtype, Device& device) {
  STM_CHECK(shape.reasonable(), Kind::Shape,
            "tensor: got shape {}, expected at most 2^40 elements.\n  Fix: correct the extents.", shape);
  auto state = std::make_shared<TensorState>();
  state->shape = shape;
  state->strides = dense_strides(shape);
  state->dtype = dtype;
  state->device = &device;
  state->storage = std::make_shared<Storage>(device.allocator, static_cast<size_t>(shape.size()) * size_of(dtype));
  return Tensor(std::move(state));
}

Tensor scratch(size_t bytes, Device& device) { return empty({static_cast<int64_t>(bytes)}, DType::Bool, device); }

namespace {

Operand operand_of(const Tensor& x, Access access) {
  if (!x) return {};
  Operand operand;
  operand.storage = x->storage;
  operand.access = access;
  operand.offset_bytes = x->offset * static_cast<int64_t>(size_of(x.dtype()));
  operand.view.dtype = x.dtype();
  operand.view.rank = static_cast<int32_t>(x.rank());
  for (size_t i = 0; i < x.rank(); ++i) {
    operand.view.extent[i] = x->shape[i];
    operand.view.stride[i] = x->strides[i];
  }
  return operand;
}

}  // namespace

std::vector<Operand> operands_of(const char* op, const std::vector<Tensor>& in, const std::vector<Tensor>& out,
                                 Access out_access, Device** device) {
  std::vector<Operand> operands;
  operands.reserve(in.size() + out.size());
  const Tensor* first = nullptr;
  const auto add = [&](const Tensor& x, Access access) {
    operands.push_back(operand_of(x, access));
    if (!x) return;
    if (!first) first = &x;
    STM_CHECK(x->device == (*first)->device, Kind::Device,
              "{}: got {} and {}, expected tensors on one device.\n  Fix: move one with to('{}').", op, *first, x,
              (*first)->device->name);
    if (access == Access::Update) x->storage->changed_by(op);
  };
  for (const Tensor& x : in) add(x, Access::Read);
  for (const Tensor& x : out) add(x, out_access);
  *device = (*first)->device;
  return operands;
}

size_t check_axis(const char* op, int64_t axis, size_t rank) {
  const int64_t n = static_cast<int64_t>(rank);
  STM_CHECK(axis >= -n && axis < n, Kind::Option,
            "{}: got dim {}, expected {}..{} for a tensor of rank {}.\n  Fix: count axes from 0, or from -1 backwards.",
            op, axis, -n, n - 1, rank);
  return static_cast<size_t>(axis < 0 ? axis + n : axis);
}

void check_floating(const char* op, const char* name, const Tensor& x) {
  STM_CHECK(is_floating(x.dtype()), Kind::DType,
            "{}: got {} {}, expected f32 or f64.\n  Fix: cast it with cast('f32').", op, name, x);
}

void check_dtype(const char* op, const char* name, const Tensor& x, DType expected) {
  STM_CHECK(x.dtype() == expected, Kind::DType, "{}: got {} {}, expected dtype {}.\n  Fix: cast it with cast('{}').",
            op, name, x, expected, expected);
}

void check_same_dtype(const char* op, const Tensor& a, const Tensor& b) {
  STM_CHECK(a.dtype() == b.dtype(), Kind::DType,
            "{}: got {} and {}, expected one dtype.\n  Fix: cast one with cast('{}').", op, a, b, a.dtype());
}

bool holds(DType dtype, double value) {
  if (dtype == DType::Bool) return value == 0 || value == 1;
  return is_floating(dtype) || (std::trunc(value) == value && value >= -2147483648.0 && value <= 2147483647.0);
}

void check_rank(const char* op, const char* name, const Tensor& x, size_t expected) {
  STM_CHECK(x.rank() == expected, Kind::Shape, "{}: got {} {}, expected {} axes.\n  Fix: reshape it.", op, name, x,
            expected);
}

void check_host_range(const char* op, const char* name, const Tensor& x, int64_t least, int64_t greatest,
                      const char* meaning) {
  const std::optional<HostRange>& range = x->storage->host_range();
  if (!range || x.size() == 0) return;
  if (range->least >= least && range->greatest <= greatest) return;
  if (x->is_view) return;  // the value may lie outside the view; the kernel looks
  throw Error(Kind::Index,
              fmt::format("{}: got {} with the value {}, expected {}..{} ({}).\n  Fix: correct the value.", op, name,
                          range->least < least ? range->least : range->greatest, least, greatest, meaning));
}

void check_places(const char* op, const Tensor& x, int64_t count) {
  STM_CHECK(
      count <= int64_t{1} << 31, Kind::Shape,
      "{}: got {} elements of {} to choose from, expected at most 2^31, because places are i32.\n  Fix: split it.", op,
      count, x);
}

void check_in_place(const char* op, const Tensor& target, const std::vector<Tensor>& inputs) {
  bool followed = needs_grad(target);
  for (const Tensor& x : inputs) followed = followed || needs_grad(x);
  STM_CHECK(!followed, Kind::InPlace,
            "{}: got {} in a computation that is being differentiated, expected an in-place op outside it.\n  Fix: use "
            "the op without the underscore, or wrap "
            "the update in noGrad().",
            op, target);
  for (size_t i = 0; i < target.rank(); ++i)
    STM_CHECK(target->strides[i] != 0 || target->shape[i] <= 1, Kind::Shape,
              "{}: got {}, an expanded view whose elements share memory, expected one element a place.\n  Fix: clone() "
              "it first.",
              op, target);
}

}  // namespace stm
