#include "rnn.h"

#include <cmath>

namespace stm::probe {
namespace {

cudnnTensorDescriptor_t tensor(Type type, int a, int b, int c) {
  cudnnTensorDescriptor_t out = nullptr;
  const int dims[3] = {a, b, c}, strides[3] = {b * c, c, 1};
  STM_PROBE(library().cudnnCreateTensorDescriptor(&out));
  STM_PROBE(library().cudnnSetTensorNdDescriptor(out, data_type(type), 3, dims, strides));
  return out;
}

cudnnMathType_t math_of(const Setting& s) {
  if (s.math >= 0) return static_cast<cudnnMathType_t>(s.math);
  return s.type == Type::F32 || s.type == Type::F64 ? CUDNN_FMA_MATH
         : s.type == Type::Tf32                     ? CUDNN_DEFAULT_MATH
                                                    : CUDNN_TENSOR_OP_MATH;
}

cudnnRNNDataDescriptor_t data(const Setting& s, int width, void* fill) {
  cudnnRNNDataDescriptor_t out = nullptr;
  const std::vector<int> lengths = s.lengths.empty() ? std::vector<int>(static_cast<size_t>(s.N), s.T) : s.lengths;
  STM_PROBE(library().cudnnCreateRNNDataDescriptor(&out));
  STM_PROBE(
      library().cudnnSetRNNDataDescriptor(out, data_type(s.type), s.layout, s.T, s.N, width, lengths.data(), fill));
  return out;
}

}  // namespace

const char* name_of(cudnnRNNAlgo_t algo) {
  static const char* const names[] = {"standard", "persistStatic", "persistDynamic", "persistStaticSmallH"};
  return names[static_cast<int>(algo)];
}

Rnn::Rnn(const Setting& s) : setting(s) {
  describe();
  allocate();
  places_ = places_from(weights.data());
  fill_weights();
}

void Rnn::describe() {
  const Setting& s = setting;
  if (s.dropout != NoDropout::Null) STM_PROBE(library().cudnnCreateDropoutDescriptor(&dropout_));
  if (s.dropout == NoDropout::Set) STM_PROBE(library().cudnnSetDropoutDescriptor(dropout_, handle(), 0, nullptr, 0, 0));
  STM_PROBE(library().cudnnCreateRNNDescriptor(&rnn_));
  STM_PROBE(library().cudnnSetRNNDescriptor_v8(
      rnn_, s.algo, s.mode, s.bias, s.K == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT,
      data_type(s.type), s.type == Type::F64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT, math_of(s), s.D, s.H, s.width(),
      s.L, dropout_, CUDNN_RNN_PADDED_IO_ENABLED));
  if (s.clip > 0) STM_PROBE(library().cudnnRNNSetClip_v9(rnn_, CUDNN_RNN_CLIP_MINMAX, -s.clip, s.clip));
  x_ = data(s, s.D, nullptr);
  y_ = data(s, s.K * s.width(), const_cast<void*>(s.padding_fill));
  h_ = tensor(s.type, s.L * s.K, s.N, s.width());
  c_ = tensor(s.type, s.L * s.K, s.N, s.H);
  if (s.algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC) build_dynamic(s.N);
}

void Rnn::allocate() {
  const Setting& s = setting;
  size_t work_bytes = 0, reserve_bytes = 0, weight_bytes = 0;
  STM_PROBE(library().cudnnGetRNNTempSpaceSizes(handle(), rnn_,
                                                s.training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, x_,
                                                &work_bytes, &reserve_bytes));
  STM_PROBE(library().cudnnGetRNNWeightSpaceSize(handle(), rnn_, &weight_bytes));
  const auto sized = [&](int count, int width) {
    return static_cast<size_t>(count) * static_cast<size_t>(s.N) * static_cast<size_t>(width);
  };
  const size_t input = sized(s.T, s.D), output = sized(s.T, s.K * s.width()), h = sized(s.L * s.K, s.width()),
               c = sized(s.L * s.K, s.H);
  int seed = 1;
  const auto make = [&](Buffer& buffer, size_t count, bool random) {
    buffer = Buffer(count * size_of(s.type));
    if (random) put_noise(buffer.data(), s.type, count, seed++);
    else buffer.fill(0);
  };
  make(x, input, true), make(y, output, false), make(dx, input, false), make(dy, output, true);
  make(hx, h, true), make(hy, h, false), make(dhx, h, false), make(dhy, h, true);
  make(cx, c, true), make(cy, c, false), make(dcx, c, false), make(dcy, c, true);
  for (auto [buffer, bytes] :
       {std::pair{&weights, weight_bytes}, {&dweights, weight_bytes}, {&work, work_bytes}, {&reserve, reserve_bytes}}) {
    *buffer = Buffer(bytes);
    buffer->fill(0);
  }
}

long Rnn::Parameter::size() const {
  long product = rank ? 1 : 0;
  for (int i = 0; i < rank; ++i) product *= extents[i];
  return product;
}

std::vector<Rnn::Place> Rnn::places_from(const void* address) const {
  const Setting& s = setting;
  std::vector<Place> places;
  cudnnTensorDescriptor_t matrix = nullptr, bias = nullptr;
  STM_PROBE(library().cudnnCreateTensorDescriptor(&matrix));
  STM_PROBE(library().cudnnCreateTensorDescriptor(&bias));
  const auto described = [&](cudnnTensorDescriptor_t of, const void* at) {
    Parameter out;
    if (!at) return out;
    out.offset = static_cast<long>(reinterpret_cast<uintptr_t>(at) - reinterpret_cast<uintptr_t>(address));
    STM_PROBE(library().cudnnGetTensorNdDescriptor(of, 8, &out.type, &out.rank, out.extents, out.strides));
    return out;
  };
  const int ids = 2 * s.gates() + (s.P ? 1 : 0);
  for (int layer = 0; layer < s.L * s.K; ++layer)
    for (int id = 0; id < ids; ++id) {
      void *m = nullptr, *b = nullptr;
      STM_PROBE(
          library().cudnnGetRNNWeightParams(handle(), rnn_, layer, weights.bytes(), address, id, matrix, &m, bias, &b));
      places.push_back({layer, id, described(matrix, m), described(bias, b)});
    }
  (void)library().cudnnDestroyTensorDescriptor(matrix);
  (void)library().cudnnDestroyTensorDescriptor(bias);
  return places;
}

void Rnn::fill_weights() const {
  const auto spread = [&](const Parameter& parameter, int seed) {
    const double scale = 1.5 / std::sqrt(setting.H);
    if (parameter.rank)
      put_noise(weights.data() + parameter.offset, setting.type, static_cast<size_t>(parameter.size()), seed, scale);
  };
  for (const Place& place : places_) {
    const int seed = 100 + 40 * place.pseudo_layer + 2 * place.id;
    spread(place.matrix, seed);
    spread(place.bias, seed + 1);
  }
}

Rnn::~Rnn() {
  (void)cudaStreamSynchronize(stream());
  (void)library().cudnnDestroyRNNDescriptor(rnn_);
  if (dropout_) (void)library().cudnnDestroyDropoutDescriptor(dropout_);
  for (cudnnRNNDataDescriptor_t of : {x_, y_})
    if (of) (void)library().cudnnDestroyRNNDataDescriptor(of);
  for (cudnnTensorDescriptor_t of : {h_, c_})
    if (of) (void)library().cudnnDestroyTensorDescriptor(of);
}

void Rnn::forward() const {
  const bool lstm = setting.mode == CUDNN_LSTM;
  STM_PROBE(library().cudnnRNNForward(
      handle(), rnn_, setting.training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, nullptr, x_, x.data(), y_,
      y.data(), h_, hx.data(), hy.data(), c_, lstm ? cx.data() : nullptr, lstm ? cy.data() : nullptr, weights.bytes(),
      weights.data(), work.bytes(), work.data(), reserve.bytes(), reserve.data()));
}

void Rnn::backward_data() const { backward_with(*this, *this); }

void backward_with(const Rnn& f, const Rnn& b) {
  const bool lstm = f.setting.mode == CUDNN_LSTM;
  STM_PROBE(library().cudnnRNNBackwardData_v8(
      handle(), b.rnn_, nullptr, b.y_, f.y.data(), f.dy.data(), b.x_, b.dx.data(), b.h_, f.hx.data(), f.dhy.data(),
      b.dhx.data(), b.c_, lstm ? f.cx.data() : nullptr, lstm ? f.dcy.data() : nullptr, lstm ? b.dcx.data() : nullptr,
      b.weights.bytes(), b.weights.data(), b.work.bytes(), b.work.data(), f.reserve.bytes(), f.reserve.data()));
}

void Rnn::backward_weights(cudnnWgradMode_t mode) const {
  STM_PROBE(library().cudnnRNNBackwardWeights_v8(handle(), rnn_, mode, nullptr, x_, x.data(), h_, hx.data(), y_,
                                                 y.data(), dweights.bytes(), dweights.data(), work.bytes(), work.data(),
                                                 reserve.bytes(), reserve.data()));
}

void Rnn::step() const {
  dweights.fill(0);
  forward();
  backward_data();
  backward_weights();
}

std::vector<double> Rnn::weight_gradients() const {
  constexpr size_t kPieces = 16, kPiece = 4096;  // of a parameter that is larger than these, which lie evenly over it
  std::vector<double> out;
  const auto add = [&](size_t first, size_t count) {
    const std::vector<double> some = get(dweights, setting.type, first, count);
    out.insert(out.end(), some.begin(), some.end());
  };
  for (const Place& place : places_)
    for (const Parameter* parameter : {&place.matrix, &place.bias}) {
      if (!parameter->rank) continue;
      const size_t first = static_cast<size_t>(parameter->offset) / size_of(setting.type),
                   size = static_cast<size_t>(parameter->size());
      if (size <= kPieces * kPiece) add(first, size);
      else
        for (size_t i = 0; i < kPieces; ++i) add(first + i * (size - kPiece) / (kPieces - 1), kPiece);
    }
  return out;
}

size_t Rnn::at(int n, int t, int width) const {
  const int row = setting.layout == CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED ? n * setting.T + t : t * setting.N + n;
  return static_cast<size_t>(row) * static_cast<size_t>(width);
}

}  // namespace stm::probe
