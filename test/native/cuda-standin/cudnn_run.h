#pragma once
// What cuDNN's recurrent calls compute, once the stream has come to them: stmnet's CPU engine between two changes of
// layout.
#include <memory>

#include "cuda-standin/algorithms.h"
#include "cuda-standin/cudnn_types.h"
#include "cuda-standin/cudnn_weights.h"

namespace stm::standin {

/// A call that has been checked, with copies of all that its descriptors held. Null where nothing was given or wanted.
struct RnnJob {
  const char* function = "";
  int device = 0;
  bool training = false;
  RnnConfig config{};
  RnnData x, y;
  WeightLayout layout;
  Manner manner;
  const void *x_data = nullptr, *y_data = nullptr, *hx = nullptr, *cx = nullptr, *weights = nullptr, *dy = nullptr,
             *dhy = nullptr, *dcy = nullptr;
  void *y_out = nullptr, *hy = nullptr, *cy = nullptr, *dx = nullptr, *dhx = nullptr, *dcx = nullptr,
       *dweights = nullptr;
  void *workspace = nullptr, *reserve = nullptr;
  size_t workspace_bytes = 0;
};

struct TempSizes {
  size_t workspace = 0, reserve = 0;
};

TempSizes temp_sizes(const RnnConfig& config, const RnnData& x, bool training);

void run_forward(const RnnJob& job);
void run_backward_data(const RnnJob& job);
void run_backward_weights(const RnnJob& job);

}  // namespace stm::standin
