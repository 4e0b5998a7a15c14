#pragma once
#include <cstdint>

#include "backend/status.h"

namespace stm {

/// What only a kernel could see: a value in its data that no result can be computed from. Plain numbers, so that a
/// kernel on a GPU can leave them for the host, which finds the words.
struct DataFault {
  enum Code : int32_t {
    kNone,
    kIndex,                 ///< value, greatest
    kLabel,                 ///< value, place (step), greatest, except (ignoreIndex)
    kSequenceLabel,         ///< value, place, sequence, greatest, except (blank)
    kProbability,           ///< number, place
    kWeight,                ///< likewise, of what to draw from
    kTooFewWeights,         ///< value (above 0), sequence (row), greatest (wanted)
    kInputNoProbability,    ///< of a loss: number, place
    kTargetNoProbability,   ///< likewise
    kTargetNoDistribution,  ///< likewise, of the divergence
    kNotWhole,              ///< number, place, greatest
    kOverflow,
    kNothingCounts  ///< value (steps)
  };
  int32_t code = kNone;  ///< Code
  int64_t value = 0;
  int64_t place = 0, sequence = 0;
  int64_t greatest = 0;  ///< that is taken; the least is 0
  int64_t except = 0;
  double number = 0;
};

/// The one text for each, on every device.
inline Status in_words(const DataFault& fault) {
  const auto value = static_cast<long long>(fault.value), place = static_cast<long long>(fault.place),
             sequence = static_cast<long long>(fault.sequence), greatest = static_cast<long long>(fault.greatest),
             except = static_cast<long long>(fault.except);
  constexpr StatusKind kind = StatusKind::OutOfRange;
  const auto of_loss = [&](const char* what, const char* fix) {
    return Status::refuse(kind, {"%s %g at element %lld", what, fault.number, place}, "a probability in [0, 1]",
                          {"%s", fix});
  };
  switch (fault.code) {
    case DataFault::kLabel:
      return Status::refuse(kind, {"class label %lld at step %lld", value, place},
                            {"0..%lld (the last axis of the input) or ignoreIndex %lld", greatest, except},
                            "correct the label, or give the input more classes");
    case DataFault::kSequenceLabel:
      return Status::refuse(kind, {"label %lld at place %lld of sequence %lld", value, place, sequence},
                            {"0..%lld other than the blank %lld", greatest, except},
                            "correct the label, or choose another blank");
    case DataFault::kProbability:
      return Status::refuse(kind, {"%g as element %lld", fault.number, place}, "probabilities in [0, 1]",
                            "clamp them, or pass scores through sigmoid() first");
    case DataFault::kWeight:
      return Status::refuse(kind, {"%g as element %lld", fault.number, place}, "finite numbers of at least 0",
                            "clamp them, or pass scores through softmax() first");
    case DataFault::kTooFewWeights:
      return Status::refuse(kind, {"%lld of the numbers of row %lld above 0", value, sequence},
                            {"at least %lld of them", greatest},
                            "draw fewer, leave such rows out, or look at what made them 0");
    case DataFault::kInputNoProbability:
      return of_loss("input", "apply sigmoid first, or use binaryCrossEntropyWithLogits");
    case DataFault::kTargetNoProbability: return of_loss("target", "give each target as 0, 1 or something between");
    case DataFault::kTargetNoDistribution:
      return of_loss("target", "pass probabilities, or logTarget: true for their logarithms");
    case DataFault::kNotWhole:
      return Status::refuse(kind, {"%.17g as element %lld", fault.number, place},
                            {"whole numbers of at most %lld", greatest},
                            "correct the number; give larger ones in an Int32Array, or ask for dtype 'i32'");
    case DataFault::kOverflow:
      return Status::refuse(kind, "a result outside -2^31..2^31-1, or none (NaN, division by 0)",
                            "one that an i32 holds", "compute in f64: cast('f64')");
    case DataFault::kNothingCounts:
      return Status::refuse(kind, {"%lld steps that are all ignored or weigh 0", value}, "one that counts for the mean",
                            "leave such batches out, or use reduction: 'sum'");
    default: return Status::refuse(kind, {"index %lld", value}, {"0..%lld", greatest}, "correct the index");
  }
}

}  // namespace stm
