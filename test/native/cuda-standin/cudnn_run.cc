#include "cuda-standin/cudnn_run.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "backend/cpu/recurrent.h"
#include "cuda-standin/device.h"

namespace stm::standin {
namespace {

template <class T>
constexpr T kNan = std::numeric_limits<T>::quiet_NaN();

Number number_of(const RnnConfig& config) {
  Number number = Number::F32;
  number_of(config.type, &number);
  return number;
}

// The engine's view of a layer: rows in order of time. f16 and bf16 are computed in f32.
RecurrentProblem problem_of(const RnnConfig& c, const RnnData& x, bool training) {
  RecurrentProblem p;
  p.cell = c.mode == CUDNN_LSTM       ? Cell::Lstm
           : c.mode == CUDNN_GRU      ? Cell::Gru
           : c.mode == CUDNN_RNN_TANH ? Cell::RnnTanh
                                      : Cell::RnnRelu;
  p.dtype = c.type == CUDNN_DATA_DOUBLE ? DType::F64 : DType::F32;
  p.N = x.batch, p.T = x.steps, p.D = c.input, p.H = c.hidden, p.P = c.projected() ? c.projection : 0, p.L = c.layers,
  p.K = c.directions();
  p.bias = c.bias != CUDNN_RNN_NO_BIAS;
  p.batch_first = false;
  p.training = training;
  p.lengths = x.full() ? nullptr : x.lengths.data();
  return p;
}

RecurrentSizes sizes_of(const RecurrentProblem& p) {
  RecurrentSizes sizes;
  (void)cpu_recurrent().sizes(p, &sizes);
  return sizes;
}

// ---- the reserve space: a header, then what the two backward calls need

struct Header {
  static constexpr uint64_t kMagic = 0x7374616e64696e21;
  enum Phase : uint64_t { kForward = 1, kBackwardData = 2, kBackwardWeights = 3 };
  uint64_t magic, phase, key, x, y, h, c, weights;
};

struct ReserveLayout {
  size_t engine, weights, h, c, hn, cn, dy, dhn, dcn, bytes;

  ReserveLayout(const RnnConfig& config, const RecurrentProblem& p, const RecurrentSizes& sizes) {
    const size_t element = stm::size_of(p.dtype);
    const size_t states = static_cast<size_t>(p.L * p.K * p.N) * element,
                 h_bytes = states * static_cast<size_t>(p.width());
    const size_t c_bytes = p.cell == Cell::Lstm ? states * static_cast<size_t>(p.H) : 0;
    size_t at = sizeof(Header);
    const auto take = [&at](size_t count) { return (at += count) - count; };
    engine = take(sizes.reserve);
    weights = take(static_cast<size_t>(weight_layout(config).ours) * element);
    h = take(h_bytes), c = take(c_bytes), hn = take(h_bytes), cn = take(c_bytes);
    dy = take(static_cast<size_t>(p.T * p.N * p.K * p.width()) * element);
    dhn = take(h_bytes), dcn = take(c_bytes);
    bytes = at + 13;
  }
};

uint64_t hash(const void* data, size_t bytes, uint64_t seed = 1469598103934665603u) {
  const char* const begin = static_cast<const char*>(data);
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, begin + i, std::min<size_t>(8, bytes - i));
    seed = (seed ^ word) * 0x9e3779b97f4a7c15u;
    seed ^= seed >> 29;
  }
  return seed;
}

template <class T>
uint64_t hash(const std::vector<T>& values) {
  return hash(values.data(), values.size() * sizeof(T));
}

// Of everything in the descriptors that the calls of one step must agree on.
uint64_t key_of(const RnnJob& job) {
  const RnnConfig& c = job.config;
  const int64_t numbers[] = {c.algo,      c.mode,      c.bias,      c.direction,  c.type,     c.precision,
                             c.math,      c.input,     c.hidden,    c.projection, c.layers,   c.flags,
                             job.x.steps, job.x.batch, job.x.width, job.x.layout, job.y.width};
  return hash(job.x.lengths.data(), job.x.lengths.size() * sizeof(int), hash(numbers, sizeof numbers));
}

