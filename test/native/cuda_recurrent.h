#pragma once
// Recurrent problems with random operands, what the CPU's f64 kernels make of them, and what the CUDA kernels do on the
// stand-in: for the tests of these.
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/recurrent.h"
#include "cuda_libraries.h"

namespace stm::cuda::test {

/// A problem with its inputs. What is in padding is NaN: nobody may look there.
struct Case {
  RecurrentProblem p;
  std::vector<int32_t> lengths;
  std::vector<double> x, h0, c0, weights, dy, dhn, dcn;
  bool with_h0 = true, with_c0 = true, with_dy = true, with_dhn = true, with_dcn = true;
  bool wants_x = true, wants_h0 = true, wants_c0 = true, wants_weights = true;
  bool crooked = false;  ///< inputs begin off the usual boundaries

  std::string name() const {
    static const char* const cells[] = {"lstm", "gru", "rnn-tanh", "rnn-relu"};
    static const char* const maths[] = {"fma", "tf32", "bf16", "f16"};
    char text[300];
    std::snprintf(text, sizeof text,
                  "%s %s %s algorithm %d N %d T %d D %d H %d P %d L %d K %d%s%s%s h0 %d c0 %d dy %d dhn %d dcn %d "
                  "wants %d%d%d%d lengths",
                  cells[static_cast<int>(p.cell)], p.dtype == DType::F64 ? "f64" : "f32",
                  maths[static_cast<int>(p.math)], static_cast<int>(p.algorithm), int(p.N), int(p.T), int(p.D),
                  int(p.H), int(p.P), int(p.L), int(p.K), p.bias ? "" : " no-bias", p.batch_first ? " batch-first" : "",
                  crooked ? " crooked" : "", with_h0, with_c0, with_dy, with_dhn, with_dcn, wants_x, wants_h0, wants_c0,
                  wants_weights);
    std::string all = text;
    for (const int32_t length : lengths) all += ' ' + std::to_string(length);
    return lengths.empty() ? all + " none" : all;
  }
  int64_t states() const { return p.L * p.K * p.N; }

  /// With `bits` of mantissa; 8 survive each conversion, so that what is compared is the computation.
  void draw_values(int bits = 8) {
    const auto numbers = [bits](int64_t count, double scale) {
      std::vector<double> values(static_cast<size_t>(count));
      for (double& value : values) {
        int exponent = 0;
        const double mantissa = std::frexp(draw_real(-scale, scale), &exponent);
        value = std::ldexp(std::nearbyint(std::ldexp(mantissa, bits)), exponent - bits);
      }
      return values;
    };
    x = numbers(p.N * p.T * p.D, 1);
    h0 = numbers(states() * p.width(), 0.7);
    c0 = numbers(states() * p.H, 0.7);
    weights = numbers(p.weight_elements(), 1 / std::sqrt(static_cast<double>(p.H)));
    dy = numbers(p.N * p.T * p.K * p.width(), 1);
    dhn = numbers(states() * p.width(), 1);
    dcn = numbers(states() * p.H, 1);
    p.lengths = lengths.empty() ? nullptr : lengths.data();
    for (int64_t row = 0; row < p.N && p.lengths; ++row) {
      for (int64_t t = lengths[static_cast<size_t>(row)]; t < p.T; ++t) {
        const int64_t step = p.batch_first ? row * p.T + t : t * p.N + row;
        std::fill_n(x.begin() + step * p.D, p.D, std::nan(""));
        std::fill_n(dy.begin() + step * p.K * p.width(), p.K * p.width(), std::nan(""));
      }
    }
  }
};

struct Results {
  std::vector<double> y, hn, cn, dx, dh0, dc0, dweights;
};

/// The CPU's, in f64.
inline Results expected_of(Case& c) {
  RecurrentProblem p = c.p;
  p.dtype = DType::F64;
  RecurrentKernels& kernels = cpu_backend().recurrent();
  RecurrentSizes sizes;
  require(kernels.sizes(p, &sizes), "sizes on the CPU");
  std::vector<char> reserve(sizes.reserve), workspace(std::max(sizes.forward_workspace, sizes.backward_workspace));
  Results r;
  r.y.resize(c.dy.size());
  r.hn.resize(c.dhn.size());
  r.cn.resize(c.dcn.size());
  const double *const h0 = c.with_h0 ? c.h0.data() : nullptr, *const c0 = c.with_c0 ? c.c0.data() : nullptr;
  require(kernels.forward(p, {c.x.data(), h0, c0, c.weights.data(), nullptr, r.y.data(), r.hn.data(), r.cn.data(),
                              reserve.data(), workspace.data()}),
          "forward on the CPU");
  if (!p.training) return r;
  r.dx.resize(c.x.size());
  r.dh0.resize(c.h0.size());
  r.dc0.resize(c.c0.size());
  r.dweights.resize(c.weights.size());
  const RecurrentBackward backward{c.x.data(),
                                   h0,
                                   c0,
                                   c.weights.data(),
                                   nullptr,
                                   r.y.data(),
                                   r.hn.data(),
                                   r.cn.data(),
                                   c.with_dy ? c.dy.data() : nullptr,
                                   c.with_dhn ? c.dhn.data() : nullptr,
                                   c.with_dcn ? c.dcn.data() : nullptr,
                                   r.dx.data(),
                                   r.dh0.data(),
                                   r.dc0.data(),
                                   r.dweights.data(),
                                   reserve.data(),
                                   workspace.data()};
  require(kernels.backward(p, backward), "backward on the CPU");
  return r;
}

/// A case in device memory. Inputs that begin crookedly lie one element behind a boundary.
class OnDevice {
 public:
  OnDevice(Device& device, Case& c, RecurrentKernels& kernels)
      : device_(device),
        c_(c),
        kernels_(kernels),
        x_(input(c.x)),
        h0_(input(c.h0)),
        c0_(input(c.c0)),
        weights_(input(c.weights)),
        dy_(input(c.dy)),
        dhn_(input(c.dhn)),
        dcn_(input(c.dcn)),
        y_(output(c.dy)),
        hn_(output(c.dhn)),
        cn_(output(c.dcn)),
        dx_(output(c.x)),
        dh0_(output(c.h0)),
        dc0_(output(c.c0)),
        dweights_(output(c.weights)) {}

