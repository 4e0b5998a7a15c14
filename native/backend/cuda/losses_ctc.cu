#include <cmath>
#include <limits>
#include <vector>

#include "backend/guard.h"
#include "backend/cuda/kernel/launch.h"
#include "backend/cuda/losses.h"
#include "backend/dispatch.h"

namespace stm::cuda {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

/// log(e^a + e^b + e^c).
STM_DEVICE double log_add(double a, double b, double c) {
  const double most = a > b ? a : b, largest = most > c ? most : c;
  if (largest == kNever) return kNever;
  return largest + std::log(std::exp(a - largest) + std::exp(b - largest) + std::exp(c - largest));
}

/// What the host knows of one sequence.
struct SequenceFacts {
  int64_t offset;  ///< of its first label
  double divisor;
  int32_t steps, labels;
};

/// One sequence; see the CPU's for its states.
template <class T>
struct Sequence {
  const T* input;
  int64_t step_stride, class_stride;
  const int32_t* labels;
  int64_t steps, states, blank;

  STM_DEVICE int64_t label_of(int64_t state) const { return state % 2 ? labels[state / 2] : blank; }
  STM_DEVICE double at(int64_t t, int64_t state) const {
    return static_cast<double>(input[t * step_stride + label_of(state) * class_stride]);
  }
  STM_DEVICE bool may_jump_to(int64_t state) const {
    return state >= 2 && state % 2 && labels[state / 2] != labels[state / 2 - 1];
  }
};

/// The operands of both passes.
template <class T>
struct Sequences {
  const T* input;
  int64_t step_stride, sequence_stride, class_stride;
  const int32_t* target;
  const SequenceFacts* facts;
  int64_t steps, count, classes, row;  ///< row: states of the longest
  int64_t blank;
  bool zero_infinity, reduce;
  DeviceFault* fault;
  int32_t op;

  STM_DEVICE Sequence<T> at(int64_t n) const {
    return {input + n * sequence_stride,      step_stride, class_stride, target + facts[n].offset, facts[n].steps,
            2 * int64_t{facts[n].labels} + 1, blank};
  }
  /// Whether all labels of sequence n are classes other than the blank; reports the others.
  STM_DEVICE bool has_labels(Block& block, int64_t n) const {
    const int32_t* labels = target + facts[n].offset;
    const int64_t wrong = block.sum(facts[n].labels, [&](int64_t i) {
      if (labels[i] >= 0 && labels[i] < classes && labels[i] != blank) return int64_t{0};
      report_fault(fault, op,
                   {.code = DataFault::kSequenceLabel,
                    .value = labels[i],
                    .place = i,
                    .sequence = n,
                    .greatest = classes - 1,
                    .except = blank});
      return int64_t{1};
    });
    return wrong == 0;
  }
  STM_DEVICE double scaled(int64_t n, double loss) const {
    return zero_infinity && std::isinf(loss) ? 0 : loss / facts[n].divisor;
  }
};

/// alpha[t, s]: log-probability of all paths over steps 0..t that end in state s. The loss is -log of all paths through
/// all labels.
template <class T>
struct Forward {
  Sequences<T> sequences;
  T* result;  ///< of each sequence; null if there is to be one number
  double *losses, *alpha;
  STM_DEVICE void operator()(Block& block, int64_t n) const {
    const double loss = sequences.has_labels(block, n)
                            ? walk(block, sequences.at(n), alpha + n * sequences.steps * sequences.row)
                            : std::numeric_limits<double>::quiet_NaN();
    block.once([&] {
      losses[n] = loss;
      if (result) result[n] = static_cast<T>(sequences.scaled(n, loss));
    });
  }

 private:
  STM_DEVICE double walk(Block& block, const Sequence<T>& sequence, double* before) const {
    const int64_t states = sequence.states;
    if (sequence.steps == 0) return states == 1 ? 0 : -kNever;
    block.each(states, [&](int64_t s) { before[s] = s < 2 ? sequence.at(0, s) : kNever; });
    for (int64_t t = 1; t < sequence.steps; ++t) {
      double* now = before + sequences.row;
      block.each(states, [&](int64_t s) {
        now[s] = log_add(before[s], s > 0 ? before[s - 1] : kNever, sequence.may_jump_to(s) ? before[s - 2] : kNever) +
                 sequence.at(t, s);
      });
      before = now;
    }
    return -log_add(before[states - 1], states > 1 ? before[states - 2] : kNever, kNever);
  }
};

template <class T>
struct Total {
  Sequences<T> sequences;
  T* result;
  const double* losses;
  STM_DEVICE void operator()(Block& block, int64_t) const {
    const double sum = block.sum(sequences.count, [&](int64_t n) { return sequences.scaled(n, losses[n]); });
    block.once([&] { *result = static_cast<T>(sum); });
  }
};

/// The places of one label in its sequence, as a chain.
struct Link {
  int32_t next;   ///< the label's next place; -1 if there is none
  int32_t first;  ///< whether this is the label's first place
};

/// From each step's gradient, that of its classes: less factor · (share of the probability that passes through the
/// class). A class's share is added up by one thread along its chain, so that its bits do not depend on time.
template <class T>
struct Backward {
  Sequences<T> sequences;
  const double *losses, *alpha;
  const T* dresult;
  double *beta, *shares;  ///< of each sequence 2 · row, and of each label one number
  Link* links;
  int64_t longest;
  T* dinput;  ///< all 0

