#pragma once
#include "backend/kernels/recurrent.h"

namespace stm {

/// Refuses what no device computes; lengths aside.
inline Status check_sizes(const RecurrentProblem& p) {
  const auto number = [](int64_t n) { return static_cast<long long>(n); };
  if (p.dtype != DType::F32 && p.dtype != DType::F64)
    return Status::refuse(StatusKind::Unsupported, "elements of another type", "f32 or f64",
                          "convert the input and the weights");
  if (p.N < 0 || p.T < 0 || p.D < 1 || p.H < 1 || p.L < 1 || p.K < 1 || p.K > 2)
    return Status::refuse(StatusKind::OutOfRange,
                          {"N %lld, T %lld, D %lld, H %lld, L %lld, K %lld", number(p.N), number(p.T), number(p.D),
                           number(p.H), number(p.L), number(p.K)},
                          "N and T from 0, D, H and L from 1, K 1 or 2", "correct the sizes");
  if (p.P < 0 || p.P >= p.H || (p.P > 0 && p.cell != Cell::Lstm))
    return Status::refuse(StatusKind::Unsupported, {"a projection to %lld of %lld units", number(p.P), number(p.H)},
                          "fewer units, of an LSTM", "leave projSize out");
  return Status::ok();
}

/// Refuses a length that is not one of the steps.
inline Status check_lengths(const RecurrentProblem& p) {
  for (int64_t row = 0; p.lengths && row < p.N; ++row) {
    if (p.lengths[row] >= 0 && p.lengths[row] <= p.T) continue;
    return Status::refuse(StatusKind::OutOfRange, {"lengths[%lld] = %d", static_cast<long long>(row), p.lengths[row]},
                          {"0 to %lld, the number of steps", static_cast<long long>(p.T)},
                          "give each row's count of real steps");
  }
  return Status::ok();
}

}  // namespace stm
