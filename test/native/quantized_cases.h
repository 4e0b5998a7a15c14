#pragma once
// Layers with weights of 8 bits on the CPU, with their inputs, and what runs them.
#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "backend/cpu/backend.h"
#include "recurrent_cases.h"

namespace stm::testing {

using Floats = std::vector<float>;

inline Floats some_floats(int64_t count, double scale) {
  const std::vector<double> values = numbers(count, scale);
  return Floats(values.begin(), values.end());
}

/// A row rounded to 8 bits as the kernels round it, written out plainly.
struct PlainRow {
  std::vector<int32_t> values;
  float scale = 0;

  PlainRow(const float* x, int64_t count) {
    float largest = 0;
    for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(x[i]));
    const float factor = largest > 0 ? 127.0f / largest : 0.0f;
    for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<int32_t>(std::nearbyint(x[i] * factor)));
    scale = largest / 127.0f;
  }
  /// The product with a row of a weight.
  double times(const int8_t* weight, float weight_scale) const {
    int64_t sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += values[i] * weight[i];
    return static_cast<double>(sum) * scale * weight_scale;
  }
};

/// A matrix that quantize() has rounded.
struct Int8Matrix {
  int64_t rows, columns;
  std::vector<int8_t> values;
  Floats scales;

  Int8Matrix(int64_t r, int64_t c, Floats numbers) : rows(r), columns(c) {
    values.resize(static_cast<size_t>(r * c));
    scales.resize(static_cast<size_t>(r));
    require(
        cpu_quantized().quantize(view_of(numbers.data(), DType::F32, {r, c}),
                                 view_of(values.data(), DType::Bool, {r, c}), view_of(scales.data(), DType::F32, {r})),
        "quantize");
  }
  const int8_t* row(int64_t r) const { return values.data() + r * columns; }

  static View view_of(void* data, DType dtype, const std::vector<int64_t>& shape) {
    View view;
    view.data = data;
    view.dtype = dtype;
    view.rank = static_cast<int32_t>(shape.size());
    int64_t stride = 1;
    for (int i = view.rank - 1; i >= 0; --i) {
      view.extent[i] = shape[static_cast<size_t>(i)];
      view.stride[i] = stride;
      stride *= view.extent[i];
    }
    return view;
  }
};

/// x · weightᵀ + bias by the kernels.
inline Floats linear_of(Floats x, int64_t rows, Int8Matrix weight, Floats bias) {
  QuantizedKernels& kernels = cpu_quantized();
  const int64_t in = weight.columns, out = weight.rows;
  Guarded packed(kernels.packed_bytes(out, in), 0xFF), scratch(kernels.scratch_bytes(rows, in), 0xFF),
      y(static_cast<size_t>(rows * out) * sizeof(float), 0xFF);
  const auto view = &Int8Matrix::view_of;
  require(kernels.pack(view(weight.values.data(), DType::Bool, {out, in}), packed.get()), "pack");
  require(kernels.linear(view(x.data(), DType::F32, {rows, in}), packed.get(),
                         view(weight.scales.data(), DType::F32, {out}),
                         bias.empty() ? View() : view(bias.data(), DType::F32, {out}), scratch.get(),
                         view(y.get(), DType::F32, {rows, out})),
          "linear");
  require(packed.intact() && scratch.intact() && y.intact(), "a write outside of a buffer");
  const float* const values = static_cast<const float*>(y.get());
  return Floats(values, values + rows * out);
}

/// What a stack gives.
struct StackResult {
  Floats y, h, c;
};

/// A stack of recurrent layers with weights of 8 bits.
struct Int8Stack {
  RecurrentProblem p;
  std::vector<int32_t> lengths;
  std::vector<int8_t> weights;
  Floats scales;  ///< and biases
  Floats x, h0, c0;

  /// Sizes must be set, and lengths.
  void draw_values() {
    p.quantized = true;
    p.lengths = lengths.empty() ? nullptr : lengths.data();
    const double scale = 1 / std::sqrt(static_cast<double>(p.H));
    for_each_weight(p, [&](const RecurrentWeight& w) {
      if (w.is_bias()) {
        const Floats bias = some_floats(w.rows, scale);
        scales.insert(scales.end(), bias.begin(), bias.end());
        return;
      }
      const Int8Matrix matrix(w.rows, w.columns, some_floats(w.size(), scale));
      weights.insert(weights.end(), matrix.values.begin(), matrix.values.end());
      scales.insert(scales.end(), matrix.scales.begin(), matrix.scales.end());
    });
    x = some_floats(p.N * p.T * p.D, 1);
    h0 = some_floats(p.L * p.K * p.N * p.width(), 0.7);
    c0 = some_floats(p.L * p.K * p.N * p.H, 0.7);
  }

  /// By the kernels. Null states are zeros.
  StackResult operator()() const { return run(p, x.data(), h0.data(), c0.data()); }
  StackResult run(const RecurrentProblem& problem, const float* input, const float* h, const float* c) const {
    RecurrentSizes sizes;
    require(cpu_recurrent().sizes(problem, &sizes), "sizes");
    const auto bytes = [](int64_t count) { return static_cast<size_t>(count) * sizeof(float); };
    const int64_t states = problem.L * problem.K * problem.N, ys = problem.N * problem.T * problem.K * problem.width();
    const bool lstm = problem.cell == Cell::Lstm;
    Guarded packed(sizes.packed, 0xFF), workspace(sizes.forward_workspace, 0xFF), y(bytes(ys), 0xFF),
        hn(bytes(states * problem.width()), 0xFF), cn(bytes(lstm ? states * problem.H : 0), 0xFF);
    require(cpu_recurrent().pack(problem, weights.data(), packed.get()), "pack");
    RecurrentForward buffers{input,   h,        lstm ? c : nullptr,        weights.data(), packed.get(),
                             y.get(), hn.get(), lstm ? cn.get() : nullptr, nullptr,        workspace.get()};
    buffers.scales = scales.data();
    require(cpu_recurrent().forward(problem, buffers), "forward");
    for (const Guarded* buffer : {&packed, &workspace, &y, &hn, &cn})
      require(buffer->intact(), "a write outside of a buffer");
    const auto floats = [](Guarded& from, int64_t count) {
      const float* const values = static_cast<const float*>(from.get());
      return Floats(values, values + count);
    };
    return {floats(y, ys), floats(hn, states * problem.width()), floats(cn, lstm ? states * problem.H : 0)};
  }
};

}  // namespace stm::testing
