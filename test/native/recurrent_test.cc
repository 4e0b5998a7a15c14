// The recurrent kernels of the CPU: the f64 reference against finite differences, the fused f32 engine against the f64
// reference, value and every gradient, with each instruction set and 1, 2 and 3 threads. usage: recurrent_test [seed]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "backend/cpu/simd_dispatch.h"
#include "backend/cpu/team.h"
#include "recurrent_cases.h"

namespace {

using namespace stm::testing;
using stm::Cell;
using stm::DType;
using stm::RecurrentProblem;
using stm::Status;

constexpr double kRelative = 1e-5,
                 kAbsolute = 1e-6;  // f32 against f64: rounding, and the engine's own exp and tanh (1e-7)

// ‖a − b‖ / ‖b‖, or 0 where every value is close enough absolutely.
double error(const std::vector<double>& a, const std::vector<double>& b) {
  double difference = 0, norm = 0, largest = 0;
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return std::numeric_limits<double>::infinity();
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
    largest = std::max(largest, std::fabs(a[i] - b[i]));
  }
  return largest <= kAbsolute ? 0 : std::sqrt(difference / norm);
}

double worst = 0;

void compare(const Results& a, const Results& b, const std::string& name, double tolerance) {
  const struct {
    const char* what;
    const std::vector<double>&a, &b;
  } pairs[] = {{"y", a.y, b.y},
               {"hn", a.hn, b.hn},
               {"cn", a.cn, b.cn},
               {"dx", a.dx, b.dx},
               {"dh0", a.dh0, b.dh0},
               {"dc0", a.dc0, b.dc0},
               {"dweights", a.dweights, b.dweights},
               {"y of inference", a.y_inference, b.y},
               {"hn of inference", a.hn_inference, b.hn},
               {"cn of inference", a.cn_inference, b.cn}};
  for (const auto& pair : pairs) {
    const double e = error(pair.a, pair.b);
    worst = std::max(worst, e);
    if (!(e <= tolerance)) fail(std::string(pair.what) + " off by " + std::to_string(e) + ": " + name);
  }
}

// ---- the cases

std::vector<int32_t> draw_lengths(int64_t N, int64_t T) {
  std::vector<int32_t> lengths(static_cast<size_t>(N));
  const int64_t kind = draw(0, 9);
  const int64_t same = draw(0, T);
  for (int32_t& length : lengths)
    length = static_cast<int32_t>(kind == 0 ? 0 : kind == 1 ? same : kind == 2 ? T : chance(0.15) ? 0 : draw(0, T));
  if (kind == 3) std::sort(lengths.begin(), lengths.end(), std::greater<int32_t>());
  return lengths;
}

Case draw_case(Cell cell, int64_t N, int64_t H) {
  Case c;
  RecurrentProblem& p = c.p;
  p.cell = cell;
  p.N = N;
  p.H = H;
  p.D = one_of<int64_t>({1, 3, 16, 20, 37});
  p.L = draw(1, H > 100 ? 2 : 3);
  p.K = draw(1, 2);
  p.P = cell == Cell::Lstm && H > 1 && chance(0.35) ? draw(1, H - 1) : 0;
  p.bias = !chance(0.2);
  p.batch_first = chance(0.5);
  const int64_t work = int64_t{1} << draw(14, 20);  // from too little for a team to enough for it
  p.T = std::clamp<int64_t>(work / (N * p.weight_elements()) + draw(0, 2), 1, 40);
  if (chance(0.6)) c.lengths = draw_lengths(N, p.T);
  c.with_h0 = chance(0.7);
  c.with_c0 = chance(0.7);
  c.with_dy = chance(0.9);
  c.with_dhn = chance(0.7);
  c.with_dcn = chance(0.7);
  c.draw_values();
  return c;
}

void check_fused(Case& c) {
  c.p.lengths = c.lengths.empty() ? nullptr : c.lengths.data();
  const Results expected = Runner<double>(c).run();
  for (const char* const* target = stm::supported_simd_targets(); *target; ++target) {
    if (!stm::force_simd_target(*target)) fail(std::string("cannot force ") + *target);
    for (const int threads : {1, 2, 3}) {
      stm::set_num_threads(threads);
      const Results got = Runner<float>(c).run();
      const std::string name = std::string(*target) + " threads " + std::to_string(threads) + " " + c.name();
      compare(got, expected, name, kRelative);
      if (threads == 3) {
        const Results again = Runner<float>(c).run();
        if (again.y != got.y || again.dx != got.dx || again.dweights != got.dweights || again.dh0 != got.dh0)
          fail("another result the second time: " + name);
      }
    }
  }
  stm::force_simd_target(nullptr);
  stm::set_num_threads(0);
}

