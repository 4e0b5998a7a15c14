#pragma once
// A recurrent stack straight through cuDNN, without the plug-in: what a question about cuDNN is put with.
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "json.h"

namespace stm::probe {

#define STM_PROBE_FUNCTIONS(X)     \
  X(cudnnGetVersion)               \
  X(cudnnGetErrorString)           \
  X(cudnnGetLastErrorString)       \
  X(cudnnCreate)                   \
  X(cudnnSetStream)                \
  X(cudnnCreateTensorDescriptor)   \
  X(cudnnSetTensorNdDescriptor)    \
  X(cudnnGetTensorNdDescriptor)    \
  X(cudnnDestroyTensorDescriptor)  \
  X(cudnnCreateRNNDescriptor)      \
  X(cudnnSetRNNDescriptor_v8)      \
  X(cudnnRNNSetClip_v9)            \
  X(cudnnDestroyRNNDescriptor)     \
  X(cudnnCreateRNNDataDescriptor)  \
  X(cudnnSetRNNDataDescriptor)     \
  X(cudnnDestroyRNNDataDescriptor) \
  X(cudnnBuildRNNDynamic)          \
  X(cudnnGetRNNTempSpaceSizes)     \
  X(cudnnGetRNNWeightSpaceSize)    \
  X(cudnnGetRNNWeightParams)       \
  X(cudnnRNNForward)               \
  X(cudnnRNNBackwardData_v8)       \
  X(cudnnRNNBackwardWeights_v8)

/// cuDNN, opened at run time: STMNET_CUDNN_LIB, else below STMNET_CUDA_LIBS, else where the loader looks.
struct Cudnn {
#define STM_MEMBER(name) decltype(&::name) name = nullptr;
  STM_PROBE_FUNCTIONS(STM_MEMBER)
#undef STM_MEMBER
  std::string path;
};
const Cudnn& cudnn();

/// A call that failed: what it was and what the library says.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};
void check(cudaError_t status, const char* call);
void check(cudnnStatus_t status, const char* call);
#define STM_PROBE(call) ::stm::probe::check((call), #call)

/// Runs `body`. @returns "ok", or why it failed
std::string outcome(const std::function<void()>& body);

/// The one stream and handle of the process.
cudaStream_t stream();
cudnnHandle_t handle();
void wait();

/// Device memory, with an end that is looked after by nobody: the process is short.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes);
  Buffer(Buffer&& other) noexcept : data_(other.data_), bytes_(other.bytes_) { other.data_ = nullptr; }
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  void fill(int byte) const;
  std::vector<unsigned char> read() const;
  void write(const void* host, size_t bytes) const;

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

enum class Type { F32, Tf32, F64, F16, Bf16 };
const char* name_of(Type type);
const char* name_of(cudnnRNNAlgo_t algo);
cudnnDataType_t data_type(Type type);
size_t size_of(Type type);

/// Numbers in device memory of a type.
void put(const Buffer& buffer, Type type, const std::vector<double>& values);
std::vector<double> get(const Buffer& buffer, Type type);
/// Repeatable numbers in (-scale, scale).
std::vector<double> noise(size_t count, int seed, double scale = 1);
/// Largest |a - b| over the largest |b|; NaN counts as infinite.
double distance(const std::vector<double>& a, const std::vector<double>& b);

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

  int gates() const { return mode == CUDNN_LSTM ? 4 : mode == CUDNN_GRU ? 3 : 1; }
  int width() const { return P ? P : H; }
};

/// Descriptors and buffers of one stack. Throws Failure if cuDNN refuses it. Weights and inputs are noise, the same for the same sizes whatever the algorithm.
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
  void build_dynamic(int batch) const { STM_PROBE(cudnn().cudnnBuildRNNDynamic(handle(), rnn_, batch)); }

  /// The gradients of the weights by pseudo-layer and linLayerID, whatever their places: of two algorithms they compare.
  std::vector<double> weight_gradients() const;
  /// Where each parameter lies: pseudo-layer, linLayerID, offsets in bytes of matrix and bias (-1: none) and their sizes in elements.
  struct Place {
    int pseudo_layer, id;
    long matrix, bias, matrix_size, bias_size;
  };
  const std::vector<Place>& places() const { return places_; }
  /// The index of the first element of row n, step t, in a tensor of that width.
  size_t at(int n, int t, int width) const;

  const Setting setting;
  Buffer x, y, hx, cx, hy, cy, dx, dy, dhx, dcx, dhy, dcy, weights, dweights, work, reserve;

 private:
  friend void backward_with(const Rnn& forward, const Rnn& backward);
  void describe();
  void allocate();
  void find_places();
  void fill_weights() const;
  cudnnRNNDescriptor_t rnn_ = nullptr;
  cudnnRNNDataDescriptor_t x_ = nullptr, y_ = nullptr;
  cudnnTensorDescriptor_t h_ = nullptr, c_ = nullptr;
  std::vector<Place> places_;
};

/// BackwardData of `backward`'s descriptor on the reserve, y and inputs of `forward`; the gradients land in `backward`.
void backward_with(const Rnn& forward, const Rnn& backward);

/// Median milliseconds of `runs` runs of `body` after some that do not count; the clock stops when the device is done.
double milliseconds(const std::function<void()>& body, int runs = 10, int warm_ups = 3);

struct Question {
  std::string name, about;
  std::function<Json()> answer;
};
std::vector<Question> length_questions();
std::vector<Question> gradient_questions();
std::vector<Question> repeat_questions();
std::vector<Question> layout_questions();
std::vector<Question> speed_questions();

/// All four algorithms.
inline const std::vector<cudnnRNNAlgo_t> kAlgorithms = {CUDNN_RNN_ALGO_STANDARD, CUDNN_RNN_ALGO_PERSIST_STATIC, CUDNN_RNN_ALGO_PERSIST_DYNAMIC,
                                                        CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H};

}  // namespace stm::probe
