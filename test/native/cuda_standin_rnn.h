#pragma once
// One recurrent step through cuDNN's interface, and the CPU engine's f64 reference to compare it with.
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "backend/cpu/recurrent.h"
#include "cuda-standin/numbers.h"
#include "cuda_standin_check.h"

namespace stm::standin {

using Values = std::vector<double>;

inline cudaStream_t stream = nullptr;
inline cudnnHandle_t handle = nullptr;

// Device memory that holds numbers of any type.
class Array {
 public:
  Array() = default;
  Array(size_t count, Number number) : count_(count), number_(number) { OK(cudaMallocAsync(&data_, bytes(), stream)); }
  Array(const Values& values, Number number) : Array(values.size(), number) { set(values); }
  Array(Array&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(other.count_), number_(other.number_) {}
  Array& operator=(Array&& other) noexcept {
    std::swap(data_, other.data_), std::swap(count_, other.count_), std::swap(number_, other.number_);
    return *this;
  }
  ~Array() {
    if (data_) (void)cudaFreeAsync(data_, stream);
  }
  void* get() const { return data_; }
  char* at(size_t offset) const { return static_cast<char*>(data_) + offset; }
  size_t bytes() const { return count_ * size_of(number_); }
  void set(const Values& values) {
    std::vector<char> raw(bytes());
    for (size_t i = 0; i < count_; ++i) store(raw.data(), number_, static_cast<int64_t>(i), values[i]);
    OK(cudaMemcpyAsync(data_, raw.data(), raw.size(), cudaMemcpyHostToDevice, stream));
  }
  void clear() { OK(cudaMemsetAsync(data_, 0, bytes(), stream)); }
  Values values() const {
    std::vector<char> raw(bytes());
    OK(cudaMemcpyAsync(raw.data(), data_, raw.size(), cudaMemcpyDeviceToHost, stream));
    OK(cudaStreamSynchronize(stream));
    Values out(count_);
    for (size_t i = 0; i < count_; ++i) out[i] = load(raw.data(), number_, static_cast<int64_t>(i));
    return out;
  }

 private:
  void* data_ = nullptr;
  size_t count_ = 0;
  Number number_ = Number::F32;
};

struct Case {
  cudnnRNNAlgo_t algo = CUDNN_RNN_ALGO_STANDARD;
  cudnnRNNMode_t mode = CUDNN_LSTM;
  cudnnRNNBiasMode_t bias = CUDNN_RNN_DOUBLE_BIAS;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  cudnnMathType_t math = CUDNN_FMA_MATH;
  cudnnRNNDataLayout_t layout = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED;
  int N = 3, T = 5, D = 4, H = 6, P = 6, L = 2, K = 1;
  std::vector<int> lengths;
  uint32_t flags = CUDNN_RNN_PADDED_IO_ENABLED;
  double tolerance = 1e-5;

  Number number() const {
    return type == CUDNN_DATA_DOUBLE     ? Number::F64
           : type == CUDNN_DATA_HALF     ? Number::F16
           : type == CUDNN_DATA_BFLOAT16 ? Number::Bf16
                                         : Number::F32;
  }
  bool packed() const { return layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED; }
  int length(int b) const { return lengths.empty() ? T : lengths[static_cast<size_t>(b)]; }
  std::string name() const {
    return "algo " + std::to_string(algo) + " mode " + std::to_string(mode) + " bias " + std::to_string(bias) +
           " type " + std::to_string(type) + " math " + std::to_string(math) + " layout " + std::to_string(layout) +
           " P " + std::to_string(P) + " K " + std::to_string(K);
  }
  RecurrentProblem problem() const {
    RecurrentProblem p;
    p.cell = mode == CUDNN_LSTM       ? Cell::Lstm
             : mode == CUDNN_GRU      ? Cell::Gru
             : mode == CUDNN_RNN_TANH ? Cell::RnnTanh
                                      : Cell::RnnRelu;
    p.dtype = DType::F64;
    p.N = N, p.T = T, p.D = D, p.H = H, p.P = P == H ? 0 : P, p.L = L, p.K = K;
    p.batch_first = layout == CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED;
    p.training = true;
    p.lengths = lengths.empty() ? nullptr : lengths.data();
    return p;
  }
  // The rows of the caller's layout in those of the reference, which knows no packed one.
  std::vector<size_t> order() const {
    std::vector<size_t> rows;
    for (int i = 0; i < N * T; ++i) {
      const int t = problem().batch_first ? i % T : i / N, b = problem().batch_first ? i / T : i % N;
      if (!packed() || t < length(b)) rows.push_back(static_cast<size_t>(i));
    }
    return rows;
  }
};

// The descriptors of a case.
struct Descriptors {
  cudnnRNNDescriptor_t rnn = nullptr;
  cudnnRNNDataDescriptor_t x = nullptr, y = nullptr;
  cudnnTensorDescriptor_t h = nullptr, c = nullptr, matrix = nullptr, bias = nullptr;

