// Views: the same elements under other extents and strides. Only reshape, where it must, and concat copy.
#include <algorithm>

#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {
namespace {

/// A view whose gradient is `back` of the incoming one.
template <class Back>
Tensor view(const char* op, const Tensor& x, const Shape& shape, const Shape& strides, int64_t offset, Back back) {
  Tensor y = alias(x, shape, strides, offset);
  on_backward(op, y, {x}, {},
              [back](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {back(dy)}; });
  return y;
}

/// Strides under which `shape` shows the elements of `x` in row-major order, or false if no strides can. Walks groups
/// of axes that hold equally many elements in both shapes; the axes of a group of x must lie densely behind each other.
bool strides_for(const Tensor& x, const Shape& shape, Shape& strides) {
  strides = dense_strides(shape);
  if (x.contiguous() || x.size() == 0) return true;
  Shape extent, step;  // of x, without axes of extent 1
  for (size_t i = 0; i < x.rank(); ++i) {
    if (x.extent(i) == 1) continue;
    extent.push_back(x.extent(i));
    step.push_back(x->strides[i]);
  }
  size_t from = 0, to = 0;
  while (from < extent.rank()) {
    size_t from_end = from + 1, to_end = to + 1;
    int64_t held = extent[from], shown = shape[to];
    while (held != shown) {
      if (held < shown) held *= extent[from_end++];
      else shown *= shape[to_end++];
    }
    for (size_t i = from; i + 1 < from_end; ++i)
      if (step[i] != extent[i + 1] * step[i + 1]) return false;
    strides[to_end - 1] = step[from_end - 1];
    for (size_t i = to_end - 1; i > to; --i) strides[i - 1] = strides[i] * shape[i];
    from = from_end;
    to = to_end;
  }
  while (to < shape.rank()) strides[to++] = 1;  // extents of 1 that are left over
  return true;
}

/// A gradient placed into zeros of the input's shape, through the view that `show` makes of it.
template <class Show>
Tensor scattered(const char* op, const Tensor& dy, const Shape& shape, Show show) {
  const Tensor dx = full(shape, 0, dy.dtype(), dy.device());
  enqueue_update(op, {dy}, {show(dx)}, [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
  return dx;
}

Tensor permute_by(const char* op, const Tensor& x, const std::vector<size_t>& order) {
  Shape shape, strides;
  std::vector<size_t> inverse(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    shape.push_back(x.extent(order[i]));
    strides.push_back(x->strides[order[i]]);
    inverse[order[i]] = i;
  }
  return view(op, x, shape, strides, x->offset,
              [op, inverse](const Tensor& dy) { return permute_by(op, dy, inverse); });
}

Tensor permute(const Tensor& x, const std::vector<int64_t>& dims) {
  STM_CHECK(dims.size() == x.rank(), Kind::Option, "permute", fmt::format("{} dims for {}", dims.size(), x),
            "each axis once", "name every axis once");
  std::vector<size_t> order;
  for (const int64_t dim : dims) {
    order.push_back(check_axis("permute", dim, x.rank()));
    STM_CHECK(std::count(order.begin(), order.end(), order.back()) == 1, Kind::Option, "permute",
              fmt::format("dim {} twice", dim), fmt::format("each axis of {} once", x), "name every axis once");
  }
  return permute_by("permute", x, order);
}

/// Extents with at most one -1, which stands for what is left.
Tensor reshape_to(const Tensor& x, const std::vector<int64_t>& extents) {
  int64_t known = 1;
  std::optional<size_t> open;
  for (size_t i = 0; i < extents.size(); ++i) {
    STM_CHECK(extents[i] >= 0 || (extents[i] == -1 && !open), Kind::Option, "reshape",
              fmt::format("extent {}", extents[i]), "extents of 0 or more, and -1 at most once", "leave one axis open");
    if (extents[i] == -1) {
      open = i;
      continue;
    }
    known = times(known, extents[i]);
  }
  STM_CHECK(extents.size() <= Shape::kMaxRank, Kind::Option, "reshape", fmt::format("{} axes", extents.size()),
            fmt::format("at most {}", Shape::kMaxRank), "merge axes");
  Shape shape(extents);
  STM_CHECK(shape.reasonable(), Kind::Option, "reshape", fmt::format("{} to {}", x, shape),
            "at most 2^40 elements in all", "correct the extents");
  if (open) {
    STM_CHECK(known != 0 && x.size() % known == 0, Kind::Shape, "reshape",
              fmt::format("{} into {} with one axis open", x, shape),
              fmt::format("{} elements to be a multiple of {}", x.size(), known), "correct the extents");
    shape[*open] = x.size() / known;
  }
  return reshape(x, shape);
}

std::optional<int64_t> bound_at(const std::vector<int64_t>& bounds, const std::vector<bool>& open, size_t i) {
  return i < bounds.size() && !open[i] ? std::optional(bounds[i]) : std::nullopt;
}

/// starts/ends count from the end if negative; what lies outside is cut. An open end has its flag in `openEnds` set.
Tensor slice(const Tensor& x, const std::vector<int64_t>& starts, const std::vector<int64_t>& ends,
             const std::vector<int64_t>& open_ends) {
  STM_CHECK(starts.size() <= x.rank() && ends.size() == starts.size() && open_ends.size() == starts.size(),
            Kind::Option, "slice", fmt::format("{} starts and {} ends for {}", starts.size(), ends.size(), x),
            "as many of each, at most one for each axis", "use null for an open end");
  std::vector<bool> open;
  for (const int64_t flag : open_ends) open.push_back(flag != 0);
  Shape shape = x.shape();
  int64_t offset = x->offset;
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t n = x.extent(i);
    const auto place = [n](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + n : at, 0, n); };
    const int64_t start = place(starts[i]), end = std::max(start, place(bound_at(ends, open, i).value_or(n)));
    shape[i] = end - start;
    offset += start * x->strides[i];
  }
  Shape dense = dense_strides(x.shape());
  int64_t dense_offset = 0;
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t n = x.extent(i), start = std::clamp<int64_t>(starts[i] < 0 ? starts[i] + n : starts[i], 0, n);
    dense_offset += start * dense[i];
  }
  return view("slice", x, shape, x->strides, offset, [whole = x.shape(), shape, dense, dense_offset](const Tensor& dy) {
    return scattered("slice", dy, whole, [&](const Tensor& dx) { return alias(dx, shape, dense, dense_offset); });
  });
}

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
  const size_t axis = check_axis("select", dim, x.rank());
  const int64_t n = x.extent(axis);
  STM_CHECK(index >= -n && index < n, Kind::Index, "select", fmt::format("index {}", index),
            fmt::format("{}..{} along dim {} of {}", -n, n - 1, dim, x), "correct the index");
  const int64_t at = index < 0 ? index + n : index;
  Shape shape = x.shape(), strides = x->strides;
  shape.erase(axis);
  strides.erase(axis);
  return view("select", x, shape, strides, x->offset + at * x->strides[axis],
              [whole = x.shape(), shape, axis, at](const Tensor& dy) {
                return scattered("select", dy, whole, [&](const Tensor& dx) {
                  Shape kept = dx->strides;
                  kept.erase(axis);
                  return alias(dx, shape, kept, at * dx->strides[axis]);
                });
              });
}

