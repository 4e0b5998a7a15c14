#pragma once
#include <cstdint>

#include "backend/cpu/team.h"

namespace stm {

/// op(A) · op(B) of row-major matrices, written or added to C [m, n]; op(A) is [m, k], op(B) [k, n], op transposes if
/// asked. C is not read unless it is added to. Leading dimensions are below 2^31. T is float or double.
template <class T>
struct Product {
  bool trans_a, trans_b;
  int64_t m, n, k;
  const T* a;
  int64_t lda;
  const T* b;
  int64_t ldb;
  bool adds;
  T* c;
  int64_t ldc;
  bool bf16 = false;       ///< f32 whose factors may be rounded to bf16; sums are f32
  const T* row = nullptr;  ///< [n], added to each row of C, which is not read then; null: nothing
};

/// On the calling thread alone.
template <class T>
void gemm_serial(const Product<T>& product);

/// Rank `rank`'s share of the product, inside a run of `team`; C is complete when all shares are.
template <class T>
void gemm_shared(const Team& team, int rank, const Product<T>& product);

/// The product on the process's team, leased for the call; a small one stays on the calling thread and wakes nobody.
template <class T>
void gemm_parallel(const Product<T>& product);

/// `count` products of one shape; operand i of each begins i strides (in elements, 0 to share it) after the first. The
/// C's do not overlap.
template <class T>
void gemm_batched(int64_t count, const Product<T>& first, int64_t stride_a, int64_t stride_b, int64_t stride_c);

}  // namespace stm
