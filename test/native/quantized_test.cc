// Weights of 8 bits and products with them on every instruction set of this processor, against the same written out
// plainly. usage: quantized_test [seed]
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "backend/cpu/recurrent/quantized.h"
#include "backend/cpu/simd_dispatch.h"
#include "backend/cpu/stopping.h"
#include "quantized_cases.h"

namespace {

using namespace stm;
using namespace stm::testing;

constexpr double kRounding = 2e-6;  // of the last steps, in f32: a product with two scales, a sum, a gate

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void check_quantize() {
  const Floats weight{0.5f, -1.0f, 0.25f, 0.0f, 0.0f, 0.0f, 3.0f, 2.9f, -3.0f, 1.0f, INFINITY, 2.0f};
  const Int8Matrix q(4, 3, weight);
  const std::vector<int8_t> expected{64, -127, 32, 0, 0, 0, 127, 123, -127, 0, 0, 0};  // 63.5 to even
  require(q.values == expected, "quantize: other numbers");
  require(q.scales[0] == 1.0f / 127 && q.scales[1] == 0 && q.scales[2] == 3.0f / 127, "quantize: other scales");
  require(std::isnan(q.scales[3]), "quantize: a row that is not finite has no scale that says so");
}

void check_linear(const std::string& target) {
  for (const auto& [rows, in, out] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1},
                                      {1, 2, 3},
                                      {2, 3, 65},
                                      {3, 31, 16},
                                      {4, 33, 64},
                                      {5, 64, 17},
                                      {7, 127, 130},
                                      {13, 5, 63},
                                      {100, 40, 9},
                                      {193, 7, 70},
                                      {2, 1'000, 100}}) {
    const std::string name =
        target + ": linear " + std::to_string(rows) + " x " + std::to_string(in) + " to " + std::to_string(out);
    Floats x = some_floats(rows * in, 3), bias = rows % 2 ? some_floats(out, 1) : Floats();
    if (rows > 2) std::fill_n(x.begin() + in, in, 0.0f);
    const Int8Matrix weight(out, in, some_floats(out * in, 0.5));
    const Floats y = linear_of(x, rows, weight, bias);
    for (int64_t r = 0; r < rows; ++r) {
      const PlainRow row(x.data() + r * in, in);
      for (int64_t o = 0; o < out; ++o) {
        const double expected = row.times(weight.row(o), weight.scales[static_cast<size_t>(o)]) +
                                (bias.empty() ? 0 : bias[static_cast<size_t>(o)]);
        if (!near(y[static_cast<size_t>(r * out + o)], expected, kRounding, kRounding)) return fail(name);
      }
    }
  }
}

/// The largest sums that there are, where an instruction that saturates would show.
// Sums that come near 2^31, too.
void check_extremes(const std::string& target) {
  const int64_t in = kMostQuantizedColumns, out = 70;
  for (const float sign : {1.0f, -1.0f}) {
    const Int8Matrix weight(out, in, Floats(static_cast<size_t>(out * in), sign * 2.0f));
    for (const float y : linear_of(Floats(static_cast<size_t>(in), 5.0f), 1, weight, {}))
      require(near(y, sign * 10.0 * static_cast<double>(in), 1e-6, 0), target + ": the largest products");
  }
}

void check_not_finite(const std::string& target) {
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), INFINITY, -INFINITY}) {
    const int64_t rows = 5, in = 37, out = 20;
    Floats x = some_floats(rows * in, 1);
    const Int8Matrix weight(out, in, some_floats(out * in, 1));
    const Floats before = linear_of(x, rows, weight, {});
    x[static_cast<size_t>(2 * in + 36)] = odd;
    const Floats y = linear_of(x, rows, weight, {});
    for (int64_t i = 0; i < rows * out; ++i) {
      const size_t at = static_cast<size_t>(i);
      require(i / out == 2 ? std::isnan(y[at]) : y[at] == before[at], target + ": a row that is not finite");
    }
  }
}

/// One step of one row of one layer, from the numbers that the kernels began it with.
void plain_step(const Int8Stack& s, const float* x, const float* h, std::vector<double>* c, std::vector<double>* out) {
  const RecurrentProblem& p = s.p;
  const int64_t H = p.H, G = p.gates();
  const int8_t *w_ih = s.weights.data(), *w_hh = w_ih + G * H * p.D;
  const float *s_ih = s.scales.data(), *s_hh = s_ih + G * H, *b_ih = s_hh + G * H, *b_hh = b_ih + G * H;
  const PlainRow input(x, p.D), state(h, H);
  const auto of_input = [&](int64_t g, int64_t u) {
    return input.times(w_ih + (g * H + u) * p.D, s_ih[g * H + u]) + b_ih[g * H + u];
  };
  const auto of_state = [&](int64_t g, int64_t u) {
    return state.times(w_hh + (g * H + u) * H, s_hh[g * H + u]) + b_hh[g * H + u];
  };
  for (int64_t u = 0; u < H; ++u) {
    const auto sum = [&](int64_t g) { return of_input(g, u) + of_state(g, u); };
    double& result = (*out)[static_cast<size_t>(u)];
    if (p.cell == Cell::Lstm) {
      double& cell = (*c)[static_cast<size_t>(u)];
      cell = sigmoid(sum(1)) * cell + sigmoid(sum(0)) * std::tanh(sum(2));
      result = sigmoid(sum(3)) * std::tanh(cell);
    } else if (p.cell == Cell::Gru) {
      const double z = sigmoid(sum(1)), n = std::tanh(of_input(2, u) + sigmoid(sum(0)) * of_state(2, u));
      result = (1 - z) * n + z * h[u];
    } else {
      result = p.cell == Cell::RnnTanh ? std::tanh(sum(0)) : std::max(0.0, sum(0));
    }
  }
}

