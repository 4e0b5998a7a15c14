#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {
namespace {

/// Whether BLAS can read the last two axes as they lie: one of them dense, the other stepping over it without overlap.
bool readable(const Tensor& x) {
  const size_t r = x.rank();
  const int64_t rows = x.extent(r - 2), columns = x.extent(r - 1), down = x->strides[r - 2], across = x->strides[r - 1];
  const bool by_rows = (across == 1 || columns == 1) && (rows == 1 || down >= columns);
  const bool by_columns = (down == 1 || rows == 1) && (columns == 1 || across >= rows);
  return by_rows || by_columns;
}

Tensor made_readable(const Tensor& x) { return readable(x) ? x : contiguous(x); }

/// Leading axes stretched to `batch`; without history.
Tensor with_batch(const Tensor& x, const Shape& batch) {
  Shape shape = batch, strides = batch;
  const size_t added = batch.rank() + 2 - x.rank();
  for (size_t i = 0; i < batch.rank(); ++i)
    strides[i] = i < added || (x.extent(i - added) == 1 && batch[i] != 1) ? 0 : x->strides[i - added];
  for (size_t i = x.rank() - 2; i < x.rank(); ++i) {
    shape.push_back(x.extent(i));
    strides.push_back(x->strides[i]);
  }
  return alias(x, shape, strides, x->offset);
}

Shape leading(const Tensor& x) {
  Shape shape;
  for (size_t i = 0; i + 2 < x.rank(); ++i) shape.push_back(x.extent(i));
  return shape;
}

Tensor transposed(const Tensor& x) { return transpose(x, x.rank() - 2, x.rank() - 1); }

/// Matrices, and stacks of them; without history.
Tensor product(MathMode math, const Tensor& given_a, const Tensor& given_b) {
  const Tensor a = made_readable(given_a), b = made_readable(given_b);
  Shape shape;
  Shape::broadcast(leading(a), leading(b), shape);
  const Shape batch = shape;
  shape.push_back(a.extent(a.rank() - 2));
  shape.push_back(b.extent(b.rank() - 1));
  const Tensor y = empty(shape, a);
  enqueue("matmul", {with_batch(a, batch), with_batch(b, batch)}, {y},
          [math](Backend& k, Views v) { return k.matmul().matmul(math, v.in(0), v.in(1), v.out(0)); });
  return y;
}

void check_operands(const Tensor& a, const Tensor& b) {
  check_floating("matmul", "a", a);
  check_same_dtype("matmul", a, b);
  STM_CHECK(a.rank() > 0 && b.rank() > 0, Kind::Shape, "matmul", fmt::format("{} and {}", a, b),
            "at least one axis each", "use mul() for numbers");
  const int64_t inner_a = a.shape().back(), inner_b = b.rank() == 1 ? b.extent(0) : b.extent(b.rank() - 2);
  STM_CHECK(inner_a == inner_b, Kind::Shape, "matmul", fmt::format("{} and {}", a, b),
            fmt::format("the last axis of a ({}) to be as long as the {} axis of b ({})", inner_a,
                        b.rank() == 1 ? "only" : "last but one", inner_b),
            "transpose one of them");
  Shape batch;
  STM_CHECK(a.rank() < 2 || b.rank() < 2 || Shape::broadcast(leading(a), leading(b), batch), Kind::Shape, "matmul",
            fmt::format("{} and {}", a, b), "leading axes that are equal or 1", "reshape one");
}

Tensor matmul_matrices(const Tensor& a, const Tensor& b) {
  const MathMode math = Session::current().math;  // of the gradient too
  const Tensor y = product(math, a, b);
  const bool wants_a = needs_grad(a), wants_b = needs_grad(b);
  on_backward("matmul", y, {a, b}, {wants_b ? a : Tensor(), wants_a ? b : Tensor()},
              [math, wants_a, wants_b, sa = a.shape(), sb = b.shape()](
                  const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                return {wants_a ? sum_to(product(math, dy, transposed(saved[1])), sa) : Tensor(),
                        wants_b ? sum_to(product(math, transposed(saved[0]), dy), sb) : Tensor()};
              });
  return y;
}

Tensor as_rows(const Tensor& x, int64_t width) { return reshape(x, {width ? x.size() / width : 0, width}); }

void check_linear(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  check_floating("linear", "x", x);
  check_same_dtype("linear", x, weight);
  check_rank("linear", "weight", weight, 2);
  STM_CHECK(x.rank() > 0 && x.shape().back() == weight.extent(1), Kind::Shape, "linear",
            fmt::format("x {} and weight {}", x, weight), fmt::format("the last axis of x to be {}", weight.extent(1)),
            fmt::format("build the layer with inFeatures: {}", x.shape().back()));
  if (!bias) return;
  check_same_dtype("linear", x, *bias);
  STM_CHECK(bias->shape() == Shape{weight.extent(0)}, Kind::Shape, "linear", fmt::format("bias {}", *bias),
            fmt::format("shape [{}]", weight.extent(0)), fmt::format("one bias for each row of weight {}", weight));
}

Tensor linear(const Tensor& x, const Tensor& given_weight, const std::optional<Tensor>& bias) {
  check_linear(x, given_weight, bias);
  const Tensor weight = contiguous(given_weight);
  const int64_t in = weight.extent(1), out = weight.extent(0),
                count = in ? x.size() / in : x.shape().with(x.rank() - 1, 1).size();
  const Tensor flat = contiguous(in ? as_rows(detached(x), in) : reshape(detached(x), {count, 0})),
               dense_bias = bias ? contiguous(*bias) : Tensor();
  const Tensor y = empty(x.shape().with(x.rank() - 1, out), x);
  const MathMode math = Session::current().math;  // of the gradient too
  enqueue("linear", {flat, weight, dense_bias}, {alias(y, {count, out}, {out, 1}, 0)},
          [math](Backend& k, Views v) { return k.matmul().linear(math, v.in(0), v.in(1), v.in(2), v.out(0)); });
  const bool wants_x = needs_grad(x), wants_weight = needs_grad(weight), wants_bias = bias && needs_grad(*bias);
  on_backward("linear", y, {x, weight, bias.value_or(Tensor())},
              {wants_weight ? flat : Tensor(), wants_x ? weight : Tensor()},
              [math, wants_x, wants_weight, wants_bias, count, out, shape = x.shape()](
                  const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                const Tensor rows = contiguous(reshape(dy, {count, out}));
                return {wants_x ? reshape(product(math, rows, saved[1]), shape) : Tensor(),
                        wants_weight ? product(math, transposed(rows), saved[0]) : Tensor(),
                        wants_bias ? sum(rows, {0}, false) : Tensor()};
              });
  return y;
}

}  // namespace

