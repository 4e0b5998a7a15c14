#include "backend/cuda/cells.h"

#include "backend/cuda/cells/gru.h"
#include "backend/cuda/cells/lstm.h"
#include "backend/cuda/kernel/columns.h"
#include "backend/dispatch.h"
#include "backend/guard.h"

namespace stm::cuda {
namespace {

/// Parts of a workspace.
template <class F>
class Parts {
 public:
  explicit Parts(void* base) : carve_(base) {}
  F* take(int64_t count) {
    return reinterpret_cast<F*>(carve_.floats(count * static_cast<int64_t>(sizeof(F) / sizeof(float))));
  }
  size_t bytes() const { return carve_.bytes(); }

 private:
  Carver<256> carve_;
};

/// The products of a step: of r and z, and of n, where the reset comes before the product.
template <class F>
struct ForwardScratch {
  F *sums, *of_n;
  size_t bytes;
  ForwardScratch(const CellProblem& p, void* base) {
    Parts<F> parts(base);
    sums = parts.take(p.N * p.gates() * p.H);
    of_n = parts.take(p.reset_before ? p.N * p.H : 0);
    bytes = parts.bytes();
  }
};

template <class F>
struct BackwardScratch {
  F *dproduct, *dh, *dc, *dmasked, *dreset, *scratch;
  F *db, *dgain, *dcell_gain, *dcell_bias, *dpeephole;  ///< of each row
  size_t bytes, of_rows;                                ///< of_rows: bytes from db on
  BackwardScratch(const CellProblem& p, void* base) {
    Parts<F> parts(base);
    const int64_t GH = p.gates() * p.H;
    dproduct = parts.take(p.T * p.N * GH);
    for (F** const state : {&dh, &dc, &dmasked, &dreset, &scratch}) *state = parts.take(p.N * p.H);
    const size_t before = parts.bytes();
    db = parts.take(p.N * GH);
    dgain = parts.take(p.norms ? p.N * GH : 0);
    dcell_gain = parts.take(p.norms ? p.N * p.H : 0);
    dcell_bias = parts.take(p.norms ? p.N * p.H : 0);
    dpeephole = parts.take(p.cell == GatedCell::Lstm ? p.N * 3 * p.H : 0);
    bytes = parts.bytes();
    of_rows = bytes - before;
  }
};

template <class F>
constexpr DType kDType = sizeof(F) == sizeof(double) ? DType::F64 : DType::F32;

/// A matrix whose rows lie `stride` apart.
template <class F>
View matrix(const F* data, int64_t rows, int64_t columns, int64_t stride) {
  return {const_cast<F*>(data), kDType<F>, 2, {rows, columns}, {stride, 1}};
}
View turned(View view) {
  std::swap(view.extent[0], view.extent[1]);
  std::swap(view.stride[0], view.stride[1]);
  return view;
}

template <class F>
struct BeginForward {
  CellCall<F> call;
  STM_DEVICE void operator()(Block& block, int64_t n) const {
    call.leave_masked(block, n, call.reverse ? call.T - 1 : 0);
  }
};

template <class F>
struct FinishForward {
  CellCall<F> call;
  F *hn, *cn;
  STM_DEVICE void operator()(Block& block, int64_t n) const {
    const int64_t length = call.length(n), last = (n * call.T + (call.reverse ? 0 : length - 1)) * call.H;
    const auto finish = [&](const F* states, const F* initial, F* to) {
      const F* from = initial ? initial + n * call.H : nullptr;
      if (length > 0) from = states + last;
      block.each(call.H, [&](int64_t j) { to[n * call.H + j] = or_zero(from, j); });
    };
    finish(call.y, call.h0, hn);
    if (cn) finish(call.cells, call.c0, cn);
  }
};

template <class F>
struct FinishBackward {
  CellCall<F> call;
  CellGradients<F> g;
  F *dh0, *dc0;
  STM_DEVICE void operator()(int64_t i) const {
    if (dh0) dh0[i] = g.before_step(call, i / call.H, call.time(0), i % call.H);
    if (dc0) dc0[i] = g.dc[i];
  }
};

/// Elements of two matrices of one shape, to be added up over their rows; the second may be absent.
template <class F>
struct RowTerms {
  const F *first, *second;
  STM_DEVICE auto at_column(int64_t) const {
    return [*this](int64_t at, int64_t) {
      return TwoSums{static_cast<double>(first[at]), second ? static_cast<double>(second[at]) : 0};
    };
  }
};

/// One pass of a call over its steps.
template <class F>
class Pass {
 public:
  Pass(Context& context, MatmulKernels& matmul, const CellProblem& p, const CellCall<F>& call, const void* w)
      : context_(context), matmul_(matmul), p_(p), call_(call), w_(static_cast<const F*>(w)) {}