  explicit Descriptors(const Case& k) {
    OK(cudnnCreateRNNDescriptor(&rnn));
    OK(cudnnCreateRNNDataDescriptor(&x));
    OK(cudnnCreateRNNDataDescriptor(&y));
    for (cudnnTensorDescriptor_t* const tensor : {&h, &c, &matrix, &bias}) OK(cudnnCreateTensorDescriptor(tensor));
    OK(set_rnn(k));
    OK(set_data(k, x, k.D));
    double zero = 0;  // of whatever type; without it nothing fills y's padding, and backward reads that
    OK(set_data(k, y, k.K * k.P, &zero));
    set_state(k, h, k.P);
    set_state(k, c, k.H);
    if (k.algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC) OK(cudnnBuildRNNDynamic(handle, rnn, k.N));
  }
  Descriptors(const Descriptors&) = delete;
  ~Descriptors() {
    OK(cudnnDestroyRNNDescriptor(rnn));
    OK(cudnnDestroyRNNDataDescriptor(x));
    OK(cudnnDestroyRNNDataDescriptor(y));
    for (cudnnTensorDescriptor_t tensor : {h, c, matrix, bias}) OK(cudnnDestroyTensorDescriptor(tensor));
  }
  cudnnStatus_t set_rnn(const Case& k) {
    return cudnnSetRNNDescriptor_v8(rnn, k.algo, k.mode, k.bias, k.K == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL,
                                    CUDNN_LINEAR_INPUT, k.type,
                                    k.type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT, k.math, k.D,
                                    k.H, k.P, k.L, nullptr, k.flags);
  }
  cudnnStatus_t set_data(const Case& k, cudnnRNNDataDescriptor_t desc, int width, void* fill = nullptr) {
    std::vector<int> lengths;
    for (int b = 0; b < k.N; ++b) lengths.push_back(k.length(b));
    return cudnnSetRNNDataDescriptor(desc, k.type, k.layout, k.T, k.N, width, lengths.data(), fill);
  }
  void set_state(const Case& k, cudnnTensorDescriptor_t desc, int width) {
    const int dims[] = {k.L * k.K, k.N, width}, strides[] = {k.N * width, width, 1};
    OK(cudnnSetTensorNdDescriptor(desc, k.type, 3, dims, strides));
  }
};

// Everything a step reads and writes, in device memory; and what it should be, by the f64 reference.
struct Step {
  Case k;
  Descriptors d;
  size_t weight_bytes = 0, workspace_bytes = 0, reserve_bytes = 0;
  std::vector<size_t> order;
  Values x_v, h_v, c_v, blob, dy_v, dhn_v, dcn_v;
  Array x, y, hx, cx, hy, cy, dy, dhy, dcy, dx, dhx, dcx, weights, dweights, workspace, reserve;

