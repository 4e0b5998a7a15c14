#include "backend/cuda/device/switches.h"

#include <cstdlib>
#include <cstring>

namespace stm::cuda {
namespace {

struct Words {
  const char* variable;
  const char* words[3];  ///< null: fewer
  const char* listed;
};
constexpr Words kSwitches[] = {{"STMNET_CUDNN_AUTOTUNE", {"1", "0", "all"}, "1, 0 or all"},
                               {"STMNET_CUDNN_LAYOUT", {"any", "time", "batch"}, "any, time or batch"},
                               {"STMNET_CUDNN_DROPOUT", {"set", "null", nullptr}, "set or null"},
                               {"STMNET_CUDA_GRAPHS", {"1", "0", nullptr}, "1 or 0"},
                               {"STMNET_CUBLASLT", {"1", "0", nullptr}, "1 or 0"}};

constexpr const char* kMaxSteps = "STMNET_CUDNN_MAX_STEPS";
constexpr int64_t kMostSteps = 65'535;  // of a data descriptor of cuDNN's

/// Null if it is unset, or empty.
const char* text_of(const char* variable) {
  const char* const text = std::getenv(variable);
  return text && *text ? text : nullptr;
}

/// Null if the variable says nothing that is understood.
const char* understood(const Words& words) {
  const char* const text = text_of(words.variable);
  for (const char* const word : words.words)
    if (text && word && std::strcmp(text, word) == 0) return word;
  return text ? nullptr : words.words[0];
}

int64_t steps_in(const char* text) {
  char* end = nullptr;
  const long long steps = std::strtoll(text, &end, 10);
  return *end == 0 && steps >= 1 && steps <= kMostSteps ? steps : 0;
}

Status refuse(const char* variable, const char* text, const char* expected) {
  return Status::refuse(StatusKind::Unsupported, {"%s=%.40s", variable, text}, {"%s", expected},
                        "correct it, or unset it");
}

}  // namespace

const char* word_of(Switch which) {
  const Words& words = kSwitches[static_cast<int>(which)];
  const char* const word = understood(words);
  return word ? word : words.words[0];
}

bool is(Switch which, const char* word) { return std::strcmp(word_of(which), word) == 0; }

int64_t most_steps() {
  const char* const text = text_of(kMaxSteps);
  const int64_t steps = text ? steps_in(text) : 0;
  return steps ? steps : kMostSteps;
}

Status check_switches() {
  for (const Words& words : kSwitches)
    if (!understood(words)) return refuse(words.variable, text_of(words.variable), words.listed);
  const char* const steps = text_of(kMaxSteps);
  return steps && !steps_in(steps) ? refuse(kMaxSteps, steps, "a number from 1 to 65535") : Status::ok();
}

}  // namespace stm::cuda
