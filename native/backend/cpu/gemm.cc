#include "backend/cpu/gemm.h"

#include <algorithm>
#include <type_traits>

#include "backend/cpu/blas_kernels.h"
#include "cblas.h"

namespace stm {
namespace {

constexpr int64_t kSmallProduct =
    int64_t{1} << 19;  // multiplications: some ten microseconds on one core, about what waking a team costs
constexpr int64_t kRowsToPack = 512, kColumnsToPack = 256;

void call_gemm(const Product<float>& p) {
  cblas_sgemm(CblasRowMajor, p.trans_a ? CblasTrans : CblasNoTrans, p.trans_b ? CblasTrans : CblasNoTrans,
              static_cast<int>(p.m), static_cast<int>(p.n), static_cast<int>(p.k), 1.0f, p.a, static_cast<int>(p.lda),
              p.b, static_cast<int>(p.ldb), p.beta, p.c, static_cast<int>(p.ldc));
}
void call_gemm(const Product<double>& p) {
  cblas_dgemm(CblasRowMajor, p.trans_a ? CblasTrans : CblasNoTrans, p.trans_b ? CblasTrans : CblasNoTrans,
              static_cast<int>(p.m), static_cast<int>(p.n), static_cast<int>(p.k), 1.0, p.a, static_cast<int>(p.lda),
              p.b, static_cast<int>(p.ldb), p.beta, p.c, static_cast<int>(p.ldc));
}

// y = op(matrix) x + beta y, for a matrix stored as [rows, columns].
void call_gemv(bool trans, int64_t rows, int64_t columns, const float* matrix, int64_t ld, const float* x,
               int64_t step_x, float beta, float* y, int64_t step_y) {
  cblas_sgemv(CblasRowMajor, trans ? CblasTrans : CblasNoTrans, static_cast<int>(rows), static_cast<int>(columns), 1.0f,
              matrix, static_cast<int>(ld), x, static_cast<int>(step_x), beta, y, static_cast<int>(step_y));
}
void call_gemv(bool trans, int64_t rows, int64_t columns, const double* matrix, int64_t ld, const double* x,
               int64_t step_x, double beta, double* y, int64_t step_y) {
  cblas_dgemv(CblasRowMajor, trans ? CblasTrans : CblasNoTrans, static_cast<int>(rows), static_cast<int>(columns), 1.0,
              matrix, static_cast<int>(ld), x, static_cast<int>(step_x), beta, y, static_cast<int>(step_y));
}

template <class T>
Product<T> rows_of(Product<T> p, int64_t begin, int64_t end) {
  p.a += p.trans_a ? begin : begin * p.lda;
  p.c += begin * p.ldc;
  p.m = end - begin;
  return p;
}
template <class T>
Product<T> columns_of(Product<T> p, int64_t begin, int64_t end) {
  p.b += p.trans_b ? begin * p.ldb : begin;
  p.c += begin;
  p.n = end - begin;
  return p;
}
template <class T>
Product<T> depth_of(Product<T> p, int64_t begin, int64_t end) {
  p.a += p.trans_a ? begin * p.lda : begin;
  p.b += p.trans_b ? begin : begin * p.ldb;
  p.k = end - begin;
  if (begin > 0) p.beta = 1;
  return p;
}

template <class T>
void scale_only(const Product<T>& p) {
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.n; ++j) p.c[i * p.ldc + j] = p.beta == 0 ? T{0} : p.beta * p.c[i * p.ldc + j];
  }
}

// Whether a product may take more than some ten milliseconds. A thin one moves more memory for each multiplication. No
// side of one that is not lasting is longer than 2^30: cblas counts in 32-bit integers.
bool lasting(int64_t m, int64_t n, int64_t k) {
  constexpr int64_t kLasting = int64_t{1} << 30, kThin = 8, kThinLasting = int64_t{1} << 26;
  const int64_t thickness = std::min({m, n, k}), limit = thickness < kThin ? kThinLasting : kLasting;
  return m > limit / n / k;
}