  explicit Step(const Case& of);
  cudnnStatus_t forward(cudnnForwardMode_t mode = CUDNN_FWD_MODE_TRAINING) {
    const bool lstm = k.mode == CUDNN_LSTM;
    return cudnnRNNForward(handle, d.rnn, mode, nullptr, d.x, x.get(), d.y, y.get(), d.h, hx.get(), hy.get(), d.c,
                           lstm ? cx.get() : nullptr, lstm ? cy.get() : nullptr, weight_bytes, weights.get(),
                           workspace_bytes, workspace.get(), reserve_bytes, reserve.get());
  }
  cudnnStatus_t backward_data() {
    const bool lstm = k.mode == CUDNN_LSTM;
    return cudnnRNNBackwardData_v8(handle, d.rnn, nullptr, d.y, y.get(), dy.get(), d.x, dx.get(), d.h, hx.get(),
                                   dhy.get(), dhx.get(), d.c, lstm ? cx.get() : nullptr, lstm ? dcy.get() : nullptr,
                                   lstm ? dcx.get() : nullptr, weight_bytes, weights.get(), workspace_bytes,
                                   workspace.get(), reserve_bytes, reserve.get());
  }
  cudnnStatus_t backward_weights(cudnnWgradMode_t mode = CUDNN_WGRAD_MODE_ADD) {
    return cudnnRNNBackwardWeights_v8(handle, d.rnn, mode, nullptr, d.x, x.get(), d.h, hx.get(), d.y, y.get(),
                                      weight_bytes, dweights.get(), workspace_bytes, workspace.get(), reserve_bytes,
                                      reserve.get());
  }
  void each_parameter(const std::function<void(size_t offset, int64_t count, int64_t ours)>& use);
  void write_weights();
  void compare();
  void compare_one(const char* what, const Values& got, const Values& wanted, size_t width = 0);
  double worst = 0;  ///< error of all comparisons
};

inline Step::Step(const Case& of) : k(of), d(k), order(k.order()) {
  const RecurrentProblem p = k.problem();
  const int64_t states = p.L * p.K * p.N;
  x_v = numbers(p.N * p.T * p.D, 1), h_v = numbers(states * k.P, 0.7), c_v = numbers(states * k.H, 0.7),
  blob = numbers(p.weight_elements(), 0.4);
  dy_v = numbers(p.N * p.T * p.K * k.P, 1), dhn_v = numbers(states * k.P, 1), dcn_v = numbers(states * k.H, 1);
  OK(cudnnGetRNNWeightSpaceSize(handle, d.rnn, &weight_bytes));
  OK(cudnnGetRNNTempSpaceSizes(handle, d.rnn, CUDNN_FWD_MODE_TRAINING, d.x, &workspace_bytes, &reserve_bytes));
  const Number n = k.number();
  const auto rows = [&](const Values& values, int width) {  // in the caller's layout; NaN past a length, but for dy
    Values out;
    for (const size_t row : order) {
      const int t = p.batch_first ? static_cast<int>(row) % k.T : static_cast<int>(row) / k.N,
                b = p.batch_first ? static_cast<int>(row) / k.T : static_cast<int>(row) % k.N;
      for (size_t j = 0; j < static_cast<size_t>(width); ++j)
        out.push_back(t < k.length(b) ? values[row * static_cast<size_t>(width) + j] : &values == &dy_v ? 0 : NAN);
    }
    return out;
  };
  x = Array(rows(x_v, k.D), n), dy = Array(rows(dy_v, k.K * k.P), n);
  y = Array(order.size() * static_cast<size_t>(k.K * k.P), n), dx = Array(order.size() * static_cast<size_t>(k.D), n);
  hx = Array(h_v, n), cx = Array(c_v, n), dhy = Array(dhn_v, n), dcy = Array(dcn_v, n);
  hy = Array(h_v.size(), n), cy = Array(c_v.size(), n), dhx = Array(h_v.size(), n), dcx = Array(c_v.size(), n);
  const size_t element = size_of(n);
  CHECK(weight_bytes % element == 0);
  weights = Array(weight_bytes / element, n), dweights = Array(weight_bytes / element, n);
  workspace = Array((workspace_bytes + 3) / 4, Number::F32), reserve = Array((reserve_bytes + 3) / 4, Number::F32);
  write_weights();
  dweights.clear();
}

inline void Step::each_parameter(const std::function<void(size_t offset, int64_t count, int64_t ours)>& use) {
  const RecurrentProblem p = k.problem();
  const int gates = static_cast<int>(p.gates());
  int64_t ours = 0;
  for (const bool biases : {false, true}) {
    for (int i = 0; i < k.L * k.K; ++i) {
      for (int id = 0; id < 2 * gates + (k.P != k.H); ++id) {
        void *matrix = nullptr, *bias = nullptr;
        OK(cudnnGetRNNWeightParams(handle, d.rnn, i, weight_bytes, weights.get(), id, d.matrix, &matrix, d.bias,
                                   &bias));
        void* const address = biases ? bias : matrix;
        cudnnDataType_t type;
        int count = 0, dims[3] = {}, strides[3] = {};
        OK(cudnnGetTensorNdDescriptor(biases ? d.bias : d.matrix, 3, &type, &count, dims, strides));
        const int64_t elements = int64_t{dims[0]} * dims[1] * dims[2];
        CHECK((count == 3) == (address != nullptr) && (address != nullptr) == (elements > 0));
        if (address) use(static_cast<size_t>(static_cast<char*>(address) - weights.at(0)), elements, ours);
        ours += biases ? (id < 2 * gates ? k.H : 0) : elements;
      }
    }
  }
}

// Zeroes what does not exist on this side, as a bias mode may ask.
inline void Step::write_weights() {
  Values space(weights.bytes() / size_of(k.number())), exists(blob.size());
  each_parameter([&](size_t offset, int64_t count, int64_t ours) {
    for (int64_t i = 0; i < count; ++i) {
      space[offset / size_of(k.number()) + static_cast<size_t>(i)] = blob[static_cast<size_t>(ours + i)];
      exists[static_cast<size_t>(ours + i)] = 1;
    }
  });
  for (size_t i = 0; i < blob.size(); ++i) blob[i] *= exists[i];
  weights.set(space);
}

inline void Step::compare_one(const char* what, const Values& got, const Values& wanted, size_t width) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    double expected = wanted[i];
    if (width) {
      const size_t row = order[i / width];
      const bool batch_first = k.problem().batch_first;
      const int t = static_cast<int>(batch_first ? row % static_cast<size_t>(k.T) : row / static_cast<size_t>(k.N));
      const int b = static_cast<int>(batch_first ? row / static_cast<size_t>(k.T) : row % static_cast<size_t>(k.N));
      expected = wanted[row * width + i % width];
      if (t >= k.length(b)) {
        CHECK(std::string(what) == "y" ? got[i] == 0 : std::isnan(got[i]));  // nothing else cleans padding
        continue;
      }
    }
    difference += (got[i] - expected) * (got[i] - expected);
    norm += expected * expected;
  }
  const double error = std::sqrt(difference / (norm + 1e-30));
  worst = std::isnan(error) ? HUGE_VAL : std::max(worst, error);
  require(error <= k.tolerance, what + (" off by " + std::to_string(error) + ": " + k.name()));
}

