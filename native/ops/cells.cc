#include <memory>
#include <optional>
#include <tuple>

#include "backend/kernels/cells.h"
#include "core/op_table.h"
#include "ops/ops.h"

namespace stm {

template <>
struct EnumNames<GatedCell> {
  static constexpr const char* names[] = {"lstm", "gru"};
};

namespace ops {
namespace {

constexpr const char* kOp = "gatedCells";

/// A problem that keeps its lengths alive.
struct KeptProblem : CellProblem {
  std::shared_ptr<const std::vector<int32_t>> kept_lengths;
};

/// The tensors of a call, inputs before outputs. What a call does not have is empty.
enum Part : size_t {
  kX,
  kH0,
  kC0,
  kW,
  kB,
  kGain,
  kCellGain,
  kCellBias,
  kPeephole,
  kInputs,
  kMask = kInputs,
  kUpdateH,
  kUpdateC,
  kGiven,
  kY = kGiven,
  kCells,
  kReserve,
  kParts
};
using Parts = std::vector<Tensor>;

void check_part(const char* name, const Tensor& part, const Shape& expected, const Tensor& x) {
  if (!part) return;
  STM_CHECK(part.shape() == expected, Kind::Shape, kOp, fmt::format("{} {}", name, part), fmt::format("{}", expected),
            "make it as wide as the cell");
  check_same_dtype(kOp, x, part);
}

void check_parts(const KeptProblem& p, const Parts& parts) {
  const Tensor& x = parts[kX];
  const Shape state{p.N, p.H}, steps{p.N, p.T, p.H}, gates{p.gates() * p.H}, units{p.H};
  check_part("w", parts[kW], {p.gates() * p.H, p.H}, x);
  check_part("h0", parts[kH0], state, x);
  check_part("c0", parts[kC0], state, x);
  check_part("b", parts[kB], gates, x);
  check_part("gain", parts[kGain], gates, x);
  check_part("cellGain", parts[kCellGain], units, x);
  check_part("cellBias", parts[kCellBias], units, x);
  check_part("peephole", parts[kPeephole], {3, p.H}, x);
  check_part("mask", parts[kMask], state, x);
  check_part("updateH", parts[kUpdateH], steps, x);
  check_part("updateC", parts[kUpdateC], steps, x);
  const bool lstm = p.cell == GatedCell::Lstm, norms = static_cast<bool>(parts[kGain]);
  STM_CHECK(lstm ? !p.reset_before && norms == static_cast<bool>(parts[kCellGain]) &&
                       norms == static_cast<bool>(parts[kCellBias])
                 : !p.coupled && !parts[kC0] && !parts[kCellGain] && !parts[kCellBias] && !parts[kPeephole] &&
                       !parts[kUpdateC] && !(norms && p.reset_before),
            Kind::Option, kOp, "options of another cell",
            "c0, cellGain and cellBias (with gain), peephole, updateC and coupled for an LSTM; resetBefore, without "
            "gain, for a GRU",
            "leave the others out");
}

KeptProblem problem_of(const Tensor& x, const Tensor& w, GatedCell cell, bool coupled, bool reset_before, bool reverse,
                       const std::optional<std::vector<int64_t>>& lengths) {
  check_floating(kOp, "x", x);
  check_rank(kOp, "x", x, 3);
  check_rank(kOp, "w", w, 2);
  KeptProblem p;
  p.cell = cell;
  p.dtype = x.dtype();
  p.math = p.dtype == DType::F32 ? Session::current().math : MathMode::Fma;
  p.coupled = coupled;
  p.reset_before = reset_before;
  p.reverse = reverse;
  p.N = x.extent(0);
  p.T = x.extent(1);
  p.H = w.extent(1);
  STM_CHECK(p.H > 0 && x.extent(2) == p.gates() * p.H, Kind::Shape, kOp, fmt::format("x {} for w {}", x, w),
            fmt::format("[N, T, {}], as wide as the gates", p.gates() * p.H), "multiply the input by W_ih first");
  STM_CHECK(p.N <= INT32_MAX && p.T <= INT32_MAX && times(p.N, p.T, p.gates() + 6, p.H) <= kMostElements, Kind::Shape,
            kOp, fmt::format("x {}", x), "at most 2^40 numbers in all steps", "cut the batch into parts");
  if (!lengths) return p;
  STM_CHECK(static_cast<int64_t>(lengths->size()) == p.N, Kind::Shape, kOp, fmt::format("{} lengths", lengths->size()),
            fmt::format("{}, one for each row", p.N), "pass one length for each row");
  auto kept = std::make_shared<std::vector<int32_t>>();
  for (const int64_t length : *lengths) {
    STM_CHECK(length >= 0 && length <= p.T, Kind::Index, kOp, fmt::format("length {}", length),
              fmt::format("0..{}", p.T), "lengths count the real steps of each row");
    kept->push_back(static_cast<int32_t>(length));
  }
  p.kept_lengths = kept;
  p.lengths = kept->data();
  return p;
}

CellKernels& kernels_of(const Tensor& x) { return x.device().backend.cells(); }

CellInputs inputs_of(const Views& v) {
  return {v.in(kX).data,        v.in(kH0).data,   v.in(kC0).data,       v.in(kW).data,
          v.in(kB).data,        v.in(kGain).data, v.in(kCellGain).data, v.in(kCellBias).data,
          v.in(kPeephole).data, v.in(kMask).data, v.in(kUpdateH).data,  v.in(kUpdateC).data};
}

/// Gradients of the first kInputs parts, in their order; empty where there is none.
std::vector<Tensor> run_backward(const KeptProblem& p, const std::vector<Tensor>& grads, const SavedTensors& saved) {
  const bool lstm = p.cell == GatedCell::Lstm;
  Parts in(saved.begin(), saved.end());
  for (size_t i = 0; i < 4; ++i) in.push_back(i < grads.size() && grads[i] ? contiguous(grads[i]) : Tensor());
  const Tensor& x = in[kX];
  std::vector<Tensor> out;
  for (size_t i = 0; i < kInputs; ++i) out.push_back(in[i] ? empty(in[i].shape(), x) : Tensor());
  std::vector<Tensor> outputs = out;
  outputs.push_back(scratch(kernels_of(x).sizes(p).backward_workspace, x.device()));
  // y, h and, of an LSTM, c and cells.
  enqueue(kOp, in, outputs, [p, lstm](Backend& backend, Views v) {
    CellBackward b{};
    b.in = inputs_of(v);
    b.y = v.in(kY).data;
    b.cells = v.in(kCells).data;
    b.dy = v.in(kParts).data;
    b.dhn = v.in(kParts + 1).data;
    b.dcn = lstm ? v.in(kParts + 2).data : nullptr;
    b.dcells = lstm ? v.in(kParts + 3).data : nullptr;
    b.dx = v.out(kX).data;
    b.dh0 = v.out(kH0).data;
    b.dc0 = v.out(kC0).data;
    b.dw = v.out(kW).data;
    b.db = v.out(kB).data;
    b.dgain = v.out(kGain).data;
    b.dcell_gain = v.out(kCellGain).data;
    b.dcell_bias = v.out(kCellBias).data;
    b.dpeephole = v.out(kPeephole).data;
    b.reserve = v.in(kReserve).data;
    b.workspace = v.out(kInputs).data;
    return backend.cells().backward(p, b);
  });
  return out;
}

using Result = std::tuple<Tensor, Tensor, std::optional<Tensor>, std::optional<Tensor>>;

Result gated_cells(const Tensor& x, const std::optional<Tensor>& h0, const std::optional<Tensor>& c0, const Tensor& w,
                   const std::optional<Tensor>& b, const std::optional<Tensor>& gain,
                   const std::optional<Tensor>& cell_gain, const std::optional<Tensor>& cell_bias,
                   const std::optional<Tensor>& peephole, const std::optional<Tensor>& mask,
                   const std::optional<Tensor>& update_h, const std::optional<Tensor>& update_c, GatedCell cell,
                   bool coupled, bool reset_before, bool reverse, double mean_update_h, double mean_update_c,
                   const std::optional<std::vector<int64_t>>& lengths) {
  KeptProblem p = problem_of(x, w, cell, coupled, reset_before, reverse, lengths);
  p.update_h = mean_update_h;
  p.update_c = mean_update_c;
  Parts parts(kParts);
  p.norms = gain.has_value();
  parts[kX] = x;
  parts[kW] = w;
  const std::pair<Part, const std::optional<Tensor>*> optional[] = {{kH0, &h0},
                                                                    {kC0, &c0},
                                                                    {kB, &b},
                                                                    {kGain, &gain},
                                                                    {kCellGain, &cell_gain},
                                                                    {kCellBias, &cell_bias},
                                                                    {kPeephole, &peephole},
                                                                    {kMask, &mask},
                                                                    {kUpdateH, &update_h},
                                                                    {kUpdateC, &update_c}};
  for (const auto& [part, tensor] : optional)
    if (*tensor) parts[part] = **tensor;
  check_parts(p, parts);
  for (Tensor& part : parts)
    if (part) part = contiguous(part);
  const std::vector<Tensor> inputs(parts.begin(), parts.begin() + kInputs);
  for (const Tensor& input : inputs) p.training |= needs_grad(input);  // asks for each, which a recording notes
  const bool lstm = cell == GatedCell::Lstm;
  const CellSizes sizes = kernels_of(x).sizes(p);
  parts[kY] = empty({p.N, p.T, p.H}, x);
  if (lstm) parts[kCells] = empty({p.N, p.T, p.H}, x);
  parts[kReserve] = scratch(sizes.reserve, x.device());
  const Tensor hn = empty({p.N, p.H}, x), cn = lstm ? empty({p.N, p.H}, x) : Tensor();
  enqueue(kOp, Tensors(parts).part(0, kGiven),
          {parts[kY], parts[kCells], parts[kReserve], hn, cn, scratch(sizes.forward_workspace, x.device())},
          [p](Backend& backend, Views v) {
            return backend.cells().forward(p, {inputs_of(v), v.out(0).data, v.out(1).data, v.out(3).data, v.out(4).data,
                                               v.out(2).data, v.out(5).data});
          });
  if (p.training) {
    std::vector<Tensor> outputs{parts[kY], hn};
    if (lstm) outputs.insert(outputs.end(), {cn, parts[kCells]});
    on_backward(kOp, outputs, inputs, parts, [p](const std::vector<Tensor>& grads, const SavedTensors& saved) {
      return run_backward(p, grads, saved);
    });
  }
  if (!lstm) return {parts[kY], hn, std::nullopt, std::nullopt};
  return {parts[kY], hn, cn, parts[kCells]};
}

}  // namespace

void declare_cells(OpTable& table) {
  table.add(
      kOp, &gated_cells,
      {"x", "h0", "c0", "w", "b", "gain", "cellGain", "cellBias", "peephole", "mask", "updateH", "updateC", "cell",
       "coupled", "resetBefore", "reverse", "meanUpdateH", "meanUpdateC", "lengths"},
      "One direction of one layer of a variant of LSTM or GRU, after the product of its input with W_ih: [y, h, c, "
      "cells], the last two of an LSTM only.");
}

}  // namespace ops
}  // namespace stm
