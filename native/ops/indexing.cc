#include <algorithm>

#include "core/op_table.h"
#include "ops/real_items.h"

namespace stm::ops {
namespace {

constexpr const char* kRows = "rows of the table";

/// Rows [n, E] of a table by i32 indices of any shape; without history.
Tensor rows_of(const char* op, const Tensor& table, const Tensor& indices) {
  const Tensor y =
      empty({indices.size(), table.extent(1)}, table);  // first: it refuses what is too large before anything is copied
  const Tensor dense = contiguous(table), flat = reshape(contiguous(detached(indices)), {indices.size()});
  enqueue(op, {dense, flat}, {y},
          [](Backend& b, Views v) { return b.indexing().gather_rows(v.in(0), v.in(1), v.out(0)); });
  return y;
}

Tensor rows_added(const char* op, const Tensor& dy, const Tensor& indices, const Shape& table, int64_t skipped) {
  const Tensor rows = contiguous(reshape(dy, {indices.size(), table[1]})),
               flat = reshape(contiguous(indices), {indices.size()});
  const Tensor dtable = empty(table, dy);
  enqueue(op, {rows, flat}, {dtable},
          [skipped](Backend& b, Views v) { return b.indexing().add_rows(v.in(0), v.in(1), skipped, v.out(0)); });
  return dtable;
}

Tensor embedding(const Tensor& given, const Tensor& weight, const std::optional<int64_t>& padding_idx) {
  const Tensor indices = whole_numbers("embedding", "indices", given);
  check_floating("embedding", "weight", weight);
  check_rank("embedding", "weight", weight, 2);
  STM_CHECK(indices.rank() < Shape::kMaxRank, Kind::Shape, "embedding", fmt::format("indices {}", indices),
            fmt::format("fewer than {} axes", Shape::kMaxRank), "reshape them");
  const int64_t rows = weight.extent(0);
  STM_CHECK(!padding_idx || (*padding_idx >= -rows && *padding_idx < rows), Kind::Option, "embedding",
            fmt::format("paddingIdx {}", *padding_idx), fmt::format("{}..{}", -rows, rows - 1),
            fmt::format("name a row of weight {}", weight));
  check_host_range("embedding", "an index", indices, 0, rows - 1, kRows);
  Shape shape = indices.shape();
  shape.push_back(weight.extent(1));
  const Tensor found = rows_of("embedding", weight, indices), y = alias(found, shape, dense_strides(shape), 0);
  const int64_t skipped = padding_idx ? (*padding_idx < 0 ? *padding_idx + rows : *padding_idx) : -1;
  on_backward("embedding", y, {weight}, {indices},
              [skipped, table = weight.shape()](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                return {rows_added("embedding", dy, saved[0], table, skipped)};
              });
  return y;
}

Tensor one_hot(const Tensor& given, int64_t classes) {
  const Tensor indices = whole_numbers("oneHot", "indices", given);
  STM_CHECK(classes > 0 && classes <= INT32_MAX, Kind::Option, "oneHot", fmt::format("numClasses {}", classes),
            "1 or more", "count the classes");
  STM_CHECK(indices.rank() < Shape::kMaxRank, Kind::Shape, "oneHot", fmt::format("indices {}", indices),
            fmt::format("fewer than {} axes", Shape::kMaxRank), "reshape them");
  check_host_range("oneHot", "an index", indices, 0, classes - 1, "classes");
  Shape shape = indices.shape();
  shape.push_back(classes);
  const Tensor y = empty(shape, DType::F32, indices.device()), flat = reshape(contiguous(indices), {indices.size()});
  enqueue("oneHot", {flat}, {alias(y, {indices.size(), classes}, {classes, 1}, 0)},
          [](Backend& b, Views v) { return b.indexing().one_hot(v.in(0), v.out(0)); });
  return y;
}

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& indices) {
  const size_t axis = check_axis("indexSelect", dim, x.rank());
  check_dtype("indexSelect", "indices", indices, DType::I32);
  check_rank("indexSelect", "indices", indices, 1);
  check_host_range("indexSelect", "an index", indices, 0, x.extent(axis) - 1, "places along dim");
  const Tensor front = transpose(x, 0, axis);
  const int64_t width = front.extent(0) ? front.size() / front.extent(0) : 0;
  const Tensor table = reshape(front, {front.extent(0), width});
  const Tensor found = rows_of("indexSelect", detached(table), indices),
               y = alias(found, found.shape(), found->strides, 0);
  on_backward("indexSelect", y, {table}, {indices},
              [shape = table.shape()](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                return {rows_added("indexSelect", dy, saved[0], shape, -1)};
              });
  return transpose(reshape(y, front.shape().with(0, indices.size())), 0, axis);
}

/// x as [A, T, B] around an axis.
Tensor around(const Tensor& x, size_t axis) {
  int64_t before = 1, after = 1;
  for (size_t i = 0; i < axis; ++i) before *= x.extent(i);
  for (size_t i = axis + 1; i < x.rank(); ++i) after *= x.extent(i);
  return reshape(x, {before, x.extent(axis), after});
}

void check_index(const char* op, const Tensor& x, const Tensor& index, size_t axis) {
  check_dtype(op, "index", index, DType::I32);
  STM_CHECK(index.rank() == x.rank() && index.shape().with(axis, 0) == x.shape().with(axis, 0), Kind::Shape, op,
            fmt::format("index {} for {}", index, x), fmt::format("equal extents except along dim {}", axis),
            "expand the index");
  check_host_range(op, "an index", index, 0, x.extent(axis) - 1, "places along dim");
}

Tensor added_at(const char* op, const Tensor& target, const Tensor& index, const Tensor& source, size_t axis) {
  const Tensor sum = clone(target);
  enqueue_update(op, {around(contiguous(index), axis), around(contiguous(source), axis)}, {around(sum, axis)},
                 [](Backend& b, Views v) { return b.indexing().scatter_add(v.in(0), v.in(1), v.out(0)); });
  return sum;
}

Tensor taken(const char* op, const Tensor& x, const Tensor& index, size_t axis) {
  const Tensor y = empty(index.shape(), x);
  enqueue(op, {around(contiguous(x), axis), around(contiguous(index), axis)}, {around(y, axis)},
          [](Backend& b, Views v) { return b.indexing().gather(v.in(0), v.in(1), v.out(0)); });
  return y;
}

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  const size_t axis = check_axis("gather", dim, x.rank());
  check_index("gather", x, index, axis);
  const Tensor y = taken("gather", detached(x), index, axis);
  on_backward("gather", y, {x}, {index},
              [axis, shape = x.shape()](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                return {added_at("gather", full(shape, 0, dy.dtype(), dy.device()), saved[0], dy, axis)};
              });
  return y;
}

Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  const size_t axis = check_axis("scatterAdd", dim, x.rank());
  check_same_dtype("scatterAdd", x, source);
  STM_CHECK(x.dtype() != DType::Bool, Kind::DType, "scatterAdd", fmt::format("{}", x), "numbers",
            "cast it with cast('i32')");
  STM_CHECK(index.shape() == source.shape(), Kind::Shape, "scatterAdd",
            fmt::format("index {} and source {}", index, source), "one shape", "give each element of source a place");
  check_index("scatterAdd", x, index, axis);
  // Sums of whole numbers are added up in f64, exact to 2^53, and the cast back reports those that an i32 does not
  // hold.
  if (x.dtype() == DType::I32)
    return cast_as("scatterAdd", added_at("scatterAdd", cast(x, DType::F64), index, cast(source, DType::F64), axis),
                   DType::I32);
  const Tensor y = added_at("scatterAdd", detached(x), index, detached(source), axis);
  on_backward("scatterAdd", y, {x, source}, {index},
              [axis](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                return {dy, taken("scatterAdd", dy, saved[0], axis)};
              });
  return y;
}

