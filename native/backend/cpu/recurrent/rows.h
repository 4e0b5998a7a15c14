#pragma once
#include <cstring>

#include "backend/cpu/recurrent/sequence.h"
#include "backend/cpu/team.h"

namespace stm {

inline void copy_row(const float* from, int64_t width, float* to) {
  std::memcpy(to, from, static_cast<size_t>(width) * sizeof(float));
}
inline void clear_row(int64_t width, float* to) { std::memset(to, 0, static_cast<size_t>(width) * sizeof(float)); }

/// Moves of rows between the caller's layout and the packed, sorted one. Each does the part of member `rank` of
/// `members`.

/// The caller's rows, `width` numbers each, in storage order.
void gather_rows(const Sequence& s, const float* padded, int64_t width, float* packed, int rank, int members);

/// The other way; rows past a length become zero. `steps`: of the padded array.
void scatter_rows(const Sequence& s, const float* packed, int64_t width, int64_t steps, float* padded, int rank,
                  int members);

/// `blocks` blocks of a state [N][width] in the order of the sorted rows; zeros if `from` is null.
void sort_states(const Sequence& s, const float* from, int64_t blocks, int64_t width, float* to, int rank, int members);

/// The state that each row started its steps from, in storage order: the right-hand side of dW_hh = dG^T · h_previous.
/// h0 is sorted, null for zeros.
void gather_previous(const Sequence& s, bool reverse, const float* out, int64_t ld_out, const float* h0, int64_t width,
                     float* previous, int rank, int members);

/// The storage row of sorted row `row`'s first step in the direction of travel; its last one for the other direction.
/// The row's length is at least 1.
inline int64_t first_row(const Sequence& s, bool reverse, int64_t row) {
  return s.first[reverse ? s.lengths[row] - 1 : 0] + row;
}

}  // namespace stm
