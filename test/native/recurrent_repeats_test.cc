// The recurrent kernels repeated with 1, 2, 3, 4 and 8 threads, on shapes of which each has its own way of sharing the
// work: see repeats.h. usage: recurrent_repeats_test [repeats]
#include "recurrent_cases.h"
#include "repeats.h"

namespace {

using namespace stm::testing;
using stm::Cell;

struct Shape {
  const char* what;
  int64_t N, T, D, H, L, K, P;
  std::vector<int32_t> lengths;
};

// Each is above the work for which a call wakes the team.
const Shape kShapes[] = {
    {"one row, stacked", 1, 12, 16, 48, 3, 1, 0, {}},
    {"one row, stacked, narrow", 1, 100, 4, 8, 3, 1, 0, {}},
    {"one row, both directions", 1, 10, 16, 40, 2, 2, 0, {}},
    {"one row, projected", 1, 12, 16, 48, 3, 1, 20, {}},
    {"one row that ends early", 1, 14, 16, 48, 3, 1, 0, {9}},
    {"one step of one row", 1, 1, 32, 136, 2, 1, 0, {}},
    {"one step of one row, both directions", 1, 1, 32, 112, 2, 2, 0, {}},
    {"one step of a few rows", 3, 1, 16, 96, 2, 1, 0, {}},
    {"two rows", 2, 6, 16, 96, 3, 1, 0, {}},
    {"two rows, units shared", 2, 3, 64, 256, 2, 1, 0, {}},
    {"four rows, units shared, both directions", 4, 2, 64, 192, 2, 2, 0, {}},
    {"four rows, units shared, projected", 4, 2, 64, 256, 2, 1, 72, {}},
    {"a few rows that end early", 5, 7, 16, 48, 3, 1, 0, {7, 2, 0, 7, 1}},
    {"a few rows that end early, both directions", 5, 7, 16, 40, 2, 2, 0, {0, 2, 7, 0, 1}},
    {"rows that end early", 17, 6, 8, 24, 3, 1, 0, {1, 6, 0, 3, 6, 5, 2, 0, 4, 6, 1, 1, 2, 0, 6, 3, 2}},
    {"rows that end early, both directions, projected",
     17,
     6,
     8,
     24,
     2,
     2,
     9,
     {1, 6, 0, 3, 6, 5, 2, 0, 4, 6, 1, 1, 2, 0, 6, 3, 2}},
    {"rows of a wide layer, units shared", 10, 2, 200, 520, 1, 1, 0, {2, 2, 1, 2, 0, 2, 1, 2, 2, 2}},
    {"many rows", 41, 4, 8, 24, 3, 1, 0, {}},
    {"only rows without steps", 3, 4, 8, 24, 2, 1, 0, {0, 0, 0}},
};

// A single step, of which whoever is there takes the panels one by one: which member computes what is left to chance.
const Shape kSteps[] = {
    {"a step of one row", 1, 1, 64, 264, 3, 1, 0, {}},
    {"a step of one row, both directions", 1, 1, 64, 200, 3, 2, 0, {}},
    {"a step of one row, projected", 1, 1, 64, 264, 3, 1, 104, {}},
    {"a step of one row, both directions, projected", 1, 1, 64, 200, 2, 2, 104, {}},
    {"a step of three rows", 3, 1, 64, 200, 3, 1, 0, {}},
    {"a step of four rows, some without", 4, 1, 64, 200, 3, 1, 0, {1, 0, 1, 0}},
};

void append(Numbers& all, const Numbers& values) { all.insert(all.end(), values.begin(), values.end()); }

Numbers everything(Case& c) {
  const Results r = Runner<float>(c).run();
  Numbers all;
  for (const Numbers* values :
       {&r.y, &r.hn, &r.cn, &r.dx, &r.dh0, &r.dc0, &r.dweights, &r.y_inference, &r.hn_inference, &r.cn_inference})
    append(all, *values);
  return all;
}

Case case_of(const Shape& shape, Cell cell) {
  Case c;
  c.p.cell = cell;
  c.p.N = shape.N, c.p.T = shape.T, c.p.D = shape.D, c.p.H = shape.H, c.p.L = shape.L, c.p.K = shape.K, c.p.P = shape.P;
  c.p.batch_first = shape.N % 2 == 1;
  c.lengths = shape.lengths;
  c.draw_values();
  return c;
}

// Forward without training: its sums are the same whoever computes them, so that the bits are those of one thread.
void check_steps(Repeats& repeats) {
  for (const Shape& shape : kSteps) {
    for (const Cell cell : {Cell::Lstm, Cell::Gru, Cell::RnnRelu}) {
      if (shape.P && cell != Cell::Lstm) continue;
      Case c = case_of(shape, cell);
      Step step(c);
      const std::string name = std::string(shape.what) + ", " + c.name();
      repeats.check(name, 0, [&] { return step(); });
      // One row of an RNN is too little work.
      const bool expected = shape.lengths.empty() && (cell != Cell::RnnRelu || shape.N > 1);
      require(step.can_begin_ahead() == expected,
              name + (expected ? ": cannot be begun" : ": can be begun") + " ahead");
      if (!step.can_begin_ahead()) continue;
      const Numbers plain = step();
      repeats.check(name + ", begun ahead", 0, [&] {
        const Numbers ahead = step(true);
        require(same_bits(ahead, plain), name + ": gives other bits if it is begun ahead");
        return ahead;
      });
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  constexpr double kTolerance = 1e-5;  // f32: sums of up to a few hundred terms in another order
  Repeats repeats(argc, argv);
  for (const Shape& shape : kShapes) {
    for (const Cell cell : {Cell::Lstm, Cell::Gru, Cell::RnnTanh}) {
      if ((shape.P && cell != Cell::Lstm) || (shape.N > 1 && cell == Cell::RnnTanh)) continue;
      Case c = case_of(shape, cell);
      repeats.check(std::string(shape.what) + ", " + c.name(), kTolerance, [&] { return everything(c); });
    }
  }
  check_steps(repeats);
  return finish("recurrent_repeats_test");
}
