// The kernels of gated cells repeated with 1, 2, 3, 4 and 8 threads: see repeats.h. usage: cells_repeats_test [repeats]
#include <cmath>

#include "backend/cpu/backend.h"
#include "check.h"
#include "repeats.h"

namespace {

using namespace stm::testing;
using stm::CellProblem;
using stm::GatedCell;

struct Shape {
  const char* what;
  int64_t N, T, H;
  std::vector<int32_t> lengths;
};

// Each is above the work for which a call wakes the team.
const Shape kShapes[] = {
    {"one row", 1, 12, 96, {}},
    {"one step of one row", 1, 1, 320, {}},
    {"one step of three rows", 3, 1, 200, {}},
    {"rows that end early", 9, 6, 72, {6, 0, 1, 6, 2, 5, 3, 1, 6}},
    {"only rows without steps", 4, 6, 120, {0, 0, 0, 0}},
};

std::vector<float> drawn(int64_t count, int seed, double scale) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(scale * std::sin(12.9898 * static_cast<double>(i + 1) + 78.233 * seed));
  return values;
}

void append(Numbers& all, const std::vector<float>& values) { all.insert(all.end(), values.begin(), values.end()); }

// Everything that a forward and a backward call write, of a cell with all that goes together.
Numbers everything(const CellProblem& p) {
  stm::CellKernels& kernels = stm::cpu_cells();
  const bool lstm = p.cell == GatedCell::Lstm;
  const int64_t state = p.N * p.H, steps = state * p.T, gates = p.gates() * p.H;
  const std::vector<float> x = drawn(steps * p.gates(), 1, 0.6), h0 = drawn(state, 2, 0.7), c0 = drawn(state, 3, 0.7),
                           w = drawn(gates * p.H, 4, 0.1), b = drawn(gates, 5, 0.5), gain = drawn(gates, 6, 1),
                           units = drawn(p.H, 7, 1), peephole = drawn(3 * p.H, 8, 0.3), mask = drawn(state, 9, 1.2),
                           update = drawn(steps, 10, 0.9), dy = drawn(steps, 11, 1);
  const stm::CellInputs in{x.data(),
                           h0.data(),
                           lstm ? c0.data() : nullptr,
                           w.data(),
                           b.data(),
                           p.norms ? gain.data() : nullptr,
                           lstm ? units.data() : nullptr,
                           lstm ? units.data() : nullptr,
                           lstm ? peephole.data() : nullptr,
                           mask.data(),
                           update.data(),
                           lstm ? update.data() : nullptr};
  const stm::CellSizes sizes = kernels.sizes(p);
  std::vector<char> reserve(sizes.reserve, '\xFF'), forward(sizes.forward_workspace, '\xFF'),
      backward(sizes.backward_workspace, '\xFF');
  std::vector<float> y(x.size() / static_cast<size_t>(p.gates())), cells(y), hn(h0.size()), cn(hn), dx(x.size()),
      dh0(hn), dc0(hn), dw(w.size()), db(b.size()), dgain(b.size()), dcell_gain(units.size()), dcell_bias(units.size()),
      dpeephole(peephole.size());
  require(kernels.forward(p, {in, y.data(), lstm ? cells.data() : nullptr, hn.data(), lstm ? cn.data() : nullptr,
                              reserve.data(), forward.data()}),
          "forward");
  require(kernels.backward(p, {in, y.data(), lstm ? cells.data() : nullptr, dy.data(), lstm ? dy.data() : nullptr,
                               hn.data(), lstm ? cn.data() : nullptr, dx.data(), dh0.data(),
                               lstm ? dc0.data() : nullptr, dw.data(), db.data(), dgain.data(), dcell_gain.data(),
                               dcell_bias.data(), dpeephole.data(), reserve.data(), backward.data()}),
          "backward");
  Numbers all;
  for (const std::vector<float>* values :
       {&y, &cells, &hn, &cn, &dx, &dh0, &dc0, &dw, &db, &dgain, &dcell_gain, &dcell_bias, &dpeephole})
    append(all, *values);
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr double kTolerance = 1e-4;  // f32: parameters' gradients are sums over rows in another order
  Repeats repeats(argc, argv);
  for (const Shape& shape : kShapes) {
    for (const char* const name : {"lstm", "coupled lstm", "gru", "gru, reset before"}) {
      CellProblem p;
      p.cell = std::string(name).find("gru") == 0 ? GatedCell::Gru : GatedCell::Lstm;
      p.N = shape.N, p.T = shape.T, p.H = shape.H;
      p.coupled = std::string(name) == "coupled lstm";
      p.reset_before = std::string(name) == "gru, reset before";
      p.norms = !p.reset_before;
      p.reverse = shape.N == 9;
      p.training = true;
      p.lengths = shape.lengths.empty() ? nullptr : shape.lengths.data();
      repeats.check(std::string(shape.what) + ", " + name, kTolerance, [&] { return everything(p); });
    }
  }
  return finish("cells_repeats_test");
}