inline void Step::compare() {
  const RecurrentProblem p = k.problem();
  RecurrentSizes sizes;
  RecurrentKernels& cpu = cpu_recurrent();
  CHECK(cpu.sizes(p, &sizes).is_ok());
  std::vector<double> saved(sizes.reserve / 8 + 8),
      work(std::max(sizes.forward_workspace, sizes.backward_workspace) / 8 + 8);
  Values y_w(dy_v.size()), hn(h_v.size()), cn(c_v.size()), dx_w(x_v.size()), dh(h_v.size()), dc(c_v.size()),
      dw(blob.size());
  CHECK(cpu.forward(p, {x_v.data(), h_v.data(), c_v.data(), blob.data(), nullptr, y_w.data(), hn.data(), cn.data(),
                        saved.data(), work.data()})
            .is_ok());
  CHECK(cpu.backward(p, {x_v.data(), h_v.data(), c_v.data(), blob.data(), nullptr, y_w.data(), hn.data(), cn.data(),
                         dy_v.data(), dhn_v.data(), dcn_v.data(), dx_w.data(), dh.data(), dc.data(), dw.data(),
                         saved.data(), work.data()})
            .is_ok());
  OK(forward());
  OK(backward_data());
  OK(backward_weights());
  compare_one("y", y.values(), y_w, static_cast<size_t>(k.K * k.P));
  compare_one("hy", hy.values(), hn);
  compare_one("dx", dx.values(), dx_w, static_cast<size_t>(k.D));
  compare_one("dhx", dhx.values(), dh);
  if (k.mode == CUDNN_LSTM) compare_one("cy", cy.values(), cn);
  if (k.mode == CUDNN_LSTM) compare_one("dcx", dcx.values(), dc);
  const Values space = dweights.values();
  Values got, wanted;
  each_parameter([&](size_t offset, int64_t count, int64_t ours) {
    for (int64_t i = 0; i < count; ++i) {
      got.push_back(space[offset / size_of(k.number()) + static_cast<size_t>(i)]);
      wanted.push_back(dw[static_cast<size_t>(ours + i)]);
    }
  });
  compare_one("dweights", got, wanted);
  OK(forward());
  OK(backward_data());
  OK(backward_weights());  // adds
  got.clear();
  const Values twice = dweights.values();
  each_parameter([&](size_t offset, int64_t count, int64_t) {
    for (int64_t i = 0; i < count; ++i) got.push_back(twice[offset / size_of(k.number()) + static_cast<size_t>(i)] / 2);
  });
  compare_one("dweights, added twice", got, wanted);
}

}  // namespace stm::standin
