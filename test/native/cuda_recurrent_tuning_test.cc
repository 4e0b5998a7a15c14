// How the recurrent kernels choose cuDNN's algorithm: what is measured, what is remembered, and what becomes of measurements and files that fail.
// usage: cuda_recurrent_tuning_test [seed]
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "backend/cuda/recurrent/trial.h"
#include "cuda-standin/control.h"
#include "cuda_recurrent.h"

namespace stm::cuda::test {
namespace {

RecurrentProblem plain_problem() {
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

/// How many forward calls it takes to know the sizes.
unsigned long long runs(RecurrentKernels& kernels, const RecurrentProblem& p, RecurrentSizes* sizes = nullptr) {
  RecurrentSizes ignored;
  standin_reset_counts();
  require(kernels.sizes(p, sizes ? sizes : &ignored), "sizes");
  return standin_call_count("cudnnRNNForward");
}

template <class F>
RecurrentProblem with(F change) {
  RecurrentProblem p = plain_problem();
  change(p);
  return p;
}

void check_memory_of_choices(Device& device) {
  const CacheFolder folder;
  RecurrentSizes first, again;
  {
    CudaRecurrent kernels(device.context);
    require(runs(kernels, plain_problem(), &first) > 20, "a new problem is not measured");
    require(runs(kernels, plain_problem(), &again) == 0, "a problem is measured twice");
    require(first.layout == again.layout && first.packed == again.packed && first.reserve == again.reserve, "sizes() changes its answer");
    require(runs(kernels, with([](RecurrentProblem& p) { p.T = 8; })) == 0, "T up to the same power of two is measured again");
    require(runs(kernels, with([](RecurrentProblem& p) { p.T = 9; })) > 0, "T beyond the power of two is not measured");
    require(runs(kernels, with([](RecurrentProblem& p) { p.training = false; })) > 0, "inference is not measured");
    require(runs(kernels, with([](RecurrentProblem& p) { p.math = MathMode::Tf32; })) > 0, "another mode is not measured");
    require(runs(kernels, with([](RecurrentProblem& p) { p.dtype = DType::F64; })) > 0, "another dtype is not measured");
  }
  const std::string contents = folder.contents();
  require(contents.find("lstm:f32:D4:H6:L1:K1:N3:T8:") != std::string::npos && contents.find("lstm:tf32:") != std::string::npos,
          "the file does not say what was chosen: " + contents);
  CudaRecurrent other(device.context);
  require(runs(other, plain_problem(), &again) == 0, "another process measures again");
  require(first.layout == again.layout && first.packed == again.packed, "another process chooses otherwise");
}

void check_spoiled_files(Device& device) {
  for (const char* contents : {"", "\n\n  \n", "no sense", "\xff\xfe\x00", "key fastest\n"}) {
    const CacheFolder folder;
    CudaRecurrent maker(device.context);
    require(runs(maker, plain_problem()) > 0, "a new problem is not measured");
    std::string key = folder.contents();
    key = key.substr(0, key.find(' '));
    std::ofstream(folder.file()) << contents << (contents[0] == 'k' ? key + " fastest\n" : "");
    CudaRecurrent kernels(device.context);
    require(runs(kernels, plain_problem()) > 0, std::string("a spoiled file is believed: ") + contents);
    require(folder.contents().find(key + " ") != std::string::npos, "a spoiled file is not mended");
  }
  const CacheFolder folder;  // a folder lies in the file's place
  require(std::system(("mkdir -p " + folder.file()).c_str()) == 0, "mkdir");
  CudaRecurrent kernels(device.context);
  require(runs(kernels, plain_problem()) > 0, "a folder is read as a file");
  require(runs(kernels, plain_problem()) == 0, "without a file, nothing is remembered");
}

/// Only for what more than one algorithm computes.
void check_what_is_measured(Device& device) {
  const CacheFolder folder;
  CudaRecurrent kernels(device.context);
  const int32_t varying[] = {5, 2, 4}, equal[] = {4, 0, 4};
  require(runs(kernels, with([](RecurrentProblem& p) { p.deterministic = true; })) == 0, "deterministic results are chosen by time");
  require(runs(kernels, with([&](RecurrentProblem& p) { p.lengths = varying; })) == 0, "rows of different lengths are measured");
  require(runs(kernels, with([](RecurrentProblem& p) { p.P = 2; })) == 0, "a projection is measured");
  require(runs(kernels, with([](RecurrentProblem& p) { p.bias = false; })) == 0, "no bias is measured");
  require(runs(kernels, with([](RecurrentProblem& p) { p.algorithm = Algorithm::Standard; })) == 0, "a given algorithm is measured");
  require(runs(kernels, with([](RecurrentProblem& p) { p.N = 0; })) == 0, "nothing is measured");
  require(runs(kernels, with([&](RecurrentProblem& p) { p.lengths = equal; })) > 0, "rows of one length are not measured");
  setenv("STMNET_CUDNN_AUTOTUNE", "0", 1);
  CudaRecurrent quiet(device.context);
  require(runs(quiet, plain_problem()) == 0, "STMNET_CUDNN_AUTOTUNE=0 is ignored");
  unsetenv("STMNET_CUDNN_AUTOTUNE");
}

/// Choices are right whatever they are.
void check_results(Device& device) {
  const CacheFolder folder;
  CudaRecurrent kernels(device.context);
  for (int i = 0; i < 12; ++i) {
    Case c;
    c.p = plain_problem();
    c.p.cell = static_cast<Cell>(i % 4);
    c.p.L = draw(1, 2), c.p.K = draw(1, 2), c.p.T = draw(1, 9), c.p.H = draw(2, 12), c.p.batch_first = chance(0.5);
    c.p.math = c.p.cell == Cell::RnnRelu ? MathMode::Fma : one_of<MathMode>({MathMode::Fma, MathMode::Tf32, MathMode::F16, MathMode::Bf16});
    c.draw_values();
    check_case(device, kernels, c, "auto");
  }
}

/// An algorithm that fails while it is tried is not chosen, and nothing comes of it. Without memory for a trial, nothing is written down.
void check_failing_trials(Device& device) {
  char text[512];
  for (const char* fault :
       {"cudnnRNNForward:20+=5000", "cudnnRNNBackwardWeights_v8:20+=3000", "cudnnBuildRNNDynamic:1=3000", "cudaMalloc:20+=2", "cudaMalloc:4=2"}) {
    const CacheFolder folder;
    const int before = standin_leaks(text, sizeof text);
    {
      CudaRecurrent kernels(device.context);
      standin_set_faults(fault);
      RecurrentSizes sizes, standard;
      standin_reset_counts();
      require(kernels.sizes(plain_problem(), &sizes), fault);
      standin_set_faults("");
      device.wait();
      require(kernels.sizes(with([](RecurrentProblem& p) { p.algorithm = Algorithm::Standard; }), &standard), "sizes");
      const bool everything_fails = std::strstr(fault, ":20+") || std::strstr(fault, ":4=");
      require(!everything_fails || sizes.layout == standard.layout, std::string("an algorithm is chosen that failed: ") + fault);
      require(std::strstr(fault, "cudaMalloc") ? folder.contents().empty() : !folder.contents().empty(), std::string("the file after ") + fault);
    }
    device.wait();
    require(standin_leaks(text, sizeof text) == before, std::string(fault) + " leaks: " + text);
  }
}

/// A file that came from elsewhere may name what cuDNN refuses here: then it is as if it named the standard algorithm. Only what the caller names fails.
void check_refused_choice(Device& device) {
  const CacheFolder folder;
  const RecurrentProblem p = with([](RecurrentProblem& q) { q.K = 2; });  // persistStatic takes one direction
  {
    CudaRecurrent maker(device.context);
    require(runs(maker, p) > 0, "a new problem is not measured");
  }
  const std::string contents = folder.contents(), key = contents.substr(0, contents.find(' '));
  std::ofstream(folder.file()) << key << " persistStatic\n";
  CudaRecurrent kernels(device.context);
  Case c;
  c.p = p;
  c.draw_values();
  check_case(device, kernels, c, "a choice that is refused");
  RecurrentSizes sizes, standard;
  require(kernels.sizes(p, &sizes), "sizes");
  require(kernels.sizes(with([](RecurrentProblem& q) { q.K = 2, q.algorithm = Algorithm::Standard; }), &standard), "sizes");
  require(sizes.layout == standard.layout && sizes.reserve == standard.reserve, "a choice that is refused is not replaced by the standard algorithm");
  require(folder.contents() == key + " persistStatic\n", "what was refused in one process is written down for all");
  require(!kernels.sizes(with([](RecurrentProblem& q) { q.K = 2, q.algorithm = Algorithm::PersistStatic; }), &sizes).is_ok(), "a named algorithm is replaced");
}

/// While a graph is captured nothing can be measured; the answer stays what it was.
void check_capture(Device& device) {
  const CacheFolder folder;
  CudaRecurrent kernels(device.context);
  require(runs(kernels, plain_problem()) > 0, "a new problem is not measured");
  const RecurrentProblem p = with([](RecurrentProblem& q) { q.H = 7; });
  RecurrentSizes during, after;
  must(cudaStreamBeginCapture(device.context.stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  require(runs(kernels, p, &during) == 0, "a problem is measured while a graph is captured");
  cudaGraph_t graph = nullptr;
  must(cudaStreamEndCapture(device.context.stream, &graph), "cudaStreamEndCapture");
  must(cudaGraphDestroy(graph), "cudaGraphDestroy");
  require(runs(kernels, p, &after) == 0 && during.layout == after.layout, "sizes() changes its answer after a capture");
  require(folder.contents().find(":H7:") == std::string::npos, "what was not measured is written down");
}

/// Results that are not those of the standard algorithm are noticed, in every one of them.
void check_agreement(Device& device) {
  Context& context = device.context;
  Planner planner(context);
  TrialOperands operands, others, spoiled;
  RecurrentProblem p = plain_problem();
  p.K = 2;
  require(operands.make(context, p), "operands");
  require(others.make(context, p), "operands");
  require(spoiled.make(context, p), "operands");
  Trial standard(context, operands), dynamic(context, operands), other(context, spoiled);
  bool agrees = false;
  require(standard.make(planner, Algorithm::Standard), "standard");
  require(dynamic.make(planner, Algorithm::PersistDynamic), "dynamic");
  require(standard.run(), "standard");
  require(dynamic.run(), "dynamic");
  require(dynamic.agrees(standard, &agrees), "agrees");
  require(agrees, "equal results are said to differ");
  const float number = 0.75f;
  for (const TrialMemory* memory : {&others.x, &others.weights, &others.dhn, &others.dcn}) {
    device.upload(memory->data(), &number, sizeof number);
    Trial trial(context, others);
    require(trial.make(planner, Algorithm::Standard), "standard");
    require(trial.run(), "standard");
    require(trial.agrees(standard, &agrees), "agrees");
    require(!agrees, "different results are said to be equal");
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  device.upload(spoiled.dcn.data(), &nan, sizeof nan);
  require(other.make(planner, Algorithm::Standard), "standard");
  require(other.run(), "standard");
  require(other.agrees(standard, &agrees), "agrees");
  require(!agrees, "NaN is said to be a result");
  device.wait();
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  using namespace stm::cuda::test;
  begin(argc, argv);
  DeviceWithLibraries device;
  check_memory_of_choices(device);
  check_spoiled_files(device);
  check_what_is_measured(device);
  check_results(device);
  check_failing_trials(device);
  check_refused_choice(device);
  check_capture(device);
  check_agreement(device);
  return finish("cuda_recurrent_tuning_test");
}
