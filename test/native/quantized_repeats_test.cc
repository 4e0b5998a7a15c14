// Products with weights of 8 bits repeated with 1, 2, 3, 4 and 8 threads: sums of whole numbers are exact, so that the
// bits are those of one thread. usage: quantized_repeats_test [repeats]
#include <tuple>

#include "quantized_cases.h"
#include "repeats.h"

namespace {

using namespace stm::testing;
using stm::Cell;

struct Shape {
  const char* what;
  int64_t N, T, D, H, L, K, P;
  std::vector<int32_t> lengths;
};

/// Lengths of 0 to `most`.
std::vector<int32_t> lengths_up_to(int32_t most, int32_t rows) {
  std::vector<int32_t> lengths;
  for (int32_t row = 0; row < rows; ++row) lengths.push_back(row * 7 % (most + 1));
  return lengths;
}

const Shape kShapes[] = {
    {"one row, stacked", 1, 12, 16, 48, 3, 1, 0, {}},
    {"one row, both directions", 1, 10, 16, 40, 2, 2, 0, {}},
    {"one row, projected", 1, 12, 16, 48, 3, 1, 20, {}},
    {"one row that ends early", 1, 14, 16, 48, 3, 1, 0, {9}},
    {"one row that ends after a step", 1, 14, 16, 256, 2, 2, 0, {1}},
    {"one step of one row", 1, 1, 32, 264, 2, 1, 0, {}},
    {"one step of one row, both directions", 1, 1, 32, 200, 2, 2, 0, {}},
    {"one step of one row, projected, both directions", 1, 1, 64, 200, 2, 2, 104, {}},
    {"one step of a few rows", 3, 1, 16, 96, 2, 1, 0, {}},
    {"one step of four rows, some without", 4, 1, 64, 200, 3, 1, 0, {1, 0, 1, 0}},
    {"two rows, units shared", 2, 3, 64, 256, 2, 1, 0, {}},
    {"four rows, units shared, both directions", 4, 2, 64, 192, 2, 2, 0, {}},
    {"four rows, units shared, projected", 4, 2, 64, 256, 2, 1, 72, {}},
    {"a few rows that end early, both directions", 5, 7, 16, 40, 2, 2, 0, {0, 2, 7, 0, 1}},
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
    {"units shared, in two blocks of steps, both directions", 9, 30, 8, 128, 1, 2, 0, {}},
    {"rows that end early, in blocks of steps, projected", 9, 40, 8, 128, 1, 2, 9, {40, 0, 40, 33, 1, 40, 39, 40, 40}},
    {"many rows that end early, in blocks of steps, both directions", 1000, 6, 4, 16, 1, 2, 0, lengths_up_to(6, 1000)},
    {"many rows, each step a block", 2100, 2, 4, 16, 2, 1, 0, {}},
    {"many rows", 41, 4, 8, 24, 3, 1, 0, {}},
    {"only rows without steps", 3, 4, 8, 24, 2, 1, 0, {0, 0, 0}},
};

Numbers all_of(const StackResult& r) {
  Numbers all(r.y.begin(), r.y.end());
  all.insert(all.end(), r.h.begin(), r.h.end());
  all.insert(all.end(), r.c.begin(), r.c.end());
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  Repeats repeats(argc, argv);
  for (const Shape& shape : kShapes) {
    for (const Cell cell : {Cell::Lstm, Cell::Gru, Cell::RnnTanh}) {
      if (shape.P && cell != Cell::Lstm) continue;
      Int8Stack stack;
      stm::RecurrentProblem& p = stack.p;
      p.cell = cell;
      p.N = shape.N, p.T = shape.T, p.D = shape.D, p.H = shape.H, p.L = shape.L, p.K = shape.K, p.P = shape.P;
      p.batch_first = shape.N % 2 == 1;
      stack.lengths = shape.lengths;
      stack.draw_values();
      repeats.check(std::string(shape.what) + ", cell " + std::to_string(static_cast<int>(cell)), 0,
                    [&] { return all_of(stack()); });
    }
  }
  for (const auto& [rows, in, out] : {std::tuple<int64_t, int64_t, int64_t>{1, 512, 700},
                                      {3, 130, 1'000},
                                      {97, 64, 200},
                                      {400, 33, 5},
                                      {1, 1, 1},
                                      {250, 700, 129}}) {
    const Floats x = some_floats(rows * in, 1), bias = some_floats(out, 1);
    const Int8Matrix weight(out, in, some_floats(out * in, 1));
    repeats.check("linear of " + std::to_string(rows) + " rows", 0, [&] {
      const Floats y = linear_of(x, rows, weight, bias);
      return Numbers(y.begin(), y.end());
    });
  }
  return finish("quantized_repeats_test");
}