/// As in NumPy: a vector on the left is a row, on the right a column, and its axis goes away again. One matrix on the
/// right makes a single product.
Tensor matmul(const Tensor& a, const Tensor& b) {
  check_operands(a, b);
  if (a.rank() == 1 && b.rank() == 1)
    return reshape(matmul_matrices(reshape(a, {1, a.size()}), reshape(b, {b.size(), 1})), {});
  if (a.rank() == 1) {
    const Tensor y = matmul_matrices(reshape(a, {1, a.size()}), b);
    Shape shape = y.shape();
    shape.erase(y.rank() - 2);
    return reshape(y, shape);
  }
  if (b.rank() == 1) {
    const Tensor y = matmul(a, reshape(b, {b.size(), 1}));
    Shape shape = y.shape();
    shape.erase(y.rank() - 1);
    return reshape(y, shape);
  }
  const int64_t k = a.shape().back(), n = b.shape().back();
  if (a.rank() > 2 && a.rank() >= b.rank() && a.size() > 0 && leading(b).size() == 1) {
    return reshape(matmul_matrices(reshape(a, {a.size() / k, k}), reshape(b, {k, n})), a.shape().with(a.rank() - 1, n));
  }
  return matmul_matrices(a, b);
}

void declare_matmul(OpTable& table) {
  table.add("matmul", &matmul, {"a", "b"}, "Matrix product over the last two axes; leading axes broadcast.");
  table.add("linear", &linear, {"x", "weight", "bias"},
            "x · weightᵀ + bias over the last axis of x; weight [out, in].");
}

}  // namespace stm::ops