// Memory for the engine: on a line of the cache, and full of garbage.
class Scratch {
 public:
  explicit Scratch(size_t bytes) : memory_(bytes + 64, static_cast<char>(0xFF)) {}
  void* get() { return memory_.data() + (64 - reinterpret_cast<uintptr_t>(memory_.data()) % 64) % 64; }

 private:
  std::vector<char> memory_;
};

// One call, in the engine's type and layout.
template <class T>
class Run {
 public:
  explicit Run(const RnnJob& job)
      : job_(job),
        c_(job.config),
        number_(number_of(job.config)),
        p_(problem_of(job.config, job.x, job.training)),
        sizes_(sizes_of(p_)) {}

  void forward();
  void backward_data();
  void backward_weights();

 private:
  using Values = std::vector<T>;

  size_t states(int64_t width) const { return static_cast<size_t>(p_.L * p_.K * p_.N * width); }
  int length(int b) const { return job_.x.lengths[static_cast<size_t>(b)]; }
  T loaded(const void* data, int64_t index, bool reduced) const {
    const T value = static_cast<T>(load(data, number_, index));
    return reduced && c_.reduces() ? static_cast<T>(round_to_tf32(static_cast<float>(value))) : value;
  }

  Values rows(const void* data, const RnnData& desc, bool reduced) const;
  Values gradient_rows(const void* data) const;
  bool padding_is_finite(const void* data, const RnnData& desc) const;
  Values state(const void* data, int64_t width, bool reduced) const;
  Values weights(const void* space) const;
  void put_rows(const Values& values, const RnnData& desc, void* data, double padding) const;
  void put_state(const Values& values, void* data) const;

  bool failed(const Status& status) const;
  bool agrees(const Header& header, Header::Phase phase, const Values& y, const Values& h) const;
  void complain(const char* what) const {
    fail_device(job_.device, cudaErrorLaunchFailure, "%s: %s", job_.function, what);
  }

  char* reserve(size_t offset) const { return static_cast<char*>(job_.reserve) + offset; }
  Header header() const {
    Header h;
    std::memcpy(&h, job_.reserve, sizeof h);
    return h;
  }
  void keep(const Values& values, size_t offset) const {
    std::memcpy(reserve(offset), values.data(), values.size() * sizeof(T));
  }
  Values kept(size_t offset, size_t count) const {
    Values values(count);
    std::memcpy(values.data(), reserve(offset), count * sizeof(T));
    return values;
  }
  void keep_forward(const Header& header, const Values& blob, const Values& h, const Values& c, const Values& hn,
                    const Values& cn, const void* engine) const;
  bool engine_backward(const RecurrentBackward& buffers, const Values& blob) const;

  const RnnJob& job_;
  const RnnConfig& c_;
  const Number number_;
  const RecurrentProblem p_;
  const RecurrentSizes sizes_;
};

// A copy [T, N, width] of the caller's rows; zero past a length, whatever lies there.
template <class T>
auto Run<T>::rows(const void* data, const RnnData& desc, bool reduced) const -> Values {
  Values values(static_cast<size_t>(p_.T * p_.N * desc.width));
  for (int t = 0; t < desc.steps; ++t) {
    for (int b = 0; b < desc.batch; ++b) {
      const int64_t from = desc.row(t, b) * desc.width, to = (int64_t{t} * desc.batch + b) * desc.width;
      for (int j = 0; t < length(b) && j < desc.width; ++j)
        values[static_cast<size_t>(to + j)] = loaded(data, from + j, reduced);
    }
  }
  return values;
}

// dy likewise. What lies past a length counts as if it belonged to the last step: nothing promises that it is ignored.
template <class T>
auto Run<T>::gradient_rows(const void* data) const -> Values {
  const RnnData& desc = job_.y;
  Values values = rows(data, desc, false);
  for (int t = 0; t < desc.steps && !desc.packed(); ++t) {
    for (int b = 0; b < desc.batch; ++b) {
      const int64_t from = desc.row(t, b) * desc.width, to = (int64_t{length(b) - 1} * desc.batch + b) * desc.width;
      for (int j = 0; t >= length(b) && j < desc.width; ++j)
        values[static_cast<size_t>(to + j)] += loaded(data, from + j, false);
    }
  }
  return values;
}