/// Each step of a layer, from the h that the kernels gave for the one before: an h that differs in its last bit may be
/// rounded to another number of 8 bits, and be no mistake.
void check_steps(const std::string& target) {
  for (const Cell cell : {Cell::Lstm, Cell::Gru, Cell::RnnTanh, Cell::RnnRelu}) {
    for (const auto& [N, T, D, H] : {std::tuple<int64_t, int64_t, int64_t, int64_t>{1, 6, 5, 7},
                                     {1, 3, 40, 33},
                                     {4, 3, 17, 16},
                                     {9, 2, 8, 50},
                                     {1, 1, 9, 40}}) {
      Int8Stack s;
      s.p.cell = cell;
      s.p.N = N, s.p.T = T, s.p.D = D, s.p.H = H;
      s.draw_values();
      const StackResult got = s();
      bool right = true;
      for (int64_t n = 0; n < N; ++n) {
        std::vector<double> c(s.c0.begin() + n * H, s.c0.begin() + (n + 1) * H), h(static_cast<size_t>(H));
        for (int64_t t = 0; t < T; ++t) {
          const float* const before = t ? got.y.data() + (n * T + t - 1) * H : s.h0.data() + n * H;
          plain_step(s, s.x.data() + (n * T + t) * D, before, &c, &h);
          for (int64_t u = 0; u < H; ++u)
            right &= near(got.y[static_cast<size_t>((n * T + t) * H + u)], h[static_cast<size_t>(u)], 4 * kRounding,
                          4 * kRounding);
        }
        for (int64_t u = 0; u < H && cell == Cell::Lstm; ++u)
          right &= near(got.c[static_cast<size_t>(n * H + u)], c[static_cast<size_t>(u)], 4 * kRounding, 4 * kRounding);
      }
      require(right, target + ": steps of cell " + std::to_string(static_cast<int>(cell)) + " with " +
                         std::to_string(N) + " rows, " + std::to_string(H) + " units");
    }
  }
}

/// A sequence step by step, and each row alone, give the bits of the batch; with 150 steps it comes in blocks of steps.
void check_parts(const std::string& target, int64_t steps) {
  for (const Cell cell : {Cell::Lstm, Cell::Gru, Cell::RnnTanh}) {
    Int8Stack s;
    s.p.cell = cell;
    s.p.N = 6, s.p.T = steps, s.p.D = 11, s.p.H = 40, s.p.L = 2, s.p.P = cell == Cell::Lstm ? 13 : 0;
    s.draw_values();
    const int64_t O = s.p.width(), H = s.p.H, D = s.p.D, T = s.p.T, N = s.p.N;
    const StackResult whole = s();
    for (int64_t n = 0; n < N; ++n) {
      RecurrentProblem one = s.p;
      one.N = one.T = 1;
      StackResult state;
      for (int64_t l = 0; l < 2; ++l) {
        const auto h = s.h0.begin() + (l * N + n) * O, c = s.c0.begin() + (l * N + n) * H;
        state.h.insert(state.h.end(), h, h + O);
        state.c.insert(state.c.end(), c, c + H);
      }
      for (int64_t t = 0; t < T; ++t) {
        state = s.run(one, s.x.data() + (n * T + t) * D, state.h.data(), state.c.data());
        require(std::equal(state.y.begin(), state.y.end(), whole.y.begin() + (n * T + t) * O),
                target + ": a step alone has other bits, cell " + std::to_string(static_cast<int>(cell)));
      }
    }
  }
}

/// A member that is told to stop packs nothing more, of whichever matrix its part is: of so many members most that have
/// one have but one panel.
void check_stop(const std::string& target) {
  Int8Stack s;
  s.p.cell = Cell::Lstm;
  s.p.N = 1, s.p.T = 1, s.p.D = 3, s.p.H = 150, s.p.P = 140;
  s.draw_values();
  RecurrentSizes sizes;
  require(cpu_recurrent().sizes(s.p, &sizes), "sizes");
  const auto packed_by_all = [&] {
    constexpr int kMembers = 1'000;
    std::vector<char> packed(sizes.packed + 64, '\x7F');
    char* const aligned = packed.data() + (64 - reinterpret_cast<uintptr_t>(packed.data()) % 64) % 64;
    for (int rank = 0; rank < kMembers; ++rank)
      stoppable([&] { pack_quantized_layer(s.p, s.weights.data(), 0, aligned, rank, kMembers); });
    return packed;
  };
  const std::atomic<bool> told = true;
  stopping.flag = &told;
  const std::vector<char> packed = packed_by_all();
  stopping.flag = nullptr;
  const auto is_left = [](char byte) { return byte == '\x7F'; };
  require(std::all_of(packed.begin(), packed.end(), is_left), target + ": a member that was told to stop has packed");
  require(packed_by_all() != packed, target + ": nothing is packed");
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  check_quantize();
  for (const char* const* target = supported_simd_targets(); *target; ++target) {
    require(force_simd_target(*target), std::string("cannot choose ") + *target);
    check_linear(*target);
    check_extremes(*target);
    check_not_finite(*target);
    check_steps(*target);
    check_parts(*target, 5);
    check_parts(*target, 150);
    check_stop(*target);
  }
  force_simd_target(nullptr);
  return finish("quantized_test");
}
