#pragma once
#include <string>

#include "backend/kernels/recurrent.h"

namespace stm::cuda {

/// How cuDNN is to compute a problem.
struct Choice {
  Algorithm algorithm = Algorithm::Standard;  ///< not Auto
  bool batch_major =
      true;  ///< it gets blocks of [batch, steps, …]; else of [steps, batch, …]. The caller's order may be the other

  bool operator==(const Choice&) const = default;
  /// As RecurrentProblem::choice, and back.
  uint64_t number() const { return 1 + 2 * static_cast<uint64_t>(algorithm) + (batch_major ? 1 : 0); }
  static Choice of(uint64_t number) { return {static_cast<Algorithm>((number - 1) / 2), (number - 1) % 2 == 1}; }
  /// As a word, "persistStatic/time", and back: false if it is none.
  std::string text() const;
  static bool parse(const std::string& text, Choice* out);
};

}  // namespace stm::cuda