// y's likewise is looked at by the backward calls.
template <class T>
bool Run<T>::padding_is_finite(const void* data, const RnnData& desc) const {
  for (int t = 0; t < desc.steps && !desc.packed(); ++t) {
    for (int b = 0; b < desc.batch; ++b) {
      for (int j = 0; t >= length(b) && j < desc.width; ++j)
        if (!std::isfinite(load(data, number_, desc.row(t, b) * desc.width + j))) return false;
    }
  }
  return true;
}

template <class T>
auto Run<T>::state(const void* data, int64_t width, bool reduced) const -> Values {
  Values values(states(width));
  for (size_t i = 0; data && i < values.size(); ++i) values[i] = loaded(data, static_cast<int64_t>(i), reduced);
  return values;
}

// stmnet's weights out of a weight space: zero where a bias does not exist.
template <class T>
auto Run<T>::weights(const void* space) const -> Values {
  Values blob(static_cast<size_t>(job_.layout.ours));
  for (const auto* const places : {&job_.layout.matrices, &job_.layout.biases}) {
    for (const WeightPlace& place : *places) {
      const void* const from = static_cast<const char*>(space) + place.offset;
      for (int64_t i = 0; i < place.rows * place.columns; ++i)
        blob[static_cast<size_t>(place.ours + i)] = loaded(from, i, true);
    }
  }
  return blob;
}

template <class T>
void Run<T>::put_rows(const Values& values, const RnnData& desc, void* data, double padding) const {
  for (int t = 0; t < desc.steps; ++t) {
    for (int b = 0; b < desc.batch; ++b) {
      const bool live = t < length(b);
      if (!live && desc.packed()) continue;
      const int64_t to = desc.row(t, b) * desc.width, from = (int64_t{t} * desc.batch + b) * desc.width;
      for (int j = 0; j < desc.width; ++j)
        store(data, number_, to + j, live ? static_cast<double>(values[static_cast<size_t>(from + j)]) : padding);
    }
  }
}

template <class T>
void Run<T>::put_state(const Values& values, void* data) const {
  for (size_t i = 0; data && i < values.size(); ++i)
    store(data, number_, static_cast<int64_t>(i), static_cast<double>(values[i]));
}

template <class T>
bool Run<T>::failed(const Status& status) const {
  if (status.is_ok()) return false;
  complain(status.message().sentence().c_str());
  return true;
}

template <class T>
void Run<T>::forward() {
  Values x = rows(job_.x_data, job_.x, true), h = state(job_.hx, p_.width(), true), c = state(job_.cx, p_.H, false),
         blob = weights(job_.weights);
  Values y(static_cast<size_t>(p_.T * p_.N * p_.K * p_.width())), hn(h.size()), cn(c.size());
  Scratch packed(sizes_.packed), engine(sizes_.reserve), work(sizes_.forward_workspace);
  if (failed(cpu_recurrent().pack(p_, blob.data(), packed.get()))) return;
  if (failed(cpu_recurrent().forward(p_, {x.data(), h.data(), c.data(), blob.data(), packed.get(), y.data(), hn.data(),
                                          cn.data(), engine.get(), work.get()})))
    return;
  if (!gaps_are_zero(job_.layout, job_.weights)) {
    std::fprintf(stderr,
                 "cuda stand-in: %s: the weight space is not zero between the parameters; the results are spoiled\n",
                 job_.function);
    for (Values* const values : {&y, &hn, &cn}) std::fill(values->begin(), values->end(), kNan<T>);
  }
  for (T& value : y) value *= static_cast<T>(job_.manner.wrong ? 1.5 : 1);
  put_rows(y, job_.y, job_.y_out, job_.y.fills ? job_.y.fill : kNan<double>);
  put_state(hn, job_.hy);
  put_state(cn, job_.cy);
  if (!job_.training) return;
  Header header{Header::kMagic, Header::kForward, key_of(job_), hash(x), hash(rows(job_.y_out, job_.y, false)),
                hash(h),        hash(c),          hash(blob)};
  keep_forward(header, blob, h, c, hn, cn, engine.get());
}