// d(sum(dy y) + sum(dhn hn) + sum(dcn cn)) along a random direction of every input at once, and of each alone.
double loss(const Case& c, const Results& r) {
  double sum = 0;
  for (size_t i = 0; i < c.dy.size() && c.with_dy; ++i) sum += c.dy[i] * r.y[i];
  for (size_t i = 0; i < c.dhn.size() && c.with_dhn; ++i) sum += c.dhn[i] * r.hn[i];
  for (size_t i = 0; i < r.cn.size() && c.with_dcn; ++i) sum += c.dcn[i] * r.cn[i];
  return sum;
}

void check_reference(Case& c) {
  c.p.lengths = c.lengths.empty() ? nullptr : c.lengths.data();
  const Results analytic = Runner<double>(c).run();
  const struct {
    const char* what;
    std::vector<double>& values;
    const std::vector<double>& gradient;
    bool used;
  } inputs[] = {{"dx", c.x, analytic.dx, true},
                {"dh0", c.h0, analytic.dh0, c.with_h0},
                {"dc0", c.c0, analytic.dc0, c.with_c0 && c.p.cell == Cell::Lstm},
                {"dweights", c.weights, analytic.dweights, true}};
  constexpr double kStep = 1e-6;
  for (const auto& input : inputs) {
    if (!input.used || input.values.empty()) continue;
    const std::vector<double> before = input.values, direction = numbers(static_cast<int64_t>(before.size()), 1);
    double expected = 0, norm = 0, sides[2];
    for (size_t i = 0; i < before.size(); ++i) {
      expected += direction[i] * input.gradient[i];
      norm += std::fabs(direction[i] * input.gradient[i]);
    }
    for (const int side : {0, 1}) {
      for (size_t i = 0; i < before.size(); ++i) input.values[i] = before[i] + (side ? kStep : -kStep) * direction[i];
      sides[side] = loss(c, Runner<double>(c).run());
    }
    input.values = before;
    const double measured = (sides[1] - sides[0]) / (2 * kStep);
    if (!(std::fabs(measured - expected) <= 1e-7 * norm + 1e-7)) {
      fail(std::string("reference's ") + input.what + " is " + std::to_string(expected) + ", finite differences give " +
           std::to_string(measured) + ": " + c.name());
    }
  }
}

// ---- single properties

Case small_case(Cell cell) {
  Case c;
  c.p.cell = cell;
  c.p.N = 7, c.p.T = 6, c.p.D = 5, c.p.H = 20, c.p.L = 2, c.p.K = 2;
  c.lengths = {3, 6, 0, 2, 6, 1, 5};
  c.draw_values();
  return c;
}

template <class T>
void check_wrong_lengths(DType dtype) {
  Case c = small_case(Cell::Lstm);
  c.p.dtype = dtype;
  stm::RecurrentSizes sizes;
  require(stm::cpu_recurrent().sizes(c.p, &sizes), "sizes");
  Guarded workspace(sizes.forward_workspace), packed(sizes.packed), y(c.dy.size() * sizeof(T)),
      x(c.x.size() * sizeof(T));
  c.lengths[3] = 7;
  const Status status = stm::cpu_recurrent().forward(
      c.p, {x.get(), nullptr, nullptr, nullptr, packed.get(), y.get(), nullptr, nullptr, nullptr, workspace.get()});
  if (status.kind != stm::StatusKind::OutOfRange || !says(status, "lengths[3] = 7, expected 0 to 6"))
    fail("wrong lengths: " + text_of(status));
}

