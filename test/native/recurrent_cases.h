#pragma once
// Problems for the recurrent kernels of the CPU, with their inputs, and what runs them: forward without and with
// training, and backward.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "backend/cpu/recurrent.h"
#include "check.h"

namespace stm::testing {

// A buffer of exactly `bytes` bytes between two canaries.
class Guarded {
 public:
  explicit Guarded(size_t bytes, unsigned char fill = 0xA5) : bytes_(bytes), memory_(bytes + 2 * kGuard + 64, fill) {
    const size_t address = reinterpret_cast<size_t>(memory_.data()) + kGuard;
    begin_ = memory_.data() + kGuard + (64 - address % 64) % 64;
    std::memset(memory_.data(), kCanary, static_cast<size_t>(begin_ - memory_.data()));
    std::memset(begin_ + bytes_, kCanary, kGuard);
  }
  void* get() { return begin_; }
  bool intact() const {
    for (size_t i = 0; i < kGuard; ++i) {
      if (begin_[bytes_ + i] != kCanary || *(begin_ - 1 - i) != kCanary) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 256;
  static constexpr unsigned char kCanary = 0xEE;
  size_t bytes_;
  std::vector<unsigned char> memory_;
  unsigned char* begin_;
};

// A problem with its inputs, in f64.
struct Case {
  RecurrentProblem p;
  std::vector<int32_t> lengths;
  std::vector<double> x, h0, c0, weights, dy, dhn, dcn;
  bool with_h0 = true, with_c0 = true, with_dy = true, with_dhn = true, with_dcn = true;

  std::string name() const {
    static const char* const cells[] = {"lstm", "gru", "rnn-tanh", "rnn-relu"};
    char text[256];
    std::snprintf(
        text, sizeof text, "%s N %d T %d D %d H %d P %d L %d K %d%s%s h0 %d c0 %d dy %d dhn %d dcn %d lengths",
        cells[static_cast<int>(p.cell)], int(p.N), int(p.T), int(p.D), int(p.H), int(p.P), int(p.L), int(p.K),
        p.bias ? "" : " no-bias", p.batch_first ? " batch-first" : "", with_h0, with_c0, with_dy, with_dhn, with_dcn);
    std::string all = text;
    for (const int32_t length : lengths) {
      all += ' ';
      all += std::to_string(length);
    }
    return all;
  }
  void draw_values() {
    const double scale = 1 / std::sqrt(static_cast<double>(p.H));
    const int64_t states = p.L * p.K * p.N;
    p.lengths = lengths.empty() ? nullptr : lengths.data();
    x = numbers(p.N * p.T * p.D, 1);
    h0 = numbers(states * p.width(), 0.7);
    c0 = numbers(states * p.H, 0.7);
    weights = numbers(p.weight_elements(), scale);
    dy = numbers(p.N * p.T * p.K * p.width(), 1);
    dhn = numbers(states * p.width(), 1);
    dcn = numbers(states * p.H, 1);
  }
};

struct Results {
  std::vector<double> y, hn, cn, dx, dh0, dc0, dweights, y_inference, hn_inference, cn_inference;
};

template <class T>
struct Runner {
  Case& c;
  RecurrentProblem p;
  std::vector<Guarded*> all;

  explicit Runner(Case& of) : c(of), p(of.p) { p.dtype = sizeof(T) == 4 ? DType::F32 : DType::F64; }

  Guarded from(const std::vector<double>& values) {
    Guarded buffer(values.size() * sizeof(T));
    std::copy(values.begin(), values.end(), static_cast<T*>(buffer.get()));
    return buffer;
  }
  static std::vector<double> to(Guarded& buffer, size_t count) {
    const T* const begin = static_cast<const T*>(buffer.get());
    return std::vector<double>(begin, begin + count);
  }

  Results run() {
    stm::RecurrentKernels& kernels = stm::cpu_recurrent();
    Results out;
    Guarded x = from(c.x), h0 = from(c.h0), c0 = from(c.c0), weights = from(c.weights), dy = from(c.dy),
            dhn = from(c.dhn), dcn = from(c.dcn);
    Guarded y = from(c.dy), hn = from(c.dhn), cn = from(c.dcn), dx = from(c.x), dh0 = from(c.h0), dc0 = from(c.c0),
            dweights = from(c.weights);
    for (const bool training : {false, true}) {
      p.training = training;
      stm::RecurrentSizes sizes;
      require(kernels.sizes(p, &sizes), "sizes");
      Guarded packed(sizes.packed, 0xFF), reserve(sizes.reserve, 0xFF), workspace(sizes.forward_workspace, 0xFF),
          backward_workspace(sizes.backward_workspace, 0xFF);
      require(kernels.pack(p, weights.get(), packed.get()), "pack");
      const void* const start_h = c.with_h0 ? h0.get() : nullptr;
      const void* const start_c = c.with_c0 ? c0.get() : nullptr;
      require(kernels.forward(p, {x.get(), start_h, start_c, weights.get(), packed.get(), y.get(), hn.get(), cn.get(),
                                  reserve.get(), workspace.get()}),
              "forward");
      (training ? out.y : out.y_inference) = to(y, c.dy.size());
      (training ? out.hn : out.hn_inference) = to(hn, c.dhn.size());
      if (p.cell == Cell::Lstm) (training ? out.cn : out.cn_inference) = to(cn, c.dcn.size());
      if (training) {
        const stm::RecurrentBackward backward{x.get(),
                                              start_h,
                                              start_c,
                                              weights.get(),
                                              packed.get(),
                                              y.get(),
                                              hn.get(),
                                              cn.get(),
                                              c.with_dy ? dy.get() : nullptr,
                                              c.with_dhn ? dhn.get() : nullptr,
                                              c.with_dcn ? dcn.get() : nullptr,
                                              dx.get(),
                                              dh0.get(),
                                              dc0.get(),
                                              dweights.get(),
                                              reserve.get(),
                                              backward_workspace.get()};
        require(kernels.backward(p, backward), "backward");
        out.dx = to(dx, c.x.size());
        out.dh0 = to(dh0, c.h0.size());
        if (p.cell == Cell::Lstm) out.dc0 = to(dc0, c.c0.size());
        out.dweights = to(dweights, c.weights.size());
      }
      for (const Guarded* buffer : {&packed, &reserve, &workspace, &backward_workspace, &y, &hn, &cn, &dx, &dh0, &dc0,
                                    &dweights, &x, &weights}) {
        if (!buffer->intact()) fail("a write outside a buffer: " + c.name());
      }
    }
    return out;
  }
};

// Forward without training, with weights that are packed once.
class Step {
 public:
  explicit Step(Case& c) : run_(c), weights_(packed(run_, c)), c_(c) {}

  bool can_begin_ahead() const { return cpu_recurrent().computes_ahead(run_.p); }

  // All that it writes: y, hn and, of an LSTM, cn. `ahead`: what it needs of h0 is computed in a call before.
  std::vector<double> operator()(bool ahead = false) {
    RecurrentSizes sizes;
    require(cpu_recurrent().sizes(run_.p, &sizes), "sizes");
    Guarded sums(ahead ? sizes.ahead : 0, 0xFF);
    Guarded x = run_.from(c_.x), h0 = run_.from(c_.h0), c0 = run_.from(c_.c0), y = run_.from(c_.dy),
            hn = run_.from(c_.dhn), cn = run_.from(c_.dcn), workspace(sizes.forward_workspace, 0xFF);
    if (ahead) require(cpu_recurrent().ahead(run_.p, weights_.get(), h0.get(), sums.get()), "ahead");
    require(cpu_recurrent().forward(run_.p, {x.get(), h0.get(), c0.get(), nullptr, weights_.get(), y.get(), hn.get(),
                                             cn.get(), nullptr, workspace.get(), ahead ? sums.get() : nullptr}),
            "forward");
    std::vector<double> all = run_.to(y, c_.dy.size());
    const std::vector<double> h = run_.to(hn, c_.dhn.size()),
                              cells = run_.to(cn, run_.p.cell == Cell::Lstm ? c_.dcn.size() : 0);
    all.insert(all.end(), h.begin(), h.end());
    all.insert(all.end(), cells.begin(), cells.end());
    for (const Guarded* buffer : {&x, &h0, &c0, &y, &hn, &cn, &workspace, &sums})
      require(buffer->intact(), "a write outside of a buffer: " + c_.name());
    return all;
  }

 private:
  static Guarded packed(Runner<float>& run, Case& c) {
    run.p.training = false;
    RecurrentSizes sizes;
    require(cpu_recurrent().sizes(run.p, &sizes), "sizes");
    Guarded weights = run.from(c.weights), to(sizes.packed, 0xFF);
    require(cpu_recurrent().pack(run.p, weights.get(), to.get()), "pack");
    return to;
  }

  Runner<float> run_;
  Guarded weights_;
  Case& c_;
};

}  // namespace stm::testing
