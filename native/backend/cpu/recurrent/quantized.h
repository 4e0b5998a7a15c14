#pragma once
#include <cstddef>

#include "backend/cpu/quantized/layout.h"
#include "backend/cpu/team.h"
#include "backend/kernels/recurrent.h"

namespace stm {

/// One pseudo-layer's weights of 8 bits in panels, and what they are multiplied by. Biases are null without.
struct QuantizedLayer {
  int8_t *input, *state;  ///< [panels of units][depth / 2][gate][kUnitVecs · kLanes][2], of W_ih and W_hh
  int8_t* project;        ///< of W_hr, plain panels
  const float *scale_ih, *scale_hh, *scale_hr;  ///< of the rows of W_ih [G·H], W_hh [G·H], W_hr [P]
  const float *b_ih, *b_hh;                     ///< [G·H]
};

/// As those of pack.h, of a quantised problem.
size_t quantized_packed_bytes(const RecurrentProblem& problem);
QuantizedLayer quantized_layer(const RecurrentProblem& problem, void* packed, const float* scales, int64_t i);
void pack_quantized_layer(const RecurrentProblem& problem, const int8_t* weights, int64_t i, void* packed, int rank,
                          int members);

struct Recurrence;
struct StepParts;

/// Rounds `count` rows of `columns` numbers, `ld` apart.
void quantize_rows(const float* x, ptrdiff_t ld, int64_t columns, int64_t count, const QuantizedRows& to);

/// The product of the first `rows` rounded rows of the input, many steps at once, into the input's slots of the gates:
/// the part of member `rank` of `members`.
void run_quantized_input(const Recurrence& r, int64_t rows, int rank, int members);

/// As run_forward, of some steps of a quantised layer, in the direction of travel.
void run_quantized_forward(const Recurrence& r, const Share& steps, const StepParts& parts);

}  // namespace stm