Tensor unsqueeze(const Tensor& x, int64_t dim) {
  STM_CHECK(x.rank() < Shape::kMaxRank, Kind::Shape, "unsqueeze", fmt::format("{}", x),
            fmt::format("fewer than {} axes", Shape::kMaxRank), "merge axes");
  const size_t axis = check_axis("unsqueeze", dim, x.rank() + 1);
  Shape shape = x.shape(), strides = x->strides;
  shape.insert(axis, 1);
  strides.insert(axis, axis < x.rank() ? x->strides[axis] * x.extent(axis) : 1);
  return view("unsqueeze", x, shape, strides, x->offset,
              [whole = x.shape()](const Tensor& dy) { return reshape(dy, whole); });
}

/// Without `dim`: every axis of extent 1.
Tensor squeeze(const Tensor& x, const std::optional<int64_t>& dim) {
  const size_t only = dim ? check_axis("squeeze", *dim, x.rank()) : x.rank();
  Shape shape, strides;
  for (size_t i = 0; i < x.rank(); ++i) {
    if (x.extent(i) == 1 && (!dim || only == i)) continue;
    shape.push_back(x.extent(i));
    strides.push_back(x->strides[i]);
  }
  return view("squeeze", x, shape, strides, x->offset,
              [whole = x.shape()](const Tensor& dy) { return reshape(dy, whole); });
}

