#include "backend/cpu/gemm.h"

#include <algorithm>
#include <type_traits>

#include "backend/cpu/blas_kernels.h"
#include "backend/cpu/product/packed_product.h"
#include "cblas.h"

namespace stm {
namespace {

constexpr int64_t kSmallProduct =
    int64_t{1} << 19;  // multiplications: some ten microseconds on one core, about what waking a team costs
constexpr int64_t kRowsTogether = 24;                       // of a slice: a multiple of most tiles' heights
constexpr int64_t kRowsToPack = 512, kColumnsToPack = 256;  // of BLIS

CBLAS_TRANSPOSE cblas_op(bool transposes) { return transposes ? CblasTrans : CblasNoTrans; }
int cblas_size(int64_t size) { return static_cast<int>(size); }

void call_gemm(const Product<float>& p) {
  cblas_sgemm(CblasRowMajor, cblas_op(p.trans_a), cblas_op(p.trans_b), cblas_size(p.m), cblas_size(p.n),
              cblas_size(p.k), 1.0f, p.a, cblas_size(p.lda), p.b, cblas_size(p.ldb), p.adds ? 1.0f : 0.0f, p.c,
              cblas_size(p.ldc));
}
void call_gemm(const Product<double>& p) {
  cblas_dgemm(CblasRowMajor, cblas_op(p.trans_a), cblas_op(p.trans_b), cblas_size(p.m), cblas_size(p.n),
              cblas_size(p.k), 1.0, p.a, cblas_size(p.lda), p.b, cblas_size(p.ldb), p.adds ? 1.0 : 0.0, p.c,
              cblas_size(p.ldc));
}

// y = op(matrix) x, or y + op(matrix) x, for a matrix stored as [rows, columns].
template <class T>
struct MatrixTimesVector {
  bool transposes;
  int64_t rows, columns;
  const T* matrix;
  int64_t ld;
  const T* x;
  int64_t step_x;
  bool adds;
  T* y;
  int64_t step_y;
};
void call_gemv(const MatrixTimesVector<float>& p) {
  cblas_sgemv(CblasRowMajor, cblas_op(p.transposes), cblas_size(p.rows), cblas_size(p.columns), 1.0f, p.matrix,
              cblas_size(p.ld), p.x, cblas_size(p.step_x), p.adds ? 1.0f : 0.0f, p.y, cblas_size(p.step_y));
}
void call_gemv(const MatrixTimesVector<double>& p) {
  cblas_dgemv(CblasRowMajor, cblas_op(p.transposes), cblas_size(p.rows), cblas_size(p.columns), 1.0, p.matrix,
              cblas_size(p.ld), p.x, cblas_size(p.step_x), p.adds ? 1.0 : 0.0, p.y, cblas_size(p.step_y));
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
  if (p.row) p.row += begin;
  p.n = end - begin;
  return p;
}
template <class T>
Product<T> depth_of(Product<T> p, int64_t begin, int64_t end) {
  p.a += p.trans_a ? begin * p.lda : begin;
  p.b += p.trans_b ? begin : begin * p.ldb;
  p.k = end - begin;
  if (begin > 0) p.adds = true;
  return p;
}

// C without the product, which is to be added to it then.
template <class T>
Product<T> begin_rows(Product<T> p) {
  for (int64_t i = 0; i < p.m && !p.adds; ++i) {
    if (p.row) std::copy_n(p.row, p.n, p.c + i * p.ldc);
    else std::fill_n(p.c + i * p.ldc, p.n, T{0});
  }
  p.adds = true;
  return p;
}

// Who computes a product. It is chosen for the whole of it, so that a number of C is the same sum in the same order
// whoever computes it.
enum class Way { None, Vector, Panels, Blas };

template <class T>
Way way_of(const Product<T>& p) {
  if (p.k <= 0) return Way::None;
  if (p.m == 1 || p.n == 1) return Way::Vector;
  return std::is_same_v<T, float> && (p.bf16 || packed_product_pays(p.m, p.n, p.k)) ? Way::Panels : Way::Blas;
}

template <class T>
void multiply(Way way, const Product<T>& p);

// Whether a product may take more than some ten milliseconds. A thin one moves more memory for each multiplication. No
// side of one that is not lasting is longer than 2^30: cblas counts in 32-bit integers.
bool lasting(int64_t m, int64_t n, int64_t k) {
  constexpr int64_t kLasting = int64_t{1} << 30, kThin = 8, kThinLasting = int64_t{1} << 26;
  const int64_t thickness = std::min({m, n, k}), limit = thickness < kThin ? kThinLasting : kLasting;
  return m > limit / n / k;
}

// In two, across the longest side, as often as it takes: pieces are then thick enough for packing to be worth it.
template <class T>
void multiply_in_pieces(Way way, const Product<T>& p) {
  stop_point();
  if (p.m >= p.n && p.m >= p.k) {
    multiply(way, rows_of(p, 0, p.m / 2));
    multiply(way, rows_of(p, p.m / 2, p.m));
  } else if (p.n >= p.k) {
    multiply(way, columns_of(p, 0, p.n / 2));
    multiply(way, columns_of(p, p.n / 2, p.n));
  } else {
    multiply(way, depth_of(p, 0, p.k / 2));
    multiply(way, depth_of(p, p.k / 2, p.k));
  }
}

template <class T>
void multiply_by_blas(Way way, const Product<T>& p) {
  if (lasting(p.m, p.n, p.k)) return multiply_in_pieces(way, p);
  blas_kernels();
  if (way == Way::Blas) return call_gemm(p);
  if (p.m == 1 && p.n > 1)
    return call_gemv(MatrixTimesVector<T>{!p.trans_b, p.trans_b ? p.n : p.k, p.trans_b ? p.k : p.n, p.b, p.ldb, p.a,
                                          p.trans_a ? p.lda : 1, p.adds, p.c, 1});
  call_gemv(MatrixTimesVector<T>{p.trans_a, p.trans_a ? p.k : p.m, p.trans_a ? p.m : p.k, p.a, p.lda, p.b,
                                 p.trans_b ? 1 : p.ldb, p.adds, p.c, p.ldc});
}

template <class T>
void multiply(Way way, const Product<T>& p) {
  if (p.m <= 0 || p.n <= 0) return;
  if (way == Way::None) return static_cast<void>(begin_rows(p));
  if constexpr (std::is_same_v<T, float>) {
    if (way == Way::Panels && packed_product(p)) return;
  }
  multiply_by_blas(way == Way::Panels ? Way::Blas : way, p.row ? begin_rows(p) : p);
}

bool is_small(int64_t m, int64_t n, int64_t k) { return m * n <= kSmallProduct && m * n * k <= kSmallProduct; }

}  // namespace

template <class T>
void gemm_serial(const Product<T>& p) {
  multiply(way_of(p), p);
}

// Cuts the longer side of C: then each member packs a slice of the larger operand and all of the smaller one. But BLIS
// packs nothing for fewer rows than kRowsToPack, which costs it a fifth if both other sides are long: there columns are
// cut if that leaves the rows whole.
template <class T>
void gemm_shared(const Team& team, int rank, const Product<T>& p) {
  const int64_t members = team.size();
  const Way way = way_of(p);
  const bool rows_too_few =
      way == Way::Blas && p.m < kRowsToPack * members && p.m >= kRowsToPack && p.n >= kColumnsToPack * members;
  if (p.m >= p.n && !rows_too_few) {
    const Share share(p.m, rank, team.size(), p.m >= 64 * members ? kRowsTogether : 4);
    multiply(way, rows_of(p, share.begin, share.end));
  } else {
    const Share share(p.n, rank, team.size(), p.n >= 64 * members ? 32 : 16);
    multiply(way, columns_of(p, share.begin, share.end));
  }
}

template <class T>
void gemm_parallel(const Product<T>& p) {
  if (is_small(p.m, p.n, p.k)) return gemm_serial(p);
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

#define STM_INSTANTIATE(T)                                           \
  template void gemm_serial<T>(const Product<T>&);                   \
  template void gemm_shared<T>(const Team&, int, const Product<T>&); \
  template void gemm_parallel<T>(const Product<T>&);                 \
  template void gemm_batched<T>(int64_t, const Product<T>&, int64_t, int64_t, int64_t);
STM_INSTANTIATE(float)
STM_INSTANTIATE(double)
#undef STM_INSTANTIATE

}  // namespace stm
