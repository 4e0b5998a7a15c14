#pragma once
#include <vector>

#include "cuda-standin/cudnn_types.h"
#include "cuda-standin/memory.h"

namespace stm::standin {

/// One matrix or bias in cuDNN's weight space, and where stmnet has it.
struct WeightPlace {
  size_t offset = 0;              ///< bytes from the begin of the space
  int64_t rows = 0, columns = 0;  ///< 0: there is none
  int64_t ours = 0;               ///< elements from the begin of stmnet's weights (native/backend/kernels/recurrent.h)
};

/// Differs from algorithm to algorithm, from one math to another, and has gaps: nothing that a caller could guess.
struct WeightLayout {
  size_t bytes = 0;
  std::vector<WeightPlace> matrices, biases;    ///< [pseudo-layer][linear layer]
  std::vector<std::pair<size_t, size_t>> gaps;  ///< begin and end of what no parameter has; must be zero
  int64_t ours = 0;                             ///< elements of stmnet's weights
};

WeightLayout weight_layout(const RnnConfig& config);
bool gaps_are_zero(const WeightLayout& layout, const void* space);

}  // namespace stm::standin
