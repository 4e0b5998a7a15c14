// What a handle says about itself, and what changes its history.
#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {
namespace {

std::vector<int64_t> shape(const Tensor& x) { return x.shape().axes(); }
DType dtype(const Tensor& x) { return x.dtype(); }
std::string device(const Tensor& x) { return x.device().name; }
bool requires_grad(const Tensor& x) { return x->requires_grad || x->node; }
bool is_leaf(const Tensor& x) { return !x->node; }
bool is_contiguous(const Tensor& x) { return x.contiguous(); }
int64_t version(const Tensor& x) { return static_cast<int64_t>(x->storage->version()); }
Tensor detach(const Tensor& x) { return detached(x); }
std::string describe_tensor(const Tensor& x) { return describe(x); }

void set_requires_grad(const Tensor& x, bool on) {
  STM_CHECK(!on || is_floating(x.dtype()), Kind::DType, "requiresGrad_", fmt::format("{}", x), "f32 or f64",
            "only floating tensors have gradients; cast it first");
  STM_CHECK(!x->node, Kind::NoGraph, "requiresGrad_", fmt::format("{}, the result of {}", x, x->node->op), "a leaf",
            "detach() it first");
  x->requires_grad = on;
}

std::optional<Tensor> grad(const Tensor& x) {
  const Tensor& gradient = gradient_of(x);
  return gradient ? std::optional(gradient) : std::nullopt;
}

void set_grad(const Tensor& x, const std::optional<Tensor>& value) {
  if (value) {
    check_floating("grad", "tensor", x);  // clipping and optimizers read gradients as such
    STM_CHECK(&value->device() == &x.device(), Kind::Device, "grad", fmt::format("{} for {}", *value, x),
              "the same device", fmt::format("move the gradient with to('{}')", x.device().name));
    STM_CHECK(value->shape() == x.shape() && value->dtype() == x.dtype(), Kind::Shape, "grad",
              fmt::format("{} for {}", *value, x), "the same shape and dtype", "reshape or cast the gradient");
  }
  // Only the elements: a tensor that held another, or itself, as its gradient could keep both alive for ever.
  set_gradient(x, value ? detached(*value) : Tensor());
}

Tensor to_named_device(const Tensor& x, const std::string& name) {
  return to_device(x, Session::current().device(name));
}

}  // namespace

void declare_tensor(OpTable& table) {
  table.add("shape", &shape, {"x"}, "Extents of `x`.");
  table.add("dtype", &dtype, {"x"}, "Element type of `x`.");
  table.add("device", &device, {"x"}, "Name of the device that holds `x`.");
  table.add("describe", &describe_tensor, {"x"}, "Type, shape and device of `x` in words.");
  table.add("requiresGrad", &requires_grad, {"x"}, "Whether backward() goes through `x`.");
  table.add("setRequiresGrad", &set_requires_grad, {"x", "on"}, "Makes the leaf `x` collect a gradient, or not.");
  table.add("isLeaf", &is_leaf, {"x"}, "Whether `x` has no history.");
  table.add("isContiguous", &is_contiguous, {"x"}, "Whether the elements lie densely in row-major order.");
  table.add("version", &version, {"x"},
            "How often the storage of `x` has been written: two equal numbers mean that nothing was changed in place "
            "between.");
  table.add("detach", &detach, {"x"}, "The same elements, without history.");
  table.add("grad", &grad, {"x"}, "The gradient that backward() left, if any.");
  table.add("setGrad", &set_grad, {"x", "grad"}, "Replaces or drops the gradient.");
  table.add("toDevice", &to_named_device, {"x", "device"}, "`x` on the named device.");
}

}  // namespace stm::ops