  Status forward(const CellForward& b) {
    const ForwardScratch<F> scratch(p_, b.workspace);
    STM_TRY(launch_blocks(context_, "cells_begin", p_.N, p_.H, BeginForward<F>{call_}));
    for (int64_t step = 0; step < p_.T; ++step) STM_TRY(forward_step(scratch, call_.time(step)));
    return launch_blocks(context_, "cells_finish", p_.N, p_.H,
                         FinishForward<F>{call_, static_cast<F*>(b.hn), static_cast<F*>(b.cn)});
  }

  Status backward(const CellBackward& b) {
    const BackwardScratch<F> s(p_, b.workspace);
    CellGradients<F> g{.dx = static_cast<F*>(b.dx),
                       .dproduct = s.dproduct,
                       .dh = s.dh,
                       .dc = s.dc,
                       .dmasked = nullptr,
                       .dreset = nullptr,
                       .scratch = s.scratch,
                       .dy = static_cast<const F*>(b.dy),
                       .dcells = static_cast<const F*>(b.dcells),
                       .db = s.db,
                       .dgain = s.dgain,
                       .dcell_gain = s.dcell_gain,
                       .dcell_bias = s.dcell_bias,
                       .dpeephole = s.dpeephole};
    STM_TRY(start(b.dhn, s.dh));
    STM_TRY(start(b.dcn, s.dc));
    if (p_.N > 0) STM_CUDA(context_, cudaMemsetAsync(s.db, 0, s.of_rows, context_.stream));
    for (int64_t step = p_.T; step-- > 0;) {
      STM_TRY(backward_step(s, g, call_.time(step)));
      g.dmasked = s.dmasked;
      g.dreset = p_.reset_before ? s.dreset : nullptr;
    }
    const FinishBackward<F> finish{call_, g, static_cast<F*>(b.dh0), static_cast<F*>(b.dc0)};
    STM_TRY(launch_each(context_, "cells_finish_backward", p_.N * p_.H, finish));
    STM_TRY(weight_gradient(s, static_cast<F*>(b.dw)));
    const int64_t GH = p_.gates() * p_.H;
    STM_TRY(sum_rows(s.db, s.dgain, GH, b.db, b.dgain));
    STM_TRY(sum_rows(s.dcell_gain, s.dcell_bias, p_.H, b.dcell_gain, b.dcell_bias));
    return sum_rows(s.dpeephole, nullptr, 3 * p_.H, b.dpeephole, nullptr);
  }

 private:
  /// The rows of W of the first product, the rest of which is the second's.
  int64_t first_rows() const { return (p_.reset_before ? 2 : p_.gates()) * p_.H; }
  View w_first() const { return matrix(w_, first_rows(), p_.H, p_.H); }
  View w_second() const { return matrix(w_ + first_rows() * p_.H, p_.H, p_.H, p_.H); }
  /// [N, H] of the reserve at time t.
  View kept(const F* all, int64_t t) const { return matrix(all + call_.first_kept(t) * p_.H, p_.N, p_.H, p_.H); }

  Status forward_step(const ForwardScratch<F>& s, int64_t t) {
    const int64_t H = p_.H, columns = first_rows();
    STM_TRY(matmul_.linear(p_.math, kept(call_.masked, t), w_first(), View{}, matrix(s.sums, p_.N, columns, columns)));
    if (p_.cell == GatedCell::Lstm) return launch_blocks(context_, "lstm_step", p_.N, H, LstmStep<F>{call_, s.sums, t});
    const GruGates<F> gates{call_, s.sums, t};
    if (!p_.reset_before)
      return launch_blocks(context_, "gru_step", p_.N, H, GruStep<F>{gates, {call_, s.sums + 2 * H, 3 * H, t}});
    STM_TRY(launch_blocks(context_, "gru_gates", p_.N, H, gates));
    STM_TRY(matmul_.linear(p_.math, kept(call_.reset, t), w_second(), View{}, matrix(s.of_n, p_.N, H, H)));
    return launch_blocks(context_, "gru_state", p_.N, H, GruState<F>{call_, s.of_n, H, t});
  }

