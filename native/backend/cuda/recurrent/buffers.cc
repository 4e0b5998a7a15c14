#include "backend/cuda/recurrent/buffers.h"

#include <algorithm>

namespace stm::cuda {
namespace {

/// Bytes of the blocks of a call; and the largest of all calls of a plan.
struct BlockBytes {
  size_t x = 0, y = 0, h = 0, c = 0, workspace = 0, dweights = 0;

  BlockBytes(const Plan& plan, const PassPlan& pass, const Call& call) {
    const size_t width = size_of(plan.element);
    const auto bytes = [width](int64_t elements) { return static_cast<size_t>(elements) * width; };
    const int64_t states = pass.pass.layers * pass.pass.directions * call.batch;
    x = bytes(call.batch * call.steps * pass.input_width);
    y = bytes(call.batch * call.steps * pass.output_width);
    h = bytes(states * plan.problem.width());
    c = plan.lstm() ? bytes(states * plan.problem.H) : 0;
    workspace = call.workspace;
    dweights = pass.network->weight_bytes;
  }
  explicit BlockBytes(const Plan& plan) {
    for (const PassPlan& pass : plan.passes) {
      for (const auto& call : pass.calls) {
        const BlockBytes one(plan, pass, *call);
        x = std::max(x, one.x), y = std::max(y, one.y), h = std::max(h, one.h), c = std::max(c, one.c);
        workspace = std::max(workspace, one.workspace);
        dweights = std::max(dweights, one.dweights);
      }
    }
  }
};

/// Bytes of a layer's output as the caller's y lies.
size_t layer_bytes(const RecurrentProblem& p) {
  return static_cast<size_t>(p.N * p.T * p.K * p.width()) * size_of(p.dtype);
}

std::vector<void*> take_layers(const Plan& plan, DeviceCarver& carver) {
  std::vector<void*> layers;
  if (plan.passes.size() > 1)
    for (int64_t layer = 0; layer + 1 < plan.problem.L; ++layer)
      layers.push_back(carver.take(layer_bytes(plan.problem)));
  return layers;
}

}  // namespace

ReserveParts::ReserveParts(const Plan& plan, void* base) {
  DeviceCarver carver(base);
  for (const PassPlan& pass : plan.passes) {
    for (const auto& call : pass.calls) {
      const BlockBytes block(plan, pass, *call);
      Call part;
      part.cudnn = carver.take(call->reserve);
      part.hx = carver.take(plan.moves_states ? block.h : 0);
      part.cx = carver.take(plan.moves_states ? block.c : 0);
      part.x = carver.take(plan.keeps_blocks ? block.x : 0);
      part.y = carver.take(plan.keeps_blocks ? block.y : 0);
      calls.push_back(part);
    }
  }
  layers = take_layers(plan, carver);
  bytes = carver.bytes();
}

ForwardParts::ForwardParts(const Plan& plan, void* base) {
  const BlockBytes block(plan);
  DeviceCarver carver(base);
  const bool keeps = plan.problem.training;
  x = carver.take(plan.moves_inputs && !plan.keeps_blocks ? block.x : 0);
  y = carver.take(plan.moves_outputs && !plan.keeps_blocks ? block.y : 0);
  hx = carver.take(plan.moves_states && !keeps ? block.h : 0);
  cx = carver.take(plan.moves_states && !keeps ? block.c : 0);
  hy = carver.take(plan.moves_states ? block.h : 0);
  cy = carver.take(plan.moves_states ? block.c : 0);
  cudnn = carver.take(block.workspace);
  if (!keeps) layers = take_layers(plan, carver);
  bytes = carver.bytes();
}

BackwardParts::BackwardParts(const Plan& plan, void* base) {
  const RecurrentProblem& p = plan.problem;
  const BlockBytes block(plan);
  DeviceCarver carver(base);
  const size_t states = static_cast<size_t>(p.L * p.K * p.N) * size_of(p.dtype), h = plan.moves_states ? block.h : 0,
               c = plan.moves_states ? block.c : 0;
  x = carver.take(plan.moves_inputs && !plan.keeps_blocks ? block.x : 0);
  y = carver.take(plan.moves_outputs && !plan.keeps_blocks ? block.y : 0);
  dy = carver.take(block.y);  // zeros, if the caller's is null
  dx = carver.take(block.x);  // cuDNN wants one, even if the caller does not
  dhy = carver.take(h);
  dcy = carver.take(c);
  dhx = carver.take(h);
  dcx = carver.take(c);
  dh = carver.take(plan.carries_states() ? states * static_cast<size_t>(p.width()) : 0);
  dc = carver.take(plan.carries_states() && plan.lstm() ? states * static_cast<size_t>(p.H) : 0);
  for (int i = 0; i < 2; ++i) dlayer[i] = carver.take(plan.passes.size() > 1 && p.L > 1 ? layer_bytes(p) : 0);
  dweights = carver.take(plan.packs() ? block.dweights : 0);
  cudnn = carver.take(block.workspace);
  bytes = carver.bytes();
}

}  // namespace stm::cuda
