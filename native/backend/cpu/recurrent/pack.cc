#include "backend/cpu/recurrent/pack.h"

#include <algorithm>

#include "backend/cpu/recurrent/layout.h"
#include "backend/cpu/team.h"

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/recurrent/pack.cc"
#include "hwy/foreach_target.h"
//
#include "backend/cpu/recurrent/cells-inl.h"
#include "backend/cpu/recurrent/gate_panels-inl.h"
#include "backend/cpu/recurrent/panel-inl.h"
#include "backend/cpu/recurrent/plain_panels-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

// [panel][slot][kWidth]
template <class C>
void PackBias(const float* b_ih, const float* b_hh, int64_t hidden, float* panels) {
  constexpr int kWidth = CellPanels<C>::kWidth;
  const int64_t count = CeilDiv(hidden, kWidth) * C::kSlots * kWidth;
  std::fill(panels, panels + count, 0.0f);
  if (!b_ih) return;
  for (int64_t unit = 0; unit < hidden; ++unit) {
    float* const lane = panels + unit / kWidth * C::kSlots * kWidth + unit % kWidth;
    for (int gate = 0; gate < C::kGates; ++gate) {
      lane[(gate + C::kInputSlot) * kWidth] += b_ih[gate * hidden + unit];
      lane[(gate + C::kRotate) % C::kGates * kWidth] += b_hh[gate * hidden + unit];
    }
  }
}

template <class C>
void PackLayerOf(const RecurrentProblem& p, const LayerWeights<const float>& w, int64_t input_size,
                 const PackedLayer& to, int rank, int members) {
  const int64_t H = p.H, O = p.width(), rows = C::kGates * H;
  PackGatePanels<C>(false, w.w_ih, H, input_size, to.input, rank, members);
  PackGatePanels<C>(true, w.w_hh, H, O, to.state, rank, members);
  if (p.P) PackTransposedPanels(w.w_hr, H, p.P, to.project, rank, members);
  // The rows of W_hh in the order of the slots.
  if (p.training)
    PackPlainPanels(w.w_hh, rows, O, (C::kGates - C::kRotate) % C::kGates * H, to.backward, rank, members);
  if (p.training && p.P) PackPlainPanels(w.w_hr, p.P, H, 0, to.unproject, rank, members);
}

void PackLayer(const RecurrentProblem& p, const LayerWeights<const float>& w, int64_t input_size, const PackedLayer& to,
               int rank, int members) {
  WithCell(p.cell, [&](auto cell) { PackLayerOf<decltype(cell)>(p, w, input_size, to, rank, members); });
}

void PackBiases(const RecurrentProblem& p, const LayerWeights<const float>& w, const PackedLayer& to) {
  WithCell(p.cell, [&](auto cell) { PackBias<decltype(cell)>(w.b_ih, w.b_hh, p.H, to.bias); });
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {
HWY_EXPORT(PackLayer);
HWY_EXPORT(PackBiases);

namespace {

constexpr int64_t kWidest = 64;  // numbers in the widest panel of any instruction set

int64_t padded(int64_t count) { return (count + kWidest - 1) / kWidest * kWidest; }

PackedLayer carve_layer(const RecurrentProblem& p, int64_t layer, CacheLineCarver& carve) {
  const int64_t rows = p.gates() * p.H, O = p.width(), units = padded(p.H);
  PackedLayer to;
  to.bias = carve.floats(slots_stride(p));
  to.input = carve.floats(p.gates() * units * p.input_size(layer));
  to.state = carve.floats(p.gates() * units * O);
  to.project = carve.floats(p.P ? padded(p.P) * p.H : 0);
  to.backward = carve.floats(p.training ? padded(O) * rows : 0);
  to.unproject = carve.floats(p.training && p.P ? units * p.P : 0);
  return to;
}

/// Bytes of the first `count` pseudo-layers. Those above the first layer are alike.
size_t bytes_of(const RecurrentProblem& p, int64_t count) {
  CacheLineCarver first(nullptr), later(nullptr);
  carve_layer(p, 0, first);
  carve_layer(p, 1, later);
  const int64_t in_first = std::min(count, p.K);
  return static_cast<size_t>(in_first) * first.bytes() + static_cast<size_t>(count - in_first) * later.bytes();
}

}  // namespace

int64_t slots_stride(const RecurrentProblem& p) { return cell_slots(p.cell) * padded(p.H); }

size_t packed_bytes(const RecurrentProblem& p) { return bytes_of(p, p.L * p.K); }

PackedLayer packed_layer(const RecurrentProblem& p, void* packed, int64_t i) {
  CacheLineCarver carve(static_cast<char*>(packed) + bytes_of(p, i));
  return carve_layer(p, i / p.K, carve);
}

void pack_layer(const RecurrentProblem& p, const float* weights, int64_t i, void* packed, int rank, int members) {
  const PackedLayer to = packed_layer(p, packed, i);
  const LayerWeights<const float> w = layer_weights(p, weights, i);
  HWY_DYNAMIC_DISPATCH(PackLayer)(p, w, p.input_size(i / p.K), to, rank, members);
  if (rank == i % members) HWY_DYNAMIC_DISPATCH(PackBiases)(p, w, to);
}

}  // namespace stm
#endif