  Status backward_step(const BackwardScratch<F>& s, const CellGradients<F>& g, int64_t t) {
    const int64_t H = p_.H, GH = p_.gates() * H;
    const F* const dproduct = s.dproduct + t * p_.N * GH;
    if (p_.cell == GatedCell::Lstm) {
      STM_TRY(launch_blocks(context_, "lstm_backward", p_.N, H, LstmBackward<F>{call_, g, t}));
    } else {
      STM_TRY(launch_blocks(context_, "gru_backward", p_.N, H, GruBackward<F>{call_, g, t}));
    }
    if (p_.reset_before) {
      STM_TRY(matmul_.matmul(p_.math, matrix(dproduct + 2 * H, p_.N, H, GH), w_second(), matrix(s.dreset, p_.N, H, H)));
      STM_TRY(launch_blocks(context_, "gru_reset_backward", p_.N, H, GruResetBackward<F>{call_, g, s.dreset, t}));
    }
    return matmul_.matmul(p_.math, matrix(dproduct, p_.N, first_rows(), GH), w_first(), matrix(s.dmasked, p_.N, H, H));
  }

  /// dproductᵀ · what was multiplied, over all rows of all steps.
  Status weight_gradient(const BackwardScratch<F>& s, F* dw) {
    const int64_t H = p_.H, GH = p_.gates() * H, rows = p_.T * p_.N, columns = first_rows();
    STM_TRY(matmul_.matmul(p_.math, turned(matrix(s.dproduct, rows, columns, GH)), matrix(call_.masked, rows, H, H),
                           matrix(dw, columns, H, H)));
    if (!p_.reset_before) return Status::ok();
    return matmul_.matmul(p_.math, turned(matrix(s.dproduct + columns, rows, H, GH)), matrix(call_.reset, rows, H, H),
                          matrix(dw + columns * H, H, H, H));
  }

  Status start(const void* from, F* to) {
    const size_t bytes = static_cast<size_t>(p_.N * p_.H) * sizeof(F);
    if (bytes == 0) return Status::ok();
    if (from) STM_CUDA(context_, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, context_.stream));
    else STM_CUDA(context_, cudaMemsetAsync(to, 0, bytes, context_.stream));
    return Status::ok();
  }

  /// Sums over the rows of one or two matrices; results may be absent.
  Status sum_rows(const F* first, const F* second, int64_t width, void* of_first, void* of_second) {
    if (!of_first && !of_second) return Status::ok();
    const ColumnWalk walk = ColumnWalk::over(p_.N, width, 16, DevicePadding{nullptr, 1, 1});
    void* parts = nullptr;
    STM_TRY(context_.scratch(Context::kPartials, static_cast<size_t>(walk.threads()) * sizeof(TwoSums), &parts));
    TwoSums* const sums = static_cast<TwoSums*>(parts);
    const RowTerms<F> terms{first, of_second ? second : nullptr};
    STM_TRY(launch_each(context_, "cells_sum_rows", walk.threads(), SumLanes<RowTerms<F>>{terms, walk, sums}));
    return launch_blocks(
        context_, "cells_sum_rows", width, walk.lanes,
        SumParts<F>{sums, width, walk.lanes, static_cast<F*>(of_first), static_cast<F*>(of_second), nullptr, 1});
  }

  Context& context_;
  MatmulKernels& matmul_;
  const CellProblem& p_;
  const CellCall<F> call_;
  const F* const w_;
};

/// Calls `run(pass)` with the pass of a call, of its dtype.
template <class Buffers, class Run>
Status with_pass(Context& context, MatmulKernels& matmul, const CellProblem& p, const Buffers& b, Run run) noexcept {
  return guarded([&] {
    const int32_t* lengths = nullptr;
    if (p.lengths) STM_TRY(context.constants(Context::kLengths, p.lengths, p.N, &lengths));
    return dispatch_floating(p.dtype, [&](auto zero) {
      using F = decltype(zero);
      return run(Pass<F>(context, matmul, p, CellCall<F>(p, b.in, lengths, b.y, b.cells, b.reserve), b.in.w));
    });
  });
}

template <class F>
CellSizes sizes_of(const CellProblem& p) {
  return {CellReserve<F>(p, nullptr).bytes, ForwardScratch<F>(p, nullptr).bytes,
          p.training ? BackwardScratch<F>(p, nullptr).bytes : 0};
}

}  // namespace

CellSizes CudaCells::sizes(const CellProblem& problem) noexcept {
  return problem.dtype == DType::F64 ? sizes_of<double>(problem) : sizes_of<float>(problem);
}

Status CudaCells::forward(const CellProblem& problem, const CellForward& buffers) noexcept {
  return with_pass(context_, matmul_, problem, buffers, [&](auto pass) { return pass.forward(buffers); });
}

Status CudaCells::backward(const CellProblem& problem, const CellBackward& buffers) noexcept {
  return with_pass(context_, matmul_, problem, buffers, [&](auto pass) { return pass.backward(buffers); });
}

}  // namespace stm::cuda