  /// The scratch, and the packed weights.
  Status prepare() {
    STM_TRY(kernels_.check(c_.p));
    STM_TRY(kernels_.sizes(c_.p, &sizes));
    packed_ = std::make_unique<Memory>(sizes.packed);
    reserve_ = std::make_unique<Memory>(sizes.reserve);
    forward_ = std::make_unique<Memory>(sizes.forward_workspace);
    backward_ = std::make_unique<Memory>(sizes.backward_workspace);
    return sizes.packed ? kernels_.pack(c_.p, at(weights_), packed_->data()) : Status::ok();
  }
  Status forward() {
    const bool lstm = c_.p.cell == Cell::Lstm;
    return kernels_.forward(c_.p, {at(x_), c_.with_h0 ? at(h0_) : nullptr, c_.with_c0 && lstm ? at(c0_) : nullptr,
                                   at(weights_), packed_->data(), y_->data(), hn_->data(), lstm ? cn_->data() : nullptr,
                                   reserve_->data(), forward_->data()});
  }
  Status backward() {
    const bool lstm = c_.p.cell == Cell::Lstm;
    const auto given = [&](bool is, const Input& input) { return is ? at(input) : nullptr; };
    const auto wanted = [](bool is, const std::unique_ptr<Memory>& memory) { return is ? memory->data() : nullptr; };
    return kernels_.backward(
        c_.p,
        {at(x_), given(c_.with_h0, h0_), given(c_.with_c0 && lstm, c0_), at(weights_), packed_->data(), y_->data(),
         hn_->data(), lstm ? cn_->data() : nullptr, given(c_.with_dy, dy_), given(c_.with_dhn, dhn_),
         given(c_.with_dcn && lstm, dcn_), wanted(c_.wants_x, dx_), wanted(c_.wants_h0, dh0_),
         wanted(c_.wants_c0 && lstm, dc0_), wanted(c_.wants_weights, dweights_), reserve_->data(), backward_->data()});
  }
  /// The reserve to another place, as a graph that is kept does.
  void move_reserve() {
    auto copy = std::make_unique<Memory>(reserve_->bytes());
    if (copy->bytes())
      must(cudaMemcpyAsync(copy->data(), reserve_->data(), copy->bytes(), cudaMemcpyDeviceToDevice,
                           device_.context.stream),
           "a copy");
    device_.wait();
    reserve_ = std::move(copy);
  }
  /// Waits.
  Results results() {
    const bool lstm = c_.p.cell == Cell::Lstm, training = c_.p.training;
    Results r;
    r.y = read(*y_);
    r.hn = read(*hn_);
    if (lstm) r.cn = read(*cn_);
    if (training && c_.wants_x) r.dx = read(*dx_);
    if (training && c_.wants_h0) r.dh0 = read(*dh0_);
    if (training && c_.wants_c0 && lstm) r.dc0 = read(*dc0_);
    if (training && c_.wants_weights) r.dweights = read(*dweights_);
    return r;
  }
  void put_x(const std::vector<double>& values) { upload(*x_.memory, values, x_.offset); }

  RecurrentSizes sizes;