  STM_DEVICE void operator()(Block& block, int64_t n) const {
    if (!sequences.has_labels(block, n)) {
      for (int64_t t = 0; t < sequences.steps; ++t) {
        T* dx = dinput + (t * sequences.count + n) * sequences.classes;
        block.each(sequences.classes, [&](int64_t c) { dx[c] = std::numeric_limits<T>::quiet_NaN(); });
      }
      return;
    }
    if (sequences.zero_infinity && std::isinf(losses[n])) return;
    const Sequence<T> sequence = sequences.at(n);
    const int64_t labels = sequence.states / 2;
    Link* const chain = links + n * longest;
    block.each(labels, [&](int64_t i) { chain[i] = link_of(sequence.labels, labels, i); });
    const double factor = static_cast<double>(dresult[sequences.reduce ? 0 : n]) / sequences.facts[n].divisor;
    for (int64_t t = sequence.steps - 1; t >= 0; --t) step(block, sequence, n, t, factor);
  }

 private:
  STM_DEVICE static Link link_of(const int32_t* labels, int64_t count, int64_t i) {
    Link link{-1, 1};
    for (int64_t j = 0; j < i && link.first; ++j) link.first = labels[j] != labels[i];
    for (int64_t j = i + 1; j < count && link.next < 0; ++j)
      if (labels[j] == labels[i]) link.next = static_cast<int32_t>(j);
    return link;
  }

  STM_DEVICE void step(Block& block, const Sequence<T>& sequence, int64_t n, int64_t t, double factor) const {
    const int64_t row = sequences.row, states = sequence.states, labels = states / 2;
    const double *alphas = alpha + (n * sequences.steps + t) * row, *after = beta + (2 * n + (t + 1) % 2) * row;
    double *const now = beta + (2 * n + t % 2) * row, *const share = shares + n * longest;
    const double blanks = block.sum(states, [&](int64_t s) {
      double rest = s >= states - 2 ? 0 : kNever;
      if (t < sequence.steps - 1)
        rest = log_add(after[s], s + 1 < states ? after[s + 1] : kNever,
                       s + 2 < states && sequence.may_jump_to(s + 2) ? after[s + 2] : kNever);
      now[s] = rest + sequence.at(t, s);
      const double part = std::exp(alphas[s] + rest + losses[n]);
      if (s % 2 == 0) return part;
      share[s / 2] = part;
      return 0.0;
    });
    T* const dx = dinput + (t * sequences.count + n) * sequences.classes;
    const Link* const chain = links + n * longest;
    block.each(labels + 1, [&](int64_t i) {
      if (i < labels && !chain[i].first) return;
      double sum = i < labels ? share[i] : blanks;
      for (int64_t j = i < labels ? chain[i].next : -1; j >= 0; j = chain[j].next) sum += share[j];
      dx[i < labels ? sequence.labels[i] : sequence.blank] = T(0) - static_cast<T>(factor * sum);
    });
  }
};

template <class T>
Status send_sequences(Context& context, const CtcLoss& loss, const View& input, const View& target, Sequences<T>* out) {
  std::vector<SequenceFacts> facts;
  STM_TRY(guarded([&] {
    for (int64_t n = 0; n < input.extent[1]; ++n)
      facts.push_back({loss.target_offsets[n], loss.divisors[n], loss.input_lengths[n], loss.target_lengths[n]});
    return Status::ok();
  }));
  *out = {input.as<T>(), input.stride[0],    input.stride[1], input.stride[2], target.as<int32_t>(),
          nullptr,       input.extent[0],    input.extent[1], input.extent[2], 2 * loss.longest_target + 1,
          loss.blank,    loss.zero_infinity, loss.reduce,     context.fault,   context.op};
  return facts.empty()
             ? Status::ok()
             : context.constants(Context::kTable, facts.data(), static_cast<int64_t>(facts.size()), &out->facts);
}

}  // namespace

Status CudaLosses::ctc(const CtcLoss& loss, const View& input, const View& target, const View& result,
                       const View& losses, const View& alpha) noexcept {
  return dispatch_floating(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    Sequences<T> sequences;
    STM_TRY(send_sequences(context_, loss, input, target, &sequences));
    STM_TRY(launch_blocks(
        context_, "ctc", sequences.count, sequences.row,
        Forward<T>{sequences, loss.reduce ? nullptr : result.as<T>(), losses.as<double>(), alpha.as<double>()}));
    if (!loss.reduce) return Status::ok();
    return launch_blocks(context_, "ctc_total", 1, sequences.count,
                         Total<T>{sequences, result.as<T>(), losses.as<double>()});
  });
}

Status CudaLosses::ctc_backward(const CtcLoss& loss, const View& input, const View& target, const View& losses,
                                const View& alpha, const View& dresult, const View& beta, const View& dinput) noexcept {
  return dispatch_floating(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    Sequences<T> sequences;
    STM_TRY(send_sequences(context_, loss, input, target, &sequences));
    if (dinput.size() == 0) return Status::ok();
    STM_CUDA(context_,
             cudaMemsetAsync(dinput.data, 0, static_cast<size_t>(dinput.size()) * sizeof(T), context_.stream));
    const int64_t labels = sequences.count * loss.longest_target;
    void* scratch = nullptr;
    STM_TRY(context_.scratch(Context::kOther, static_cast<size_t>(labels) * (sizeof(double) + sizeof(Link)), &scratch));
    double* const shares = static_cast<double*>(scratch);
    const Backward<T> kernel{sequences,
                             losses.as<double>(),
                             alpha.as<double>(),
                             dresult.as<T>(),
                             beta.as<double>(),
                             shares,
                             reinterpret_cast<Link*>(shares + labels),
                             loss.longest_target,
                             dinput.as<T>()};
    return launch_blocks(context_, "ctc_gradients", sequences.count, sequences.row, kernel);
  });
}

}  // namespace stm::cuda