std::tuple<Tensor, Tensor> sorted(const char* op, const Tensor& x, int64_t dim, bool descending,
                                  const std::optional<int64_t>& first) {
  const size_t axis = check_axis(op, dim, x.rank());
  const int64_t n = x.extent(axis), k = first.value_or(n);
  check_places(op, x, n);
  STM_CHECK(k >= 0 && k <= n, Kind::Option, op, fmt::format("k {}", k),
            fmt::format("0..{}, the extent of dim {}", n, dim), "choose fewer");
  const Tensor last = transpose(detached(x), axis, x.rank() - 1), dense = contiguous(last);
  const int64_t rows = n ? x.size() / n : 0;
  Shape shape = last.shape().with(x.rank() - 1, k);
  const Tensor values = empty(shape, x), places = empty(shape, DType::I32, x.device());
  const auto flat = [rows](const Tensor& z, int64_t width) { return alias(z, {rows, width}, {width, 1}, z->offset); };
  enqueue(op, {flat(dense, n)}, {flat(values, k), flat(places, k)},
          [=](Backend& b, Views v) { return b.indexing().sort(v.in(0), descending, k, v.out(0), v.out(1)); });
  const Tensor indices = transpose(places, axis, x.rank() - 1);
  Tensor y = transpose(values, axis, x.rank() - 1);
  on_backward(op, y, {x}, {indices},
              [op, axis, whole = x.shape()](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                return {added_at(op, full(whole, 0, dy.dtype(), dy.device()), saved[0], dy, axis)};
              });
  return {y, indices};
}

