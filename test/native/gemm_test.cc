// Products of matrices of all small shapes and of some across the edges of blocks: beside sums in double, on every
// instruction set, and with the same bits whoever shares them out.
#include "backend/cpu/gemm.h"

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "backend/cpu/product/packed_product.h"
#include "backend/cpu/simd_dispatch.h"
#include "backend/cpu/team.h"
#include "check.h"

namespace {

using stm::testing::draw;
using stm::testing::require;

template <class T>
std::vector<T> numbers(int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) value = static_cast<T>(stm::testing::draw_real(-1, 1));
  return values;
}

float as_bf16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
  std::memcpy(&x, &bits, sizeof bits);
  return x;
}

template <class T>
std::string describe(const stm::Product<T>& p, int threads) {
  char text[160];
  std::snprintf(text, sizeof text, "%s %d x %d x %d trans %d %d adds %d row %d threads %d",
                p.bf16           ? "bf16"
                : sizeof(T) == 4 ? "f32"
                                 : "f64",
                int(p.m), int(p.n), int(p.k), p.trans_a, p.trans_b, p.adds, p.row != nullptr, threads);
  return text;
}

// Compares C with the sum taken in double; what lies between C's rows must be as before.
template <class T>
void check_product(const stm::Product<T>& p, const std::vector<T>& before, const T* c, int64_t c_elements,
                   const std::string& name) {
  const double tolerance = (sizeof(T) == 4 ? 1e-6 : 1e-14) * static_cast<double>(p.k + 4);
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.ldc && i * p.ldc + j < c_elements; ++j) {
      const double old = static_cast<double>(before[static_cast<size_t>(i * p.ldc + j)]),
                   got = static_cast<double>(c[i * p.ldc + j]);
      if (j >= p.n) {
        require(got == old, "a write between the rows of C: " + name);
        continue;
      }
      double sum = p.adds ? old : p.row ? static_cast<double>(p.row[j]) : 0;
      for (int64_t k = 0; k < p.k; ++k) {
        const T a = p.trans_a ? p.a[k * p.lda + i] : p.a[i * p.lda + k],
                b = p.trans_b ? p.b[j * p.ldb + k] : p.b[k * p.ldb + j];
        const bool rounds = p.bf16 && p.m > 1 && p.n > 1;
        sum += static_cast<double>(rounds ? as_bf16(static_cast<float>(a)) : a) *
               static_cast<double>(rounds ? as_bf16(static_cast<float>(b)) : b);
      }
      require(std::fabs(got - sum) <= tolerance, "wrong product: " + name);
    }
  }
}

template <class T>
struct Operands {
  std::vector<T> a, b, before, row;
  stm::Product<T> product;
  int64_t count;  // of products that gemm_batched computes of the same operands

  Operands(int64_t m, int64_t n, int64_t k, int64_t count, bool bf16) : count(count) {
    stm::Product<T>& p = product;
    p = {draw(0, 1) == 1, draw(0, 1) == 1, m,   n, k, nullptr, 0, nullptr, 0, draw(0, 1) == 1,
         nullptr,         n + draw(0, 3),  bf16};
    p.lda = (p.trans_a ? m : k) + draw(0, 3);
    p.ldb = (p.trans_b ? k : n) + draw(0, 3);
    a = numbers<T>((p.trans_a ? k : m) * p.lda);
    b = numbers<T>((p.trans_b ? n : k) * p.ldb);
    before = numbers<T>(count * elements());
    for (size_t i = 0; i < before.size() && !p.adds; ++i) {
      if (static_cast<int64_t>(i % static_cast<size_t>(p.ldc)) < n)
        before[i] = std::numeric_limits<T>::quiet_NaN();  // C must not be read
    }
    p.a = a.data(), p.b = b.data();
    row = numbers<T>(n);
    if (!p.adds && draw(0, 1)) p.row = row.data();
  }
  int64_t elements() const { return product.m * product.ldc; }

  // C after `multiply(product)`, of `copies` of it.
  template <class F>
  std::vector<T> result(int64_t copies, const F& multiply) {
    std::vector<T> c(before.begin(), before.begin() + copies * elements());
    product.c = c.data();
    multiply(product);
    return c;
  }
};

template <class T>
bool same_bits(const std::vector<T>& x, const std::vector<T>& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0;
}

template <class T>
void check_gemm(int64_t m, int64_t n, int64_t k, bool bf16 = false) {
  Operands<T> of(m, n, k, draw(1, 4), bf16);
  std::vector<T> first;
  for (const int threads : {1, 2, 3, 4, 8}) {
    stm::set_num_threads(threads);
    const std::string name = describe(of.product, threads);
    const std::vector<T> c = of.result(1, [](const auto& p) { stm::gemm_parallel<T>(p); });
    if (threads == 1) check_product(of.product, of.before, c.data(), of.elements(), name);
    if (threads == 1) first = c;
    const bool own = sizeof(T) == 4 && (bf16 || stm::packed_product_pays(m, n, k));
    require(!own || same_bits(c, first), "other bits with other threads: " + name);
    if (!own) check_product(of.product, of.before, c.data(), of.elements(), name);
    const std::vector<T> batch =
        of.result(of.count, [&](const auto& p) { stm::gemm_batched<T>(of.count, p, 0, 0, of.elements()); });
    for (int64_t i = 0; i < of.count; ++i) {
      const auto at = of.before.begin() + i * of.elements();
      check_product(of.product, std::vector<T>(at, at + of.elements()), batch.data() + i * of.elements(), of.elements(),
                    "batched " + name);
    }
  }
}

void check_small_shapes() {
  for (int i = 0; i < 60; ++i) {
    check_gemm<float>(draw(1, 40), draw(1, 80), draw(0, 40));
    check_gemm<double>(draw(1, 40), draw(1, 40), draw(0, 40));
    check_gemm<float>(draw(1, 40), draw(1, 80), draw(0, 40), true);
  }
}

// Past the edges of blocks of rows, of depth, of columns; and long enough to be cut.
void check_large_shapes() {
  check_gemm<float>(1, 300, 200);
  check_gemm<float>(300, 1, 200);
  check_gemm<float>(700, 530, 40);
  check_gemm<float>(3, 900, 300);
  check_gemm<float>(241 + draw(0, 3), 33, 257);
  check_gemm<float>(13, 2049 + draw(0, 20), 513);
  check_gemm<float>(200, 300, 8);
  check_gemm<double>(130, 90, 70);
  check_gemm<float>(241 + draw(0, 3), 33, 513, true);
  check_gemm<float>(13, 2049 + draw(0, 20), 1025, true);
}

std::atomic<bool> stop{false};

}  // namespace

int main(int argc, char** argv) {
  stm::testing::begin(argc, argv);
  stm::begin_kernels(stop);
  for (const char* const* target = stm::supported_simd_targets(); *target; ++target) {
    require(stm::force_simd_target(*target), std::string("cannot choose ") + *target);
    std::printf("gemm_test: %s\n", stm::simd_target());
    check_small_shapes();
    check_large_shapes();
  }
  stm::force_simd_target(nullptr);
  return stm::testing::finish("gemm_test");
}