Tensor flip(const Tensor& x, const std::vector<int64_t>& dims) {
  Shape strides = x->strides;
  int64_t offset = x->offset;
  for (const int64_t dim : dims) {
    const size_t axis = check_axis("flip", dim, x.rank());
    STM_CHECK(x.extent(axis) <= 1 || strides[axis] == x->strides[axis], Kind::Option, "flip",
              fmt::format("dim {} twice", dim), "each axis once", "name every axis once");
    if (x.extent(axis) <= 1) continue;
    offset += (x.extent(axis) - 1) * x->strides[axis];
    strides[axis] = -x->strides[axis];
  }
  return view("flip", x, x.shape(), strides, offset, [dims](const Tensor& dy) { return flip(dy, dims); });
}

/// -1 keeps an extent; new axes go in front.
Tensor expand_to(const Tensor& x, const std::vector<int64_t>& extents) {
  STM_CHECK(extents.size() >= x.rank() && extents.size() <= Shape::kMaxRank, Kind::Shape, "expand",
            fmt::format("{} extents for {}", extents.size(), x), fmt::format("{} to {}", x.rank(), Shape::kMaxRank),
            "name every axis");
  Shape shape;
  const size_t added = extents.size() - x.rank();
  for (size_t i = 0; i < extents.size(); ++i) {
    const int64_t own = i < added ? 1 : x.extent(i - added), wanted = extents[i] == -1 && i >= added ? own : extents[i];
    STM_CHECK(wanted >= 0 && (own == wanted || own == 1), Kind::Shape, "expand",
              fmt::format("extent {} for {}", extents[i], x), fmt::format("{} or, where the extent is 1, any", own),
              "only axes of extent 1 can be stretched");
    shape.push_back(wanted);
  }
  STM_CHECK(shape.reasonable(), Kind::Shape, "expand", fmt::format("{} to {}", x, shape),
            "at most 2^40 elements in all", "correct the extents");
  return expand(x, shape);
}

/// The gradients of all parts of a split, put together at once; zeros where a part was not used.
Tensor joined(const std::vector<Tensor>& grads, const std::vector<int64_t>& sizes, size_t axis, const Tensor& dx) {
  enqueue("split", grads, {dx}, [sizes, axis](Backend& b, Views v) {
    View place = v.out(0);
    for (size_t i = 0; i < sizes.size(); ++i) {
      place.extent[axis] = sizes[i];
      const Status status = v.in(i).data ? b.elementwise().copy(v.in(i), place) : b.elementwise().fill(0, place);
      if (!status.is_ok()) return status;
      place.data = place.as<char>() + sizes[i] * place.stride[axis] * static_cast<int64_t>(size_of(place.dtype));
    }
    return Status::ok();
  });
  return dx;
}

std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int64_t dim) {
  const size_t axis = check_axis("split", dim, x.rank());
  int64_t sum = 0;
  for (const int64_t size : sizes) {
    STM_CHECK(size >= 0, Kind::Option, "split", fmt::format("size {}", size), "0 or more", "correct the sizes");
    sum = plus(sum, size);
  }
  STM_CHECK(sum == x.extent(axis), Kind::Shape, "split",
            fmt::format("sizes that add up to {} for dim {} of {}", sum, dim, x), fmt::format("{}", x.extent(axis)),
            "correct the sizes");
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (const int64_t size : sizes) {
    parts.push_back(alias(x, x.shape().with(axis, size), x->strides, x->offset + start * x->strides[axis]));
    start += size;
  }
  on_backward("split", parts, {x}, {},
              [sizes, axis, shape = x.shape(), dtype = x.dtype(), device = &x.device()](
                  const std::vector<Tensor>& grads, const SavedTensors&) {
                return std::vector<Tensor>{joined(grads, sizes, axis, empty(shape, dtype, *device))};
              });
  return parts;
}