std::tuple<Tensor, Tensor> top_k(const Tensor& x, int64_t k, int64_t dim, bool largest) {
  return sorted("topK", x, dim, largest, k);
}
std::tuple<Tensor, Tensor> sort(const Tensor& x, int64_t dim, bool descending) {
  return sorted("sort", x, dim, descending, std::nullopt);
}

Tensor unfold(const Tensor& given, int64_t dim, int64_t size, int64_t stride, int64_t dilation) {
  const size_t axis = check_axis("unfold", dim, given.rank());
  const int64_t steps = given.extent(axis),
                span = plus(times(std::max<int64_t>(size - 1, 0), std::max<int64_t>(dilation, 0)), 1);
  STM_CHECK(size > 0 && stride > 0 && dilation > 0 && span <= steps, Kind::Option, "unfold",
            fmt::format("size {}, stride {}, dilation {} for dim {} of {}", size, stride, dilation, dim, given),
            fmt::format("positive numbers and a window of at most {} steps", steps),
            "pad the input, or use a smaller window");
  STM_CHECK(given.rank() < Shape::kMaxRank, Kind::Shape, "unfold", fmt::format("{}", given),
            fmt::format("fewer than {} axes", Shape::kMaxRank), "merge axes");
  const int64_t windows = (steps - span) / stride + 1;
  const Tensor x = around(contiguous(detached(given)), axis);
  Shape shape = given.shape().with(axis, windows);
  shape.push_back(size);
  const Tensor y = empty(shape, given);
  const Shape flat{x.extent(0), windows, x.extent(2), size};
  enqueue("unfold", {x}, {alias(y, flat, dense_strides(flat), 0)},
          [=](Backend& b, Views v) { return b.indexing().unfold(v.in(0), stride, dilation, v.out(0)); });
  on_backward(
      "unfold", y, {given}, {},
      [=, grouped = x.shape(), whole = given.shape()](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
        const Tensor dx = empty(grouped, dy);
        enqueue("unfold", {reshape(contiguous(dy), flat)}, {dx},
                [=](Backend& b, Views v) { return b.indexing().fold(v.in(0), stride, dilation, v.out(0)); });
        return {reshape(dx, whole)};
      });
  return y;
}

}  // namespace

Tensor whole_numbers(const char* op, const char* name, const Tensor& given, const RealItems& items) {
  if (given.dtype() == DType::I32) return given;
  STM_CHECK(is_floating(given.dtype()), Kind::DType, op, fmt::format("{} {}", name, given),
            "i32, or f32 or f64 that hold whole numbers", "cast it with cast('i32')");
  const Tensor x = contiguous(detached(given)), whole = empty(x.shape(), DType::I32, x.device());
  enqueue(op, {x}, {whole},
          [items](Backend& b, Views v) { return b.indexing().whole_numbers(v.in(0), items.view(), v.out(0)); });
  // What is known of numbers from the host is known of these, so that a wrong one is an error at the call.
  const std::optional<HostRange>& range = given->storage->host_range();
  if (range && !given->is_view && !items.lengths) whole->storage->set_host_range(*range);
  return whole;
}

void declare_indexing(OpTable& table) {
  table.add("embedding", &embedding, {"indices", "weight", "paddingIdx"},
            "Rows of weight by index; the row paddingIdx gets no gradient.");
  table.add("oneHot", &one_hot, {"indices", "numClasses"},
            "1 at the place of each index along a new last axis, 0 elsewhere (f32).");
  table.add("indexSelect", &index_select, {"x", "dim", "indices"}, "Places along an axis, in the order of indices.");
  table.add("gather", &gather, {"x", "dim", "index"}, "One place along an axis for each element of index.");
  table.add("scatterAdd", &scatter_add, {"x", "dim", "index", "source"},
            "x with each element of source added at its place along an axis.");
  table.add("topK", &top_k, {"x", "k", "dim", "largest"},
            "The k largest or smallest elements along an axis, in order, and their places.");
  table.add("sort", &sort, {"x", "dim", "descending"}, "Elements in order along an axis, and their places; stable.");
  table.add("unfold", &unfold, {"x", "dim", "size", "stride", "dilation"}, "Windows along an axis as a new last axis.");
}

}  // namespace stm::ops
