#pragma once
// A recurrent stack straight through cuDNN, without the plug-in: what a question about cuDNN is put with.
#include <cudnn.h>

#include <vector>

#include "device.h"

namespace stm::probe {

const char* name_of(cudnnRNNAlgo_t algo);

/// How the descriptor says that there is no dropout: one that was set to 0, none, or one that was made and never set.
enum class NoDropout { Set, Null, Unset };

struct Setting {
  cudnnRNNMode_t mode = CUDNN_LSTM;
  cudnnRNNAlgo_t algo = CUDNN_RNN_ALGO_STANDARD;
  Type type = Type::F32;
  cudnnRNNBiasMode_t bias = CUDNN_RNN_DOUBLE_BIAS;
  cudnnRNNDataLayout_t layout = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED;
  int T = 5, N = 4, D = 8, H = 16, P = 0, L = 1, K = 1;
  std::vector<int> lengths;  ///< empty: all T
  bool training = true;
  double clip = 0;  ///< of the cell, symmetric; 0: none
  const void* padding_fill = nullptr;
  int math = -1;  ///< a cudnnMathType_t, instead of the type's own
  NoDropout dropout = NoDropout::Set;

  int gates() const { return mode == CUDNN_LSTM ? 4 : mode == CUDNN_GRU ? 3 : 1; }
  int width() const { return P ? P : H; }
};

/// Descriptors and buffers of one stack. Throws Failure if cuDNN refuses it. Weights and inputs are noise, the same for
/// the same sizes whatever the algorithm.
class Rnn {
 public:
  explicit Rnn(const Setting& setting);
  ~Rnn();
  Rnn(const Rnn&) = delete;
  Rnn& operator=(const Rnn&) = delete;

  void forward() const;
  void backward_data() const;
  void backward_weights(cudnnWgradMode_t mode = CUDNN_WGRAD_MODE_ADD) const;
  /// Zeroes the weights' gradient and runs all three.
  void step() const;
  void build_dynamic(int batch) const { STM_PROBE(library().cudnnBuildRNNDynamic(handle(), rnn_, batch)); }

  /// The gradients of the weights by pseudo-layer and linLayerID, whatever their places: of two algorithms they
  /// compare. Of large parameters it is a sample.
  std::vector<double> weight_gradients() const;
  /// What cuDNN says of a matrix or a bias. No rank: there is none.
  struct Parameter {
    long offset = -1;  ///< in bytes
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
    int rank = 0, extents[8] = {}, strides[8] = {};
    long size() const;  ///< in elements
  };
  struct Place {
    int pseudo_layer, id;
    Parameter matrix, bias;
  };
  const std::vector<Place>& places() const { return places_; }
  /// The same of a weight space that begins at any address, which cuDNN should not look at.
  std::vector<Place> places_from(const void* address) const;
  /// The index of the first element of row n, step t, in a tensor of that width.
  size_t at(int n, int t, int width) const;

  const Setting setting;
  Buffer x, y, hx, cx, hy, cy, dx, dy, dhx, dcx, dhy, dcy, weights, dweights, work, reserve;

 private:
  friend void backward_with(const Rnn& forward, const Rnn& backward);
  void describe();
  void allocate();
  void fill_weights() const;
  cudnnRNNDescriptor_t rnn_ = nullptr;
  cudnnDropoutDescriptor_t dropout_ = nullptr;
  cudnnRNNDataDescriptor_t x_ = nullptr, y_ = nullptr;
  cudnnTensorDescriptor_t h_ = nullptr, c_ = nullptr;
  std::vector<Place> places_;
};

/// BackwardData of `backward`'s descriptor on the reserve, y and inputs of `forward`; the gradients land in `backward`.
void backward_with(const Rnn& forward, const Rnn& backward);

/// All four algorithms. The last is compiled as it runs, which may take longer than a question may: the others come
/// first.
inline const std::vector<cudnnRNNAlgo_t> kAlgorithms = {CUDNN_RNN_ALGO_STANDARD, CUDNN_RNN_ALGO_PERSIST_STATIC,
                                                        CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H,
                                                        CUDNN_RNN_ALGO_PERSIST_DYNAMIC};

}  // namespace stm::probe
