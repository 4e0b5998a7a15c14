#pragma once
// What cuDNN's handles and descriptors hold.
#include <atomic>
#include <set>
#include <string>
#include <vector>

#include "cuda-standin/calls.h"
#include "cuda-standin/handles.h"
#include "cuda-standin/numbers.h"

namespace stm::standin {

struct DnnHandle {
  static constexpr const char* kWhat = "cuDNN handles";
  int device = 0;
  cudaStream_t stream = nullptr;
  std::atomic<bool> in_use{false};
  std::set<std::string> warm;  ///< kinds of calls that have run outside a capture
};

struct TensorDescriptor {
  static constexpr const char* kWhat = "tensor descriptors";
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::vector<int> dims, strides;  ///< empty: not set
};

struct DropoutDescriptor {
  static constexpr const char* kWhat = "dropout descriptors";
  bool set = false;
  float dropout = 0;
  bool has_states = false;
};

/// The arguments of cudnnSetRNNDescriptor_v8 and of what changes them.
struct RnnConfig {
  cudnnRNNAlgo_t algo;
  cudnnRNNMode_t mode;
  cudnnRNNBiasMode_t bias;
  cudnnDirectionMode_t direction;
  cudnnRNNInputMode_t input_mode;
  cudnnDataType_t type, precision;
  cudnnMathType_t math;
  int32_t input, hidden, projection, layers;  ///< projection: hidden if there is none
  uint32_t flags;
  double dropout;
  bool dropout_states, clips;

  bool persistent() const { return algo != CUDNN_RNN_ALGO_STANDARD; }
  bool gated() const { return mode == CUDNN_LSTM || mode == CUDNN_GRU; }
  bool projected() const { return projection != hidden; }
  int gates() const { return mode == CUDNN_LSTM ? 4 : mode == CUDNN_GRU ? 3 : 1; }
  int directions() const { return direction == CUDNN_BIDIRECTIONAL ? 2 : 1; }
  int pseudo_layers() const { return layers * directions(); }
  int output() const { return directions() * projection; }
  int input_of(int layer) const { return layer ? output() : input; }
  int linear_layers() const { return 2 * gates() + projected(); }
  /// Inputs and weights of f32 lose digits.
  bool reduces() const { return type == CUDNN_DATA_FLOAT && math != CUDNN_FMA_MATH; }
};

struct RnnDescriptor {
  static constexpr const char* kWhat = "RNN descriptors";
  bool set = false;
  RnnConfig config{};
  std::set<int> built;  ///< batch sizes of cudnnBuildRNNDynamic
};

struct RnnData {
  static constexpr const char* kWhat = "RNN data descriptors";
  bool set = false, fills = false;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  cudnnRNNDataLayout_t layout = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED;
  int steps = 0, batch = 0, width = 0;
  std::vector<int> lengths;
  std::vector<int64_t> first_rows;  ///< packed: the row of each step's first sequence
  double fill = 0;

  bool packed() const { return layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED; }
  bool full() const {
    for (const int length : lengths) {
      if (length != steps) return false;
    }
    return true;
  }
  /// Where a step of a sequence lies, in rows.
  int64_t row(int t, int b) const {
    if (packed()) return first_rows[static_cast<size_t>(t)] + b;
    return layout == CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED ? int64_t{b} * steps + t : int64_t{t} * batch + b;
  }
  int64_t rows() const {
    int64_t sum = 0;
    for (const int length : lengths) sum += length;
    return packed() ? sum : int64_t{steps} * batch;
  }
};

/// False for a type that recurrent layers do not take.
bool number_of(cudnnDataType_t type, Number* number);

/// For a call that needs a handle: one that lives, is used by one thread at a time, and belongs to the current device,
/// which works.
cudnnStatus_t enter(const char* function, const std::shared_ptr<DnnHandle>& handle);
void leave(DnnHandle& handle);

template <class F>
cudnnStatus_t with_handle(Call& call, const char* function, cudnnHandle_t handle, F body) {
  return call.cudnn([&] {
    const auto found = handles<DnnHandle>().find(handle);
    cudnnStatus_t status = enter(function, found);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    status = body(found);
    leave(*found);
    return status;
  });
}

}  // namespace stm::standin