// Gradients that are not wanted are left alone, and do not change the others; a reserve serves one backward.
void check_unwanted_gradients(Cell cell) {
  Case c = small_case(cell);
  const Results expected = Runner<float>(c).run();
  stm::RecurrentKernels& kernels = stm::cpu_recurrent();
  RecurrentProblem p = c.p;
  p.training = true;
  const auto floats = [](const std::vector<double>& values) {
    return std::vector<float>(values.begin(), values.end());
  };
  const std::vector<float> x = floats(c.x), h0 = floats(c.h0), c0 = floats(c.c0), weights = floats(c.weights),
                           dy = floats(c.dy), dhn = floats(c.dhn), dcn = floats(c.dcn);
  stm::RecurrentSizes sizes;
  require(kernels.sizes(p, &sizes), "sizes");
  Guarded packed(sizes.packed), reserve(sizes.reserve),
      workspace(std::max(sizes.forward_workspace, sizes.backward_workspace));
  require(kernels.pack(p, weights.data(), packed.get()), "pack");
  for (const bool only_x : {true, false}) {
    std::vector<float> y(dy.size()), hn(dhn.size()), cn(dcn.size()), dx(x.size()), dweights(weights.size());
    require(kernels.forward(p, {x.data(), h0.data(), c0.data(), weights.data(), packed.get(), y.data(), hn.data(),
                                cn.data(), reserve.get(), workspace.get()}),
            "forward");
    const stm::RecurrentBackward backward{x.data(),       h0.data(),      c0.data(),
                                          weights.data(), packed.get(),   y.data(),
                                          hn.data(),      cn.data(),      dy.data(),
                                          dhn.data(),     dcn.data(),     only_x ? dx.data() : nullptr,
                                          nullptr,        nullptr,        only_x ? nullptr : dweights.data(),
                                          reserve.get(),  workspace.get()};
    require(kernels.backward(p, backward), "backward");
    const std::vector<float>& got = only_x ? dx : dweights;
    const std::vector<double>& wanted = only_x ? expected.dx : expected.dweights;
    if (!std::equal(got.begin(), got.end(), wanted.begin(), wanted.end()))
      fail("a gradient depends on whether others are wanted: " + c.name());
    const Status second = kernels.backward(p, backward);
    if (second.kind != stm::StatusKind::Internal || !says(second, "an earlier backward has used up"))
      fail("a second backward on one reserve is not refused");
  }
}

// A NaN in one row's input reaches that row's output from there on, and no other row's.
void check_nan(Cell cell) {
  Case c = small_case(cell);
  c.p.K = 1, c.p.L = 1, c.p.batch_first = true;
  c.lengths.clear();
  c.draw_values();
  c.x[(2 * c.p.T + 3) * c.p.D] = std::numeric_limits<double>::quiet_NaN();
  const Results r = Runner<float>(c).run();
  const int64_t H = c.p.H, T = c.p.T;
  for (int64_t b = 0; b < c.p.N; ++b) {
    for (int64_t t = 0; t < T; ++t) {
      const bool tainted = b == 2 && t >= 3;
      if (std::isnan(r.y_inference[(b * T + t) * H]) != tainted)
        fail("NaN in row 2 step 3, output of row " + std::to_string(b) + " step " + std::to_string(t) + ": " +
             c.name());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  std::printf("recurrent_test: instruction sets");
  for (const char* const* target = stm::supported_simd_targets(); *target; ++target) std::printf(" %s", *target);
  std::printf(", default %s, threads %d\n", stm::simd_target(), stm::num_threads());
  const std::vector<Cell> cells = {Cell::Lstm, Cell::Gru, Cell::RnnTanh, Cell::RnnRelu};

  for (const Cell cell : cells) {
    for (int i = 0; i < 12; ++i) {
      Case c = draw_case(cell, one_of<int64_t>({1, 3, 5}), one_of<int64_t>({1, 4, 7}));
      c.p.T = std::min<int64_t>(c.p.T, 6);
      if (!c.lengths.empty()) c.lengths = draw_lengths(c.p.N, c.p.T);
      c.draw_values();
      check_reference(c);
    }
    check_unwanted_gradients(cell);
    check_nan(cell);
  }
  check_wrong_lengths<float>(DType::F32);
  check_wrong_lengths<double>(DType::F64);
  if (stm::force_simd_target("MMX")) fail("an unknown instruction set is accepted");

  size_t turn = 0;
  for (const int64_t N : {1, 4, 5, 9, 10, 33}) {
    for (const int64_t H : {1, 15, 16, 17, 33, 200}) {
      for (int i = 0; i < (H < 100 ? 4 : 2); ++i) {
        Case c = draw_case(cells[turn++ % cells.size()], N, H);
        check_fused(c);
      }
      ++turn;
    }
  }
  for (const int64_t N : {0, 3}) {  // nothing to run over
    Case c = draw_case(Cell::Lstm, 3, 17);
    c.p.N = N;
    c.p.T = N ? 0 : 4;
    c.lengths.clear();
    c.draw_values();
    check_fused(c);
  }
  std::printf("worst relative error %.1e\n", worst);
  return finish("recurrent_test");
}