// In two, across the longest side, as often as it takes: pieces are then thick enough for packing to be worth it.
template <class T>
void gemm_in_pieces(const Product<T>& p) {
  stop_point();
  if (p.m >= p.n && p.m >= p.k) {
    gemm_serial(rows_of(p, 0, p.m / 2));
    gemm_serial(rows_of(p, p.m / 2, p.m));
  } else if (p.n >= p.k) {
    gemm_serial(columns_of(p, 0, p.n / 2));
    gemm_serial(columns_of(p, p.n / 2, p.n));
  } else {
    gemm_serial(depth_of(p, 0, p.k / 2));
    gemm_serial(depth_of(p, p.k / 2, p.k));
  }
}

bool is_small(int64_t m, int64_t n, int64_t k) { return m * n <= kSmallProduct && m * n * k <= kSmallProduct; }

}  // namespace

template <class T>
void gemm_serial(const Product<T>& p) {
  if (p.m <= 0 || p.n <= 0) return;
  if (p.k <= 0) return scale_only(p);
  if (lasting(p.m, p.n, p.k)) return gemm_in_pieces(p);
  blas_kernels();
  if (p.m == 1) {
    call_gemv(!p.trans_b, p.trans_b ? p.n : p.k, p.trans_b ? p.k : p.n, p.b, p.ldb, p.a, p.trans_a ? p.lda : 1, p.beta,
              p.c, 1);
  } else if (p.n == 1) {
    call_gemv(p.trans_a, p.trans_a ? p.k : p.m, p.trans_a ? p.m : p.k, p.a, p.lda, p.b, p.trans_b ? 1 : p.ldb, p.beta,
              p.c, p.ldc);
  } else {
    call_gemm(p);
  }
}

// Cuts the longer side of C: then each member packs a slice of the larger operand and all of the smaller one. But BLIS
// packs nothing for fewer rows than kRowsToPack, which costs it a fifth if both other sides are long: there columns are
// cut if that leaves the rows whole.
template <class T>
void gemm_shared(const Team& team, int rank, const Product<T>& p) {
  const int64_t members = team.size();
  const bool rows_too_few = p.m < kRowsToPack * members && p.m >= kRowsToPack && p.n >= kColumnsToPack * members;
  if (p.m >= p.n && !rows_too_few) {
    const Share share(p.m, rank, team.size(), p.m >= 64 * members ? 32 : 4);
    gemm_serial(rows_of(p, share.begin, share.end));
  } else {
    const Share share(p.n, rank, team.size(), p.n >= 64 * members ? 32 : 16);
    gemm_serial(columns_of(p, share.begin, share.end));
  }
}

template <class T>
void gemm_parallel(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b,
                   int64_t ldb, T beta, T* c, int64_t ldc) {
  const Product<T> p{trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc};
  if (is_small(m, n, k)) {
    return gemm_serial(p);
  }
  const TeamLease lease;
  Team& team = lease.team();
  team.run([&](int rank) { gemm_shared(team, rank, p); });
}

template <class T>
void gemm_batched(int64_t count, const Product<T>& first, int64_t stride_a, int64_t stride_b, int64_t stride_c) {
  const auto at = [&](int64_t i) {
    Product<T> p = first;
    p.a += i * stride_a;
    p.b += i * stride_b;
    p.c += i * stride_c;
    return p;
  };
  if (count <= 0) return;
  if (is_small(first.m, first.n, first.k) && is_small(first.m * first.n, first.k, count)) {
    for (int64_t i = 0; i < count; ++i) gemm_serial(at(i));
    return;
  }
  const TeamLease lease;
  Team& team = lease.team();
  team.run([&](int rank) {
    const int64_t whole = count - count % team.size();  // products that go one to a member; the others are cut
    const Share share(whole, rank, team.size());
    for (int64_t i = share.begin; i < share.end; ++i) gemm_serial(at(i));
    for (int64_t i = whole; i < count; ++i) gemm_shared(team, rank, at(i));
  });
}

#define STM_INSTANTIATE(T)                                                                                           \
  template void gemm_serial<T>(const Product<T>&);                                                                   \
  template void gemm_shared<T>(const Team&, int, const Product<T>&);                                                 \
  template void gemm_parallel<T>(bool, bool, int64_t, int64_t, int64_t, const T*, int64_t, const T*, int64_t, T, T*, \
                                 int64_t);                                                                           \
  template void gemm_batched<T>(int64_t, const Product<T>&, int64_t, int64_t, int64_t);
STM_INSTANTIATE(float)
STM_INSTANTIATE(double)
#undef STM_INSTANTIATE

}  // namespace stm