template <class T>
void Run<T>::keep_forward(const Header& header, const Values& blob, const Values& h, const Values& c, const Values& hn,
                          const Values& cn, const void* engine) const {
  const ReserveLayout at(c_, p_, sizes_);
  const bool cells = p_.cell == Cell::Lstm;
  std::memset(job_.reserve, kGarbage, at.bytes);
  std::memcpy(job_.reserve, &header, sizeof header);
  std::memcpy(reserve(at.engine), engine, sizes_.reserve);
  keep(blob, at.weights);
  keep(h, at.h);
  keep(hn, at.hn);
  if (cells) keep(c, at.c);
  if (cells) keep(cn, at.cn);
}

// Whether the reserve is what the call before must have left, and the caller's arguments are those of that call.
template <class T>
bool Run<T>::agrees(const Header& header, Header::Phase phase, const Values& y, const Values& h) const {
  if (header.magic != Header::kMagic) return complain("no training forward has filled this reserve space"), false;
  if (header.phase != phase) {
    complain(phase == Header::kForward
                 ? "the reserve space has been through cudnnRNNBackwardData_v8 before: it serves one backward"
             : header.phase == Header::kForward
                 ? "cudnnRNNBackwardData_v8 must come first"
                 : "the reserve space has been through cudnnRNNBackwardWeights_v8 before");
    return false;
  }
  if (header.key != key_of(job_)) return complain("the descriptors are not those of the forward call"), false;
  if (header.y != hash(y)) return complain("y has changed since the forward call"), false;
  if (header.h != hash(h)) return complain("hx is not that of the forward call"), false;
  return true;
}

template <class T>
bool Run<T>::engine_backward(const RecurrentBackward& wanted, const Values& blob) const {
  const ReserveLayout at(c_, p_, sizes_);
  Scratch packed(sizes_.packed), engine(sizes_.reserve), work(sizes_.backward_workspace);
  std::memcpy(engine.get(), reserve(at.engine), sizes_.reserve);
  if (failed(cpu_recurrent().pack(p_, blob.data(), packed.get()))) return false;
  RecurrentBackward buffers = wanted;
  buffers.weights = blob.data();
  buffers.packed = packed.get();
  buffers.reserve = engine.get();
  buffers.workspace = work.get();
  return !failed(cpu_recurrent().backward(p_, buffers));
}

template <class T>
void Run<T>::backward_data() {
  const ReserveLayout at(c_, p_, sizes_);
  Header head = header();
  const bool cells = p_.cell == Cell::Lstm;
  const Values y = rows(job_.y_data, job_.y, false), h = state(job_.hx, p_.width(), true),
               c = state(job_.cx, p_.H, false), blob = weights(job_.weights);
  if (!agrees(head, Header::kForward, y, h)) return;
  if (head.c != hash(c)) return complain("cx is not that of the forward call");
  if (head.weights != hash(blob)) return complain("the weights have changed since the forward call");
  const Values dy = gradient_rows(job_.dy), dhn = state(job_.dhy, p_.width(), false),
               dcn = state(job_.dcy, p_.H, false);
  const Values hn = kept(at.hn, h.size()), cn = cells ? kept(at.cn, c.size()) : c;
  Values dx(static_cast<size_t>(p_.T * p_.N * p_.D)), dh(h.size()), dc(c.size());
  RecurrentBackward buffers{};
  buffers.h0 = h.data(), buffers.c0 = c.data(), buffers.y = y.data(), buffers.hn = hn.data(), buffers.cn = cn.data();
  buffers.dy = dy.data(), buffers.dhn = dhn.data(), buffers.dcn = dcn.data();
  buffers.dx = dx.data(), buffers.dh0 = dh.data(), buffers.dc0 = dc.data();
  if (!engine_backward(buffers, blob)) return;
  if (!gaps_are_zero(job_.layout, job_.weights) || !padding_is_finite(job_.y_data, job_.y))
    std::fill(dx.begin(), dx.end(), kNan<T>);
  put_rows(dx, job_.x, job_.dx, kNan<double>);
  put_state(dh, job_.dhx);
  put_state(dc, job_.dcx);
  head.phase = Header::kBackwardData;
  std::memcpy(job_.reserve, &head, sizeof head);
  keep(dy, at.dy);
  keep(dhn, at.dhn);
  if (cells) keep(dcn, at.dcn);
}

