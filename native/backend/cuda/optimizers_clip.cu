#include <cmath>
#include <limits>

#include "backend/cuda/kernel/packs.h"
#include "backend/cuda/kernel/pieces.h"
#include "backend/cuda/optimizers.h"

namespace stm::cuda {
namespace {

struct Gradient {
  void* data;
  int64_t size;
  bool wide;  ///< f64
};
using Table = PieceTable<Gradient, 8192, 120>;

/// Calls `launch(table)` with tables that hold all the gradients.
template <class Launch>
Status for_tables(const View* gradients, int64_t count, const Launch& launch) {
  return Table::for_each(
      count,
      [&](int64_t i) {
        return Gradient{gradients[i].data, gradients[i].size(), gradients[i].dtype == DType::F64};
      },
      launch);
}

/// The p-norm is the p-th root of Σ |x|^p, or the largest |x| if p is infinite, which a NaN wins.
struct Norm {
  double p;
  STM_DEVICE bool largest() const { return p == std::numeric_limits<double>::infinity(); }
  STM_DEVICE double part(double x) const {
    if (p == 2) return x * x;
    const double magnitude = std::abs(x);
    return p == 1 || largest() ? magnitude : std::pow(magnitude, p);
  }
  STM_DEVICE double join(double a, double b) const { return !largest() ? a + b : a > b || a != a ? a : b; }
  STM_DEVICE double root(double sum) const {
    return largest() || p == 1 ? sum : p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / p);
  }

  template <class T>
  STM_DEVICE double of(Block& block, int64_t n, const T* x) const {
    constexpr int W = kPackWidth<T>;
    const bool packed = lie_in_packs<W>(x);
    const auto both = [&](double a, double b) { return join(a, b); };
    const auto some = [&](auto width, int64_t at) {
      constexpr int kSome = decltype(width)::value;
      const Pack<T, kSome> pack = load_pack<kSome>(x + at, packed);
      return join_pairs<kSome>([&](int k) { return part(static_cast<double>(pack.item[k])); }, both);
    };
    return reduce_packs<W>(block, n, 0.0, some, both);
  }
};

struct NormOfPieces {
  Norm norm;
  double* partials;
  Table table;
  STM_DEVICE void operator()(Block& block, int64_t piece) const {
    table.with_piece(piece, [&](const Gradient& gradient, int64_t begin, int64_t size) {
      const double part = gradient.wide ? norm.of(block, size, static_cast<const double*>(gradient.data) + begin)
                                        : norm.of(block, size, static_cast<const float*>(gradient.data) + begin);
      block.once([&] { partials[piece] = part; });
    });
  }
};

struct TotalNorm {
  Norm norm;
  const double* partials;
  int64_t count;
  void* out;
  bool wide;
  STM_DEVICE void operator()(Block& block, int64_t) const {
    const double total = norm.root(block.reduce(
        count, 0.0, [&](int64_t i) { return partials[i]; }, [&](double a, double b) { return norm.join(a, b); }));
    block.once([&] {
      if (wide) *static_cast<double*>(out) = total;
      else *static_cast<float*>(out) = static_cast<float>(total);
    });
  }
};

/// x[i] = f(x[i]) for n elements.
template <class T, class F>
STM_DEVICE void map_elements(Block& block, int64_t n, T* x, const F& f) {
  constexpr int W = kPackWidth<T>;
  each_pack<W>(block, n, lie_in_packs<W>(x), [&](auto width, int64_t at) {
    constexpr int kSome = decltype(width)::value;
    Pack<T, kSome> pack = *pack_at<kSome>(x + at);
    STM_UNROLL
    for (int k = 0; k < kSome; ++k) pack.item[k] = f(pack.item[k]);
    *pack_at<kSome>(x + at) = pack;
  });
}

/// The same for the elements of one piece.
template <class F>
STM_DEVICE void map_piece(Block& block, const Table& table, int64_t piece, const F& f) {
  table.with_piece(piece, [&](const Gradient& gradient, int64_t begin, int64_t size) {
    if (gradient.wide) map_elements(block, size, static_cast<double*>(gradient.data) + begin, f);
    else map_elements(block, size, static_cast<float*>(gradient.data) + begin, f);
  });
}

struct ScalePieces {
  const void* norm;
  bool wide;
  double max_norm;
  Table table;
  STM_DEVICE void operator()(Block& block, int64_t piece) const {
    const double total =
        wide ? *static_cast<const double*>(norm) : static_cast<double>(*static_cast<const float*>(norm));
    const double factor = max_norm / (total + 1e-6);
    if (factor >= 1) return;
    map_piece(block, table, piece, [factor](auto x) { return static_cast<decltype(x)>(x * factor); });
  }
};

struct ClampPieces {
  double limit;
  Table table;
  STM_DEVICE void operator()(Block& block, int64_t piece) const {
    map_piece(block, table, piece, [bound = limit](auto x) {
      const auto most = static_cast<decltype(x)>(bound);
      return x > most ? most : x < -most ? -most : x;
    });
  }
};

}  // namespace

Status CudaOptimizers::total_norm(double p, const View* gradients, int64_t count, const View& norm) noexcept {
  int64_t pieces = 0;
  for (int64_t i = 0; i < count; ++i) pieces += Table::pieces_of(gradients[i].size());
  void* partials = nullptr;
  STM_TRY(context_.scratch(Context::kPartials, static_cast<size_t>(pieces) * sizeof(double), &partials));
  double* next = static_cast<double*>(partials);
  STM_TRY(for_tables(gradients, count, [&](const Table& table) {
    double* const first = next;
    next += table.pieces();
    return launch_blocks(context_, "norm_of_pieces", table.pieces(), Table::kSize, NormOfPieces{{p}, first, table});
  }));
  return launch_blocks(context_, "total_norm", 1, pieces,
                       TotalNorm{{p}, static_cast<double*>(partials), pieces, norm.data, norm.dtype == DType::F64});
}

Status CudaOptimizers::scale_to_norm(double max_norm, const View& norm, const View* gradients, int64_t count) noexcept {
  return for_tables(gradients, count, [&](const Table& table) {
    return launch_blocks(context_, "scale_pieces", table.pieces(), Table::kSize,
                         ScalePieces{norm.data, norm.dtype == DType::F64, max_norm, table});
  });
}

Status CudaOptimizers::clamp(double limit, const View* gradients, int64_t count) noexcept {
  return for_tables(gradients, count, [&](const Table& table) {
    return launch_blocks(context_, "clamp_pieces", table.pieces(), Table::kSize, ClampPieces{limit, table});
  });
}

}  // namespace stm::cuda
