#include "rnn.h"

namespace stm::probe {
namespace {

cudnnTensorDescriptor_t tensor(Type type, int a, int b, int c) {
  cudnnTensorDescriptor_t out = nullptr;
  const int dims[3] = {a, b, c}, strides[3] = {b * c, c, 1};
  STM_PROBE(cudnn().cudnnCreateTensorDescriptor(&out));
  STM_PROBE(cudnn().cudnnSetTensorNdDescriptor(out, data_type(type), 3, dims, strides));
  return out;
}

cudnnMathType_t math_of(const Setting& s) {
  if (s.math >= 0) return static_cast<cudnnMathType_t>(s.math);
  return s.type == Type::F32 || s.type == Type::F64 ? CUDNN_FMA_MATH : s.type == Type::Tf32 ? CUDNN_DEFAULT_MATH : CUDNN_TENSOR_OP_MATH;
}

cudnnRNNDataDescriptor_t data(const Setting& s, int width, void* fill) {
  cudnnRNNDataDescriptor_t out = nullptr;
  const std::vector<int> lengths = s.lengths.empty() ? std::vector<int>(static_cast<size_t>(s.N), s.T) : s.lengths;
  STM_PROBE(cudnn().cudnnCreateRNNDataDescriptor(&out));
  STM_PROBE(cudnn().cudnnSetRNNDataDescriptor(out, data_type(s.type), s.layout, s.T, s.N, width, lengths.data(), fill));
  return out;
}

}  // namespace

Rnn::Rnn(const Setting& s) : setting(s) {
  describe();
  allocate();
  find_places();
  fill_weights();
}

void Rnn::describe() {
  const Setting& s = setting;
  STM_PROBE(cudnn().cudnnCreateRNNDescriptor(&rnn_));
  STM_PROBE(cudnn().cudnnSetRNNDescriptor_v8(rnn_, s.algo, s.mode, s.bias, s.K == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT,
                                             data_type(s.type), s.type == Type::F64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT, math_of(s), s.D, s.H, s.width(),
                                             s.L, nullptr, CUDNN_RNN_PADDED_IO_ENABLED));
  if (s.clip > 0) STM_PROBE(cudnn().cudnnRNNSetClip_v9(rnn_, CUDNN_RNN_CLIP_MINMAX, -s.clip, s.clip));
  x_ = data(s, s.D, nullptr);
  y_ = data(s, s.K * s.width(), const_cast<void*>(s.padding_fill));
  h_ = tensor(s.type, s.L * s.K, s.N, s.width());
  c_ = tensor(s.type, s.L * s.K, s.N, s.H);
  if (s.algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC) build_dynamic(s.N);
}

void Rnn::allocate() {
  const Setting& s = setting;
  size_t work_bytes = 0, reserve_bytes = 0, weight_bytes = 0;
  STM_PROBE(
      cudnn().cudnnGetRNNTempSpaceSizes(handle(), rnn_, s.training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, x_, &work_bytes, &reserve_bytes));
  STM_PROBE(cudnn().cudnnGetRNNWeightSpaceSize(handle(), rnn_, &weight_bytes));
  const auto sized = [&](int count, int width) { return static_cast<size_t>(count) * static_cast<size_t>(s.N) * static_cast<size_t>(width); };
  const size_t input = sized(s.T, s.D), output = sized(s.T, s.K * s.width()), h = sized(s.L * s.K, s.width()), c = sized(s.L * s.K, s.H);
  int seed = 1;
  const auto make = [&](Buffer& buffer, size_t count, bool random) {
    buffer = Buffer(count * size_of(s.type));
    if (random) put(buffer, s.type, noise(count, seed++));
    else buffer.fill(0);
  };
  make(x, input, true), make(y, output, false), make(dx, input, false), make(dy, output, true);
  make(hx, h, true), make(hy, h, false), make(dhx, h, false), make(dhy, h, true);
  make(cx, c, true), make(cy, c, false), make(dcx, c, false), make(dcy, c, true);
  for (auto [buffer, bytes] : {std::pair{&weights, weight_bytes}, {&dweights, weight_bytes}, {&work, work_bytes}, {&reserve, reserve_bytes}}) {
    *buffer = Buffer(bytes);
    buffer->fill(0);
  }
}

void Rnn::find_places() {
  const Setting& s = setting;
  cudnnTensorDescriptor_t matrix = nullptr, bias = nullptr;
  STM_PROBE(cudnn().cudnnCreateTensorDescriptor(&matrix));
  STM_PROBE(cudnn().cudnnCreateTensorDescriptor(&bias));
  const auto size = [](cudnnTensorDescriptor_t of, const void* address) {
    if (!address) return 0L;
    cudnnDataType_t type;
    int rank = 0, dims[8] = {}, strides[8] = {};
    STM_PROBE(cudnn().cudnnGetTensorNdDescriptor(of, 8, &type, &rank, dims, strides));
    long product = 1;
    for (int i = 0; i < rank; ++i) product *= dims[i];
    return product;
  };
  const int ids = 2 * s.gates() + (s.P ? 1 : 0);
  for (int layer = 0; layer < s.L * s.K; ++layer)
    for (int id = 0; id < ids; ++id) {
      void *m = nullptr, *b = nullptr;
      STM_PROBE(cudnn().cudnnGetRNNWeightParams(handle(), rnn_, layer, weights.bytes(), weights.data(), id, matrix, &m, bias, &b));
      const auto offset = [&](void* address) { return address ? static_cast<long>(static_cast<char*>(address) - static_cast<char*>(weights.data())) : -1L; };
      places_.push_back({layer, id, offset(m), offset(b), size(matrix, m), size(bias, b)});
    }
  (void)cudnn().cudnnDestroyTensorDescriptor(matrix);
  (void)cudnn().cudnnDestroyTensorDescriptor(bias);
}

void Rnn::fill_weights() const {
  std::vector<double> values(weights.bytes() / size_of(setting.type));
  const auto spread = [&](long at, long count, int seed) {
    const std::vector<double> numbers = noise(static_cast<size_t>(count), seed, 1.5 / std::sqrt(setting.H));
    for (long i = 0; i < count && at >= 0; ++i)
      values[static_cast<size_t>(at) / size_of(setting.type) + static_cast<size_t>(i)] = numbers[static_cast<size_t>(i)];
  };
  for (const Place& place : places_) {
    const int seed = 100 + 40 * place.pseudo_layer + 2 * place.id;
    spread(place.matrix, place.matrix_size, seed);
    spread(place.bias, place.bias_size, seed + 1);
  }
  put(weights, setting.type, values);
}

Rnn::~Rnn() {
  (void)cudaStreamSynchronize(stream());
  (void)cudnn().cudnnDestroyRNNDescriptor(rnn_);
  for (cudnnRNNDataDescriptor_t of : {x_, y_})
    if (of) (void)cudnn().cudnnDestroyRNNDataDescriptor(of);
  for (cudnnTensorDescriptor_t of : {h_, c_})
    if (of) (void)cudnn().cudnnDestroyTensorDescriptor(of);
}

void Rnn::forward() const {
  const bool lstm = setting.mode == CUDNN_LSTM;
  STM_PROBE(cudnn().cudnnRNNForward(handle(), rnn_, setting.training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, nullptr, x_, x.data(), y_, y.data(),
                                    h_, hx.data(), hy.data(), c_, lstm ? cx.data() : nullptr, lstm ? cy.data() : nullptr, weights.bytes(), weights.data(),
                                    work.bytes(), work.data(), reserve.bytes(), reserve.data()));
}

void Rnn::backward_data() const { backward_with(*this, *this); }

void backward_with(const Rnn& f, const Rnn& b) {
  const bool lstm = f.setting.mode == CUDNN_LSTM;
  STM_PROBE(cudnn().cudnnRNNBackwardData_v8(handle(), b.rnn_, nullptr, b.y_, f.y.data(), f.dy.data(), b.x_, b.dx.data(), b.h_, f.hx.data(), f.dhy.data(),
                                            b.dhx.data(), b.c_, lstm ? f.cx.data() : nullptr, lstm ? f.dcy.data() : nullptr, lstm ? b.dcx.data() : nullptr,
                                            b.weights.bytes(), b.weights.data(), b.work.bytes(), b.work.data(), f.reserve.bytes(), f.reserve.data()));
}

void Rnn::backward_weights(cudnnWgradMode_t mode) const {
  STM_PROBE(cudnn().cudnnRNNBackwardWeights_v8(handle(), rnn_, mode, nullptr, x_, x.data(), h_, hx.data(), y_, y.data(), dweights.bytes(), dweights.data(),
                                               work.bytes(), work.data(), reserve.bytes(), reserve.data()));
}

void Rnn::step() const {
  dweights.fill(0);
  forward();
  backward_data();
  backward_weights();
}

std::vector<double> Rnn::weight_gradients() const {
  const std::vector<double> all = get(dweights, setting.type);
  std::vector<double> out;
  const auto add = [&](long at, long count) {
    if (at < 0) return;
    const auto first = all.begin() + at / static_cast<long>(size_of(setting.type));
    out.insert(out.end(), first, first + count);
  };
  for (const Place& place : places_) add(place.matrix, place.matrix_size), add(place.bias, place.bias_size);
  return out;
}

size_t Rnn::at(int n, int t, int width) const {
  const int row = setting.layout == CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED ? n * setting.T + t : t * setting.N + n;
  return static_cast<size_t>(row) * static_cast<size_t>(width);
}

}  // namespace stm::probe
