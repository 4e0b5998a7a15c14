// Every kernel that shares its work over the team, repeated with 1, 2, 3, 4 and 8 threads on shapes large enough to be
// shared: see repeats.h. The recurrent ones are in recurrent_repeats_test.cc. usage: kernel_repeats_test [repeats]
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "backend/cpu/backend.h"
#include "repeats.h"

namespace {

using namespace stm;
using testing::Numbers;
using testing::Repeats;
using testing::require;

constexpr double kTolerance = 1e-5;  // f32: sums of up to a few thousand terms in another order

/// A dense tensor with numbers of its own.
template <class T>
struct Array {
  std::vector<T> values;
  View view;

  explicit Array(std::vector<int64_t> shape, double low = -1, double high = 1) {
    view.dtype = std::is_same_v<T, float>     ? DType::F32
                 : std::is_same_v<T, double>  ? DType::F64
                 : std::is_same_v<T, int32_t> ? DType::I32
                                              : DType::Bool;
    view.rank = static_cast<int32_t>(shape.size());
    int64_t size = 1;
    for (int axis = view.rank - 1; axis >= 0; --axis) {
      view.extent[axis] = shape[static_cast<size_t>(axis)];
      view.stride[axis] = size;
      size *= view.extent[axis];
    }
    values.resize(static_cast<size_t>(size));
    for (T& value : values) value = static_cast<T>(testing::draw_real(low, high));
    view.data = values.data();
  }
  Array(const Array& other) : values(other.values), view(other.view) { view.data = values.data(); }
};
using F32 = Array<float>;
using F64 = Array<double>;
using I32 = Array<int32_t>;
using Bool = Array<uint8_t>;

View transposed(View view) {
  std::swap(view.extent[0], view.extent[1]);
  std::swap(view.stride[0], view.stride[1]);
  return view;
}

/// All that a call has written, one array after the other.
template <class... Arrays>
Numbers all_of(const Arrays&... arrays) {
  Numbers numbers;
  (numbers.insert(numbers.end(), arrays.values.begin(), arrays.values.end()), ...);
  return numbers;
}

// ---- element by element

void check_elementwise(Repeats& repeats) {
  ElementwiseKernels& kernels = cpu_elementwise();
  const F32 a({300, 200}), b({300, 200}), row({1, 200}), columns({200, 300});
  View spread = row.view;
  spread.extent[0] = 300, spread.stride[0] = 0;
  repeats.check("unary", kTolerance, [&] {
    F32 out({300, 200}), gradient({300, 200});
    require(kernels.unary(Unary::tanh, 0, a.view, out.view), "unary");
    require(kernels.unary_backward(Unary::tanh, 0, a.view, out.view, b.view, gradient.view), "unary_backward");
    return all_of(out, gradient);
  });
  repeats.check("binary", kTolerance, [&] {
    F32 dense({300, 200}), broadcast({300, 200}), strided({300, 200}), scalar({300, 200});
    require(kernels.binary(Binary::add, a.view, b.view, dense.view), "binary");
    require(kernels.binary(Binary::mul, a.view, spread, broadcast.view), "binary, broadcast");
    require(kernels.binary(Binary::sub, a.view, transposed(columns.view), strided.view), "binary, strided");
    require(kernels.binary_scalar(Binary::mul, a.view, 3, false, scalar.view), "binary_scalar");
    return all_of(dense, broadcast, strided, scalar);
  });
  repeats.check("comparisons and copies", kTolerance, [&] {
    Bool less({300, 200}), positive({300, 200});
    F32 chosen({300, 200}), copied({300, 200}), filled({300, 200});
    F64 cast({300, 200});
    require(kernels.compare(Compare::lt, a.view, b.view, less.view), "compare");
    require(kernels.compare_scalar(Compare::gt, a.view, 0, positive.view), "compare_scalar");
    require(kernels.where(less.view, a.view, b.view, chosen.view), "where");
    require(kernels.copy(transposed(columns.view), copied.view), "copy");
    require(kernels.copy(a.view, cast.view), "copy to f64");
    require(kernels.fill(2.5, filled.view), "fill");
    return all_of(less, positive, chosen, copied, cast, filled);
  });
}

// ---- products

void check_products(Repeats& repeats) {
  MatmulKernels& kernels = cpu_matmul();
  const F32 a({90, 150}), b({150, 120}), row({1, 1200}), wide({1200, 600}), many({9, 40, 50}), others({9, 50, 60}),
      bias({120}), weight({120, 150});
  const F64 c({70, 130}), d({130, 90});
  View apart = many.view;  // matrices that no single stride leads to
  apart.rank = 4, apart.extent[0] = 3, apart.extent[1] = 2, apart.extent[2] = 40, apart.extent[3] = 50;
  apart.stride[0] = 4000, apart.stride[1] = 2000, apart.stride[2] = 50, apart.stride[3] = 1;
  View apart_right = others.view;
  apart_right.rank = 4, apart_right.extent[0] = 3, apart_right.extent[1] = 2, apart_right.extent[2] = 50,
  apart_right.extent[3] = 60;
  apart_right.stride[0] = 3000, apart_right.stride[1] = 9000, apart_right.stride[2] = 60, apart_right.stride[3] = 1;
  repeats.check("matmul", kTolerance, [&] {
    F32 square({90, 120}), of_row({1, 600}), batched({9, 40, 60}), scattered({3, 2, 40, 60}), layer({90, 120});
    F64 precise({70, 90});
    require(kernels.matmul(MathMode::Fma, a.view, b.view, square.view), "matmul");
    require(kernels.matmul(MathMode::Fma, c.view, d.view, precise.view), "matmul, f64");
    require(kernels.matmul(MathMode::Fma, row.view, wide.view, of_row.view), "matmul, one row");
    require(kernels.matmul(MathMode::Fma, many.view, others.view, batched.view), "matmul, batched");
    require(kernels.matmul(MathMode::Fma, apart, apart_right, scattered.view), "matmul, scattered");
    require(kernels.linear(MathMode::Fma, a.view, weight.view, bias.view, layer.view), "linear");
    return all_of(square, precise, of_row, batched, scattered, layer);
  });
}

// ---- reductions

void check_reductions(Repeats& repeats) {
  ReduceKernels& kernels = cpu_reduce();
  const F32 x({300, 200}), tall({9000, 8}), close_to_one({300, 200}, 0.99, 1.01);
  for (const Fold fold : {Fold::Sum, Fold::Prod, Fold::Max, Fold::Min}) {
    const View& of = fold == Fold::Prod ? close_to_one.view : x.view;
    repeats.check("reduce " + std::to_string(static_cast<int>(fold)), kTolerance, [&] {
      F32 everything(std::vector<int64_t>{}), rows({300}), columns({200}), sliced({8});
      require(kernels.reduce(fold, of, 2, everything.view), "reduce, everything");
      require(kernels.reduce(fold, of, 1, rows.view), "reduce, rows");
      require(kernels.reduce(fold, transposed(of), 1, columns.view), "reduce, columns");
      if (fold != Fold::Prod)
        require(kernels.reduce(fold, transposed(tall.view), 1, sliced.view), "reduce, few columns of many rows");
      return fold == Fold::Prod ? all_of(everything, rows, columns) : all_of(everything, rows, columns, sliced);
    });
  }
  repeats.check("places and running sums", kTolerance, [&] {
    I32 largest({300}), smallest({200});
    F32 along_rows({300, 200}), along_columns({300, 200});
    require(kernels.arg_extreme(true, x.view, largest.view), "arg_extreme");
    require(kernels.arg_extreme(false, transposed(x.view), smallest.view), "arg_extreme, columns");
    require(kernels.cumsum(x.view, false, along_rows.view), "cumsum");
    require(kernels.cumsum(transposed(x.view), true, transposed(along_columns.view)), "cumsum, columns");
    return all_of(largest, smallest, along_rows, along_columns);
  });
}

// ---- indices

void check_indexing(Repeats& repeats) {
  IndexingKernels& kernels = cpu_indexing();
  const F32 table({90, 64}), rows({700, 64}), x({6, 50, 80}), source({6, 40, 80}), long_rows({5, 9000}),
      sequences({7, 120, 24});
  const I32 indices({700}, 0, 89.9), places({6, 40, 80}, 0, 49.9);
  repeats.check("rows by index", kTolerance, [&] {
    F32 gathered({700, 64}), hot({700, 90}), added({90, 64});
    require(kernels.gather_rows(table.view, indices.view, gathered.view), "gather_rows");
    require(kernels.one_hot(indices.view, hot.view), "one_hot");
    require(kernels.add_rows(rows.view, indices.view, 3, added.view), "add_rows");
    return all_of(gathered, hot, added);
  });
  repeats.check("elements by index", kTolerance, [&] {
    F32 gathered({6, 40, 80}), target(x);
    require(kernels.gather(x.view, places.view, gathered.view), "gather");
    require(kernels.scatter_add(places.view, source.view, target.view), "scatter_add");
    return all_of(gathered, target);
  });
  repeats.check("sort", kTolerance, [&] {
    F32 values({5, 9000}), best({5, 10});
    I32 order({5, 9000}), best_places({5, 10});
    require(kernels.sort(long_rows.view, false, 9000, values.view, order.view), "sort");
    require(kernels.sort(long_rows.view, true, 10, best.view, best_places.view), "sort, the first");
    return all_of(values, best, order, best_places);
  });
  repeats.check("windows", kTolerance, [&] {
    F32 windows({7, 58, 24, 5}), folded({7, 120, 24});
    require(kernels.unfold(sequences.view, 2, 1, windows.view), "unfold");
    require(kernels.fold(windows.view, 2, 1, folded.view), "fold");
    return all_of(windows, folded);
  });
}

// ---- normalization

void check_row_normalization(Repeats& repeats) {
  NormalizationKernels& kernels = cpu_normalization();
  const F32 x({400, 90}), dy({400, 90}), weight({90}), bias({90});
  const Bool mask({400, 90}, 0, 1.9);
  for (const bool logarithm : {false, true}) {
    repeats.check(logarithm ? "log softmax" : "softmax", kTolerance, [&] {
      F32 y({400, 90}), masked({400, 90}), dx({400, 90});
      require(kernels.softmax(x.view, View{}, logarithm, y.view), "softmax");
      require(kernels.softmax(x.view, mask.view, false, masked.view), "softmax, masked");
      require(kernels.softmax_backward(y.view, dy.view, logarithm, dx.view), "softmax_backward");
      return all_of(y, masked, dx);
    });
  }
  repeats.check("layer norm", kTolerance, [&] {
    F32 y({400, 90}), dx({400, 90}), dweight({90}), dbias({90});
    F64 statistics({400, 2});
    require(kernels.layer_norm(x.view, weight.view, bias.view, 90, 1e-5, y.view, statistics.view), "layer_norm");
    require(kernels.layer_norm_backward(x.view, weight.view, 90, statistics.view, dy.view, dx.view, dweight.view,
                                        dbias.view),
            "layer_norm_backward");
    return all_of(y, statistics, dx, dweight, dbias);
  });
}

void check_batch_normalization(Repeats& repeats) {
  NormalizationKernels& kernels = cpu_normalization();
  const F32 x({320, 150}), dy({320, 150}), weight({150}), bias({150});
  std::vector<int32_t> lengths = {40, 0, 13, 40, 1, 27, 40, 8};  // of eight sequences of 40 steps
  for (const bool ragged : {false, true}) {
    const Padding padding{ragged ? lengths.data() : nullptr, 40, 1};
    const int64_t count = ragged ? 169 : 320;
    repeats.check(ragged ? "batch norm, ragged" : "batch norm", kTolerance, [&] {
      F32 y({320, 150}), dx({320, 150}), dweight({150}), dbias({150});
      F64 statistics({2, 150});
      require(kernels.batch_statistics(x.view, padding, statistics.view), "batch_statistics");
      View mean = statistics.view, variance = statistics.view;
      mean.rank = variance.rank = 1;
      mean.extent[0] = variance.extent[0] = 150;
      mean.stride[0] = variance.stride[0] = 1;
      variance.data = statistics.values.data() + 150;
      require(kernels.batch_norm(x.view, mean, variance, weight.view, bias.view, 1e-5, padding, y.view), "batch_norm");
      require(kernels.batch_norm_backward(x.view, mean, variance, weight.view, 1e-5, true, count, padding, dy.view,
                                          dx.view, dweight.view, dbias.view),
              "batch_norm_backward");
      return all_of(statistics, y, dx, dweight, dbias);
    });
  }
}

// ---- losses

void check_pointwise_losses(Repeats& repeats) {
  LossKernels& kernels = cpu_losses();
  const F32 x({300, 200}, 0, 1), target({300, 200}, 0, 1), dy({300, 200});
  const std::vector<int32_t> lengths = {50, 0, 17, 50, 3, 41};
  for (const bool reduce : {true, false}) {
    for (const bool ragged : {false, true}) {
      PointwiseLoss loss;
      loss.function = Pointwise::BinaryCrossEntropy;
      loss.reduce = reduce;
      if (ragged) loss.elements = {lengths.data(), 50 * 200, 200};
      repeats.check("pointwise loss", kTolerance, [&] {
        F32 value(reduce ? std::vector<int64_t>{} : std::vector<int64_t>{300, 200}), dx({300, 200}),
            dtarget({300, 200});
        F64 partial({60'000 / LossKernels::kPartial + 1}, 0, 0);
        require(kernels.pointwise(loss, x.view, target.view, View{}, value.view, partial.view), "pointwise");
        require(kernels.pointwise_backward(loss, x.view, target.view, View{}, dy.view, dx.view, dtarget.view),
                "pointwise_backward");
        return all_of(value, partial, dx, dtarget);
      });
    }
  }
}

void check_cross_entropy(Repeats& repeats) {
  LossKernels& kernels = cpu_losses();
  const F32 x({600, 60}), class_weight({60}, 0.5, 2), step_weight({600}, 0, 1), dy({600});
  const I32 target({600}, 0, 59.9);
  const std::vector<int32_t> lengths = {100, 0, 33, 100, 1, 71};
  for (const bool reduce : {true, false}) {
    CrossEntropyLoss loss;
    loss.reduce = loss.mean = reduce;
    loss.label_smoothing = 0.1;
    loss.steps = {lengths.data(), 100, 1};
    repeats.check("cross entropy", kTolerance, [&] {
      F32 value(reduce ? std::vector<int64_t>{} : std::vector<int64_t>{600}), dx({600, 60});
      F64 saved({3 * 600 + 2}, 0, 0);
      require(
          kernels.cross_entropy(loss, x.view, target.view, class_weight.view, step_weight.view, value.view, saved.view),
          "cross_entropy");
      require(kernels.cross_entropy_backward(loss, x.view, target.view, class_weight.view, step_weight.view, saved.view,
                                             dy.view, dx.view),
              "cross_entropy_backward");
      return all_of(value, saved, dx);
    });
  }
}

void check_ctc(Repeats& repeats) {
  constexpr int64_t kSteps = 30, kRows = 9, kClasses = 12, kLongest = 7;
  const F32 x({kSteps, kRows, kClasses}, -4, 0), dy(std::vector<int64_t>{});
  const I32 target({kRows * kLongest}, 1, 11.9);
  const std::vector<int32_t> steps = {30, 20, 30, 0, 15, 30, 16, 25, 30}, labels = {7, 3, 0, 0, 5, 7, 1, 2, 6};
  std::vector<int64_t> offsets;
  for (int64_t n = 0; n < kRows; ++n) offsets.push_back(n * kLongest);
  const std::vector<double> factors(kRows, 1.0 / kRows);
  const CtcLoss loss{0, true, true, kLongest, steps.data(), labels.data(), offsets.data(), factors.data()};
  repeats.check("ctc", kTolerance, [&] {
    F32 value(std::vector<int64_t>{}), dx({kSteps, kRows, kClasses});
    F64 losses({kRows}), alpha({kRows, kSteps, 2 * kLongest + 1}, 0, 0), beta({kRows, 2 * (2 * kLongest + 1)}, 0, 0);
    require(cpu_losses().ctc(loss, x.view, target.view, value.view, losses.view, alpha.view), "ctc");
    require(cpu_losses().ctc_backward(loss, x.view, target.view, losses.view, alpha.view, dy.view, beta.view, dx.view),
            "ctc_backward");
    return all_of(value, losses, dx);
  });
}

// ---- optimizers

/// Two steps of a rule on two parameters, of which the first is shared out and the second begins in the middle of a
/// part.
template <class Rule>
void check_rule(Repeats& repeats, const char* name, const Rule& rule) {
  const F32 gradient({50'001}), other_gradient({20'000}), parameter({50'001}), other({20'000});
  repeats.check(name, kTolerance, [&] {
    F32 p(parameter), q(other), m0({50'001}, 0, 0), m1({50'001}, 0, 0), m2({50'001}, 0, 0), n0({20'000}, 0, 0),
        n1({20'000}, 0, 0), n2({20'000}, 0, 0);
    double scalars[2][2] = {{0, 1}, {0, 1}};
    const OptimizerSlot slots[] = {{p.values.data(),
                                    gradient.values.data(),
                                    {m0.values.data(), m1.values.data(), m2.values.data()},
                                    scalars[0],
                                    50'001,
                                    DType::F32},
                                   {q.values.data(),
                                    other_gradient.values.data(),
                                    {n0.values.data(), n1.values.data(), n2.values.data()},
                                    scalars[1],
                                    20'000,
                                    DType::F32}};
    for (int i = 0; i < 2; ++i) require(cpu_optimizers().step(rule, slots, 2), name);
    return all_of(p, q, m0, m1, m2, n0, n1, n2);
  });
}

void check_optimizers(Repeats& repeats) {
  static const double rate = 0.01;
  const OptimizerRule common{0.1, &rate};
  check_rule(repeats, "sgd", SgdRule{common, 0.9, 0.1, true});
  check_rule(repeats, "adam", AdamRule{common, 0.9, 0.99, 1e-8, true, true});
  check_rule(repeats, "nadam", NadamRule{common, 0.9, 0.99, 1e-8, 0.004, false});
  check_rule(repeats, "adamax", AdamaxRule{common, 0.9, 0.99, 1e-8});
  check_rule(repeats, "rmsprop", RmspropRule{common, 0.9, 1e-8, 0.9, true});
  check_rule(repeats, "adagrad", AdagradRule{common, 0.1, 1e-8});
  check_rule(repeats, "adadelta", AdadeltaRule{common, 0.9, 1e-6});
}

void check_clipping(Repeats& repeats) {
  const F32 a({50'001}), b({20'000});
  repeats.check("clipping", kTolerance, [&] {
    F32 first(a), second(b), norm(std::vector<int64_t>{});
    const View gradients[] = {first.view, second.view};
    require(cpu_optimizers().total_norm(2, gradients, 2, norm.view), "total_norm");
    require(cpu_optimizers().scale_to_norm(1, norm.view, gradients, 2), "scale_to_norm");
    require(cpu_optimizers().clamp(0.002, gradients, 2), "clamp");
    return all_of(first, second, norm);
  });
}

// ---- random numbers

void check_random(Repeats& repeats) {
  RandomKernels& kernels = cpu_random();
  const PhiloxStream stream{11, 5};
  const F32 p({60'001}, 0, 1), x({60'001});
  repeats.check("random numbers", 0, [&] {
    F32 uniform({60'001}), normal({60'001}), coins({60'001}), dropped({60'001}), basis({60, 200});
    F64 precise({40'001});
    I32 whole({60'001});
    require(kernels.uniform(stream, -1, 1, uniform.view), "uniform");
    require(kernels.normal(stream, 0, 1, normal.view), "normal");
    require(kernels.normal(stream, 0, 1, precise.view), "normal, f64");
    require(kernels.integers(stream, 0, 100, whole.view), "integers");
    require(kernels.bernoulli(stream, p.view, coins.view), "bernoulli");
    require(kernels.dropout(stream, 0.3, x.view, dropped.view), "dropout");
    require(kernels.orthogonal(stream, 1, 60, 200, basis.view), "orthogonal");
    return all_of(uniform, normal, precise, whole, coins, dropped, basis);
  });
}

}  // namespace

int main(int argc, char** argv) {
  Repeats repeats(argc, argv);
  for (const auto check : {check_elementwise, check_products, check_reductions, check_indexing, check_row_normalization,
                           check_batch_normalization, check_pointwise_losses, check_cross_entropy, check_ctc,
                           check_optimizers, check_clipping, check_random})
    check(repeats);
  return testing::finish("kernel_repeats_test");
}
