#pragma once
#include "backend/carver.h"
#include "backend/cuda/recurrent/plan.h"

namespace stm::cuda {

/// What cuDNN reads and writes lies on boundaries as cudaMalloc gives them.
using DeviceCarver = Carver<256>;

/// What a training forward leaves for backward.
struct ReserveParts {
  struct Call {
    void *cudnn, *hx, *cx;  ///< hx and cx: the states it began with, if they are moved
    void *x, *y;            ///< if the plan keeps its blocks
  };
  std::vector<Call> calls;    ///< pass by pass, chunk by chunk
  std::vector<void*> layers;  ///< outputs of all layers but the last, as the caller's y lies, if layers are passes
  size_t bytes;
  ReserveParts(const Plan& plan, void* base);
};

/// Scratch of forward. What is not moved, or is in the reserve, has no part.
struct ForwardParts {
  void *x, *y, *hx, *cx, *hy, *cy, *cudnn;
  std::vector<void*> layers;
  size_t bytes;
  ForwardParts(const Plan& plan, void* base);
};

/// Scratch of backward; likewise.
struct BackwardParts {
  void *x, *y, *dy, *dx, *dhy, *dcy, *dhx, *dcx;  ///< blocks of a call
  void *dh, *dc;                                  ///< gradients of the states, between calls
  void* dlayer[2];  ///< gradient of the outputs of a layer, as the caller's dy lies, by turns
  void *dweights, *cudnn;
  size_t bytes;
  BackwardParts(const Plan& plan, void* base);
};

}  // namespace stm::cuda