 private:
  struct Input {
    std::unique_ptr<Memory> memory;
    size_t offset;
  };
  size_t width() const { return size_of(c_.p.dtype); }
  void* at(const Input& input) const {
    return input.memory->data() ? static_cast<char*>(input.memory->data()) + input.offset : nullptr;
  }
  std::unique_ptr<Memory> output(const std::vector<double>& like) const {
    return std::make_unique<Memory>(like.size() * width());
  }
  Input input(const std::vector<double>& values) {
    const size_t offset = c_.crooked ? width() : 0;
    Input made{std::make_unique<Memory>(values.empty() ? 0 : values.size() * width() + offset), offset};
    upload(*made.memory, values, offset);
    return made;
  }
  void upload(const Memory& memory, const std::vector<double>& values, size_t offset) {
    if (values.empty()) return;
    char* const to = static_cast<char*>(memory.data()) + offset;
    if (c_.p.dtype == DType::F64) return device_.upload(to, values.data(), values.size() * sizeof(double));
    const std::vector<float> floats(values.begin(), values.end());
    device_.upload(to, floats.data(), floats.size() * sizeof(float));
  }
  std::vector<double> read(const Memory& memory) {
    const size_t count = memory.bytes() / width();
    std::vector<double> values(count);
    if (c_.p.dtype == DType::F64) {
      device_.download(values.data(), memory.data(), memory.bytes());
      return values;
    }
    std::vector<float> floats(count);
    device_.download(floats.data(), memory.data(), memory.bytes());
    std::copy(floats.begin(), floats.end(), values.begin());
    return values;
  }

  Device& device_;
  Case& c_;
  RecurrentKernels& kernels_;
  Input x_, h0_, c0_, weights_, dy_, dhn_, dcn_;
  std::unique_ptr<Memory> y_, hn_, cn_, dx_, dh0_, dc0_, dweights_, packed_, reserve_, forward_, backward_;
};

/// Relative to the largest number of each result.
inline double tolerance_of(const RecurrentProblem& p) {
  if (p.dtype == DType::F64) return 1e-10;
  switch (p.math) {
    case MathMode::Fma: return 1e-5;
    case MathMode::Tf32: return 5e-3;
    case MathMode::F16: return 1e-2;
    case MathMode::Bf16: return 3e-2;
  }
  return 0;
}

inline double worst_of_tolerance = 0;

inline void compare(const Case& c, const char* what, const std::vector<double>& got,
                    const std::vector<double>& expected, const std::string& where) {
  if (got.empty()) return;
  double largest = 0, apart = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    const double difference = std::abs(got[i] - expected[i]);
    if (std::isnan(difference)) return fail(where + ": " + what + " is not a number: " + c.name());
    apart = std::max(apart, difference);
  }
  const double allowed =
      tolerance_of(c.p) * std::max(largest, 0.05);  // numbers near 1 are summed, and few sums may all but cancel
  if (!(apart <= allowed))
    fail(where + ": " + what + " is off by " + std::to_string(apart) + " of " + std::to_string(largest) + ": " +
         c.name());
  else if (allowed > 0) worst_of_tolerance = std::max(worst_of_tolerance, apart / allowed);
}

inline void compare(const Case& c, const Results& got, const Results& expected, const std::string& where) {
  compare(c, "y", got.y, expected.y, where);
  compare(c, "hn", got.hn, expected.hn, where);
  compare(c, "cn", got.cn, expected.cn, where);
  compare(c, "dx", got.dx, expected.dx, where);
  compare(c, "dh0", got.dh0, expected.dh0, where);
  compare(c, "dc0", got.dc0, expected.dc0, where);
  compare(c, "dweights", got.dweights, expected.dweights, where);
}

/// Whether 16-bit elements were really used: they leave no more digits than they have.
inline void check_digits(const Case& c, const Results& r) {
  if (c.p.dtype != DType::F32 || (c.p.math != MathMode::Bf16 && c.p.math != MathMode::F16)) return;
  const int bits = c.p.math == MathMode::Bf16 ? 8 : 11;
  for (const double value : r.y) {
    int exponent = 0;
    const double mantissa = std::ldexp(std::frexp(value, &exponent), bits);
    if (mantissa != std::nearbyint(mantissa)) return fail("y has more digits than 16-bit numbers: " + c.name());
  }
}

/// Whether the padding of y and dx is exactly zero.
inline void check_padding(const Case& c, const Results& r) {
  for (int64_t row = 0; row < c.p.N && c.p.lengths; ++row) {
    for (int64_t t = c.lengths[static_cast<size_t>(row)]; t < c.p.T; ++t) {
      const int64_t step = c.p.batch_first ? row * c.p.T + t : t * c.p.N + row;
      const auto clean = [&](const std::vector<double>& values, int64_t width) {
        return values.empty() || std::all_of(values.begin() + step * width, values.begin() + (step + 1) * width,
                                             [](double value) { return value == 0; });
      };
      if (!clean(r.y, c.p.K * c.p.width()) || !clean(r.dx, c.p.D)) return fail("padding is not zero: " + c.name());
    }
  }
}

/// Runs a case on the device and compares it with the CPU.
inline void check_case(Device& device, RecurrentKernels& kernels, Case& c, const std::string& where,
                       bool move_reserve = false) {
  const Results expected = expected_of(c);
  OnDevice on(device, c, kernels);
  const Status status = [&] {
    STM_TRY(on.prepare());
    STM_TRY(on.forward());
    if (!c.p.training) return Status::ok();
    if (move_reserve) on.move_reserve();
    return on.backward();
  }();
  if (!status.is_ok()) return fail(where + ": " + text_of(status) + ": " + c.name());
  const Results got = on.results();
  compare(c, got, expected, where);
  check_padding(c, got);
  check_digits(c, got);
}

}  // namespace stm::cuda::test