Tensor transpose_dims(const Tensor& x, int64_t a, int64_t b) {
  return transpose(x, check_axis("transpose", a, x.rank()), check_axis("transpose", b, x.rank()));
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  STM_CHECK(shape.size() == x.size(), Kind::Shape, "reshape", fmt::format("{} into {}", x, shape),
            fmt::format("as many elements ({} and {})", x.size(), shape.size()), "correct the extents");
  Shape strides;
  const Tensor source = strides_for(x, shape, strides) ? x : contiguous(x);
  if (!source.same_as(x)) strides = dense_strides(shape);
  return view("reshape", source, shape, strides, source->offset,
              [whole = x.shape()](const Tensor& dy) { return reshape(dy, whole); });
}

Tensor transpose(const Tensor& x, size_t a, size_t b) {
  std::vector<size_t> order(x.rank());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::swap(order[a], order[b]);
  return permute_by("transpose", x, order);
}

Tensor expand(const Tensor& x, const Shape& shape) {
  Shape strides = shape;
  const size_t added = shape.rank() - x.rank();
  for (size_t i = 0; i < shape.rank(); ++i)
    strides[i] = i < added || (x.extent(i - added) == 1 && shape[i] != 1) ? 0 : x->strides[i - added];
  return view("expand", x, shape, strides, x->offset,
              [whole = x.shape()](const Tensor& dy) { return sum_to(dy, whole); });
}

Tensor slice_axis(const Tensor& x, size_t axis, int64_t from, int64_t to) {
  const Shape shape = x.shape().with(axis, to - from);
  return view("slice", x, shape, x->strides, x->offset + from * x->strides[axis],
              [whole = x.shape(), shape, axis, from](const Tensor& dy) {
                return scattered("slice", dy, whole, [&](const Tensor& dx) {
                  return alias(dx, shape, dx->strides, from * dx->strides[axis]);
                });
              });
}

Tensor concat(const std::vector<Tensor>& tensors, int64_t dim) {
  STM_CHECK(!tensors.empty(), Kind::Option, "concat", "no tensors", "at least one", "leave empty lists out");
  const Tensor& first = tensors[0];
  const size_t axis = check_axis("concat", dim, first.rank());
  int64_t extent = 0;
  for (const Tensor& x : tensors) {
    check_same_dtype("concat", first, x);
    STM_CHECK(x.rank() == first.rank() && x.shape().with(axis, 0) == first.shape().with(axis, 0), Kind::Shape, "concat",
              fmt::format("{} and {}", first, x), fmt::format("equal extents except along dim {}", dim), "reshape one");
    extent = plus(extent, x.extent(axis));
  }
  const Tensor y = empty(first.shape().with(axis, extent), first);
  std::vector<int64_t> starts;
  int64_t at = 0;
  for (const Tensor& x : tensors) {
    starts.push_back(at);
    const Tensor place = alias(y, x.shape(), y->strides, at * y->strides[axis]);
    enqueue("concat", {x}, {place}, [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
    at += x.extent(axis);
  }
  starts.push_back(at);
  on_backward("concat", y, tensors, {}, [starts, axis](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
    std::vector<Tensor> grads;
    for (size_t i = 0; i + 1 < starts.size(); ++i) grads.push_back(slice_axis(dy, axis, starts[i], starts[i + 1]));
    return grads;
  });
  return y;
}

void declare_shape(OpTable& table) {
  table.add("reshape", &reshape_to, {"x", "shape"},
            "The same elements under other extents, one of which may be -1; a copy only where it must be.");
  table.add("transpose", &transpose_dims, {"x", "a", "b"}, "A view with two axes exchanged.");
  table.add("permute", &permute, {"x", "dims"}, "A view with the axes in another order.");
  table.add("slice", &slice, {"x", "starts", "ends", "openEnds"}, "A view of a range of each axis.");
  table.add("select", &select, {"x", "dim", "index"}, "A view of one place along an axis, which goes away.");
  table.add("unsqueeze", &unsqueeze, {"x", "dim"}, "A view with a new axis of extent 1.");
  table.add("squeeze", &squeeze, {"x", "dim"}, "A view without one axis, or all axes, of extent 1.");
  table.add("flip", &flip, {"x", "dims"}, "A view with the order along axes reversed.");
  table.add("expand", &expand_to, {"x", "shape"}, "A view that repeats axes of extent 1.");
  table.add("concat", &concat, {"tensors", "dim"}, "Tensors behind each other along an axis.");
  table.add("split", &split, {"x", "sizes", "dim"}, "Views of consecutive parts along an axis.");
}

}  // namespace stm::ops