template <class T>
void Run<T>::backward_weights() {
  const ReserveLayout at(c_, p_, sizes_);
  Header head = header();
  const bool cells = p_.cell == Cell::Lstm;
  const Values x = rows(job_.x_data, job_.x, true), y = rows(job_.y_data, job_.y, false),
               h = state(job_.hx, p_.width(), true);
  if (!agrees(head, Header::kBackwardData, y, h)) return;
  if (head.x != hash(x)) return complain("x has changed since the forward call");
  const Values blob = kept(at.weights, static_cast<size_t>(job_.layout.ours)), hn = kept(at.hn, h.size()),
               dhn = kept(at.dhn, h.size());
  const Values dy = kept(at.dy, y.size()), c = cells ? kept(at.c, states(p_.H)) : Values(),
               cn = cells ? kept(at.cn, states(p_.H)) : Values(), dcn = cells ? kept(at.dcn, states(p_.H)) : Values();
  Values dweights(blob.size());
  RecurrentBackward buffers{};
  buffers.x = x.data(), buffers.h0 = h.data(), buffers.y = y.data(), buffers.hn = hn.data(), buffers.dy = dy.data(),
  buffers.dhn = dhn.data();
  if (cells) buffers.c0 = c.data(), buffers.cn = cn.data(), buffers.dcn = dcn.data();
  buffers.dweights = dweights.data();
  if (!engine_backward(buffers, blob)) return;
  if (!gaps_are_zero(job_.layout, job_.dweights)) {
    std::fprintf(stderr,
                 "cuda stand-in: %s: dweightSpace is not zero between the parameters; the results are spoiled\n",
                 job_.function);
    std::fill(dweights.begin(), dweights.end(), kNan<T>);
  }
  if (!padding_is_finite(job_.y_data, job_.y)) std::fill(dweights.begin(), dweights.end(), kNan<T>);
  for (const auto* const places : {&job_.layout.matrices, &job_.layout.biases}) {
    for (const WeightPlace& place : *places) {
      void* const to = static_cast<char*>(job_.dweights) + place.offset;
      for (int64_t i = 0; i < place.rows * place.columns; ++i)
        store(to, number_, i,
              load(to, number_, i) + static_cast<double>(dweights[static_cast<size_t>(place.ours + i)]));
    }
  }
  head.phase = Header::kBackwardWeights;
  std::memcpy(job_.reserve, &head, sizeof head);
}

template <class F>
void in_type(const RnnJob& job, F function) {
  job.config.type == CUDNN_DATA_DOUBLE ? function(Run<double>(job)) : function(Run<float>(job));
  spoil({job.workspace, job.workspace_bytes});
}

}  // namespace

TempSizes temp_sizes(const RnnConfig& config, const RnnData& x, bool training) {
  const RecurrentProblem p = problem_of(config, x, training);
  const RecurrentSizes sizes = sizes_of(p);
  TempSizes out;
  out.workspace = static_cast<size_t>(p.K * p.N * p.gates() * p.H) * (training ? 8 : 4) +
                  static_cast<size_t>(p.T * p.N) * 8 + 256 * config.algo + 13;
  if (training) out.reserve = ReserveLayout(config, p, sizes).bytes;
  return out;
}

void run_forward(const RnnJob& job) {
  in_type(job, [](auto run) { run.forward(); });
}
void run_backward_data(const RnnJob& job) {
  in_type(job, [](auto run) { run.backward_data(); });
}
void run_backward_weights(const RnnJob& job) {
  in_type(job, [](auto run) { run.backward_weights(); });
}

}  // namespace stm::standin
