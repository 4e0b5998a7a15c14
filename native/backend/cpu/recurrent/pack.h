#pragma once
#include <cstddef>

#include "backend/kernels/recurrent.h"

namespace stm {

/// One pseudo-layer's weights in panels, as the steps multiply by them: see panel-inl.h. Independent of N, T and
/// lengths.
struct PackedLayer {
  float* bias;           ///< of all slots
  float *input, *state;  ///< for the products with W_ih and W_hh
  float* project;        ///< with W_hr^T
  float* backward;       ///< training only: of the gradients of the sums with W_hh
  float* unproject;      ///< training only: with W_hr
};

/// Numbers in a row of all slots of a pseudo-layer's panels, enough for every instruction set.
int64_t slots_stride(const RecurrentProblem& problem);

/// Bytes of all pseudo-layers' panels, enough for every instruction set.
size_t packed_bytes(const RecurrentProblem& problem);

/// Where those of pseudo-layer `i` are in a buffer of that size.
PackedLayer packed_layer(const RecurrentProblem& problem, void* packed, int64_t i);

/// Packs pseudo-layer `i` of the caller's weights: the part of member `rank` of `members`.
void pack_layer(const RecurrentProblem& problem, const float* weights, int64_t i, void* packed, int rank, int members);

}  // namespace stm
