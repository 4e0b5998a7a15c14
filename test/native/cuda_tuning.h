#pragma once
// For the tests of how the recurrent kernels choose cuDNN's algorithm: a problem, a folder for what is remembered, and
// what algorithms are like on the stand-in.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "backend/cuda/recurrent/choice.h"
#include "cuda-standin/control.h"
#include "cuda_recurrent.h"

namespace stm::cuda::test {

inline RecurrentProblem plain_problem() {
  RecurrentProblem p;
  p.N = 3, p.T = 5, p.D = 4, p.H = 6;
  p.training = true;
  return p;
}

/// A folder for the cache, gone at the end.
class CacheFolder {
 public:
  CacheFolder() {
    char name[] = "/tmp/stmnet-tuning-XXXXXX";
    require(mkdtemp(name) != nullptr, "mkdtemp");
    folder_ = name;
    setenv("STMNET_CACHE_DIR", (folder_ + "/of/its/own").c_str(), 1);
  }
  ~CacheFolder() { (void)std::system(("rm -rf " + folder_).c_str()); }
  std::string file() const { return folder_ + "/of/its/own/cudnn-algorithms.txt"; }
  std::string contents() const {
    std::ifstream stream(file());
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  std::string folder_;
};

/// What choosing has taken and given.
struct Outcome {
  unsigned long long runs;  ///< forward calls of cuDNN's
  uint64_t choice;
  std::string name() const { return Choice::of(choice).text(); }
};

/// So many calls of the problem come up.
inline Outcome use(RecurrentKernels& kernels, const RecurrentProblem& p, int times = 1, bool repeated = false) {
  Outcome outcome{};
  standin_reset_counts();
  for (int i = 0; i < times; ++i) require(kernels.choose(p, repeated, &outcome.choice), "choose");
  outcome.runs = standin_call_count("cudnnRNNForward");
  return outcome;
}

constexpr int kEnough = 4;                ///< uses, after which a problem is measured
constexpr unsigned long long kProof = 2;  ///< runs to see that a choice found in a file computes here, and what

/// What algorithms are like, until the end.
class Algorithms {
 public:
  explicit Algorithms(const std::string& text) { require(standin_set_algorithms(text.c_str()), text); }
  ~Algorithms() { (void)standin_set_algorithms(""); }
};

/// A variable of the environment, until the end.
class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Setting() { unsetenv(name_); }

 private:
  const char* name_;
};

template <class F>
RecurrentProblem with(F change) {
  RecurrentProblem p = plain_problem();
  change(p);
  return p;
}

}  // namespace stm::cuda::test
