// The stand-in for cuDNN: its results against the CPU engine, which it computes with but by a way through other layouts
// and types; capture and padding. What it refuses: cuda_standin_refusals_test.cc.
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "cuda-standin/control.h"
#include "cuda_standin_rnn.h"

namespace {

using namespace stm::standin;

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const cudnnRNNMode_t mode : {CUDNN_LSTM, CUDNN_GRU, CUDNN_RNN_TANH, CUDNN_RNN_RELU}) {
    for (int algo = 0; algo < CUDNN_RNN_ALGO_COUNT; ++algo) {
      Case k;
      k.mode = mode, k.algo = static_cast<cudnnRNNAlgo_t>(algo);
      k.K = algo == CUDNN_RNN_ALGO_PERSIST_STATIC ? 1 : 2;
      all.push_back(k);
    }
    for (const cudnnRNNBiasMode_t bias : {CUDNN_RNN_NO_BIAS, CUDNN_RNN_SINGLE_INP_BIAS, CUDNN_RNN_SINGLE_REC_BIAS}) {
      Case k;
      k.mode = mode, k.bias = bias;
      all.push_back(k);
    }
    for (const cudnnDataType_t type : {CUDNN_DATA_DOUBLE, CUDNN_DATA_HALF, CUDNN_DATA_BFLOAT16}) {
      Case k;
      k.mode = mode, k.type = type, k.lengths = {2, 5, 1};
      k.tolerance = type == CUDNN_DATA_DOUBLE ? 1e-12 : type == CUDNN_DATA_HALF ? 1e-2 : 5e-2;
      all.push_back(k);
    }
  }
  for (const cudnnRNNDataLayout_t layout :
       {CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED,
        CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED}) {
    for (const int P : {6, 3}) {
      Case k;
      k.layout = layout, k.P = P, k.K = 2, k.lengths = {5, 3, 1};
      all.push_back(k);
      if (!k.packed()) k.lengths = {2, 4, 3};  // none as long as the array, and in no order
      all.push_back(k);
    }
  }
  return all;
}

// TF32 must not pass for f32.
void check_math() {
  for (const cudnnMathType_t math : {CUDNN_DEFAULT_MATH, CUDNN_TENSOR_OP_MATH, CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION}) {
    Case k;
    k.math = math, k.tolerance = 5e-3;
    Step step(k);
    step.compare();
    CHECK(step.worst > 1e-4);
  }
}

// Padding: filled if asked for; dirty dy, or a y that nothing fills, spoils the gradients.
void check_padding() {
  Case k;
  k.lengths = {2, 5, 1};
  Step step(k);
  float fill = 3;
  OK(step.d.set_data(k, step.d.y, k.P, &fill));
  fill = 4;
  OK(step.forward());
  const Values y = step.y.values();
  CHECK(y[static_cast<size_t>((4 * k.N + 0) * k.P)] == 3 && y[0] != 3);
  Values dy = step.dy.values();
  OK(step.backward_data());
  const Values clean = step.dx.values();
  dy[static_cast<size_t>((4 * k.N + 0) * k.P)] = 1;
  step.dy.set(dy);
  OK(step.forward());
  OK(step.backward_data());
  CHECK(step.dx.values()[0] != clean[0]);

  Step unfilled(k);
  OK(unfilled.d.set_data(k, unfilled.d.y, k.P));
  OK(unfilled.forward());
  CHECK(std::isnan(unfilled.y.values()[static_cast<size_t>((4 * k.N + 0) * k.P)]));
  OK(unfilled.backward_data());
  CHECK(std::isnan(unfilled.dx.values()[0]));
}

void check_gaps() {
  Step step{Case{}};
  size_t first = step.weight_bytes;
  step.each_parameter([&](size_t offset, int64_t, int64_t) { first = std::min(first, offset); });
  CHECK(first > 0);
  CHECK(static_cast<int64_t>(step.weight_bytes) > step.k.problem().weight_elements() * 4);
  OK(cudaMemsetAsync(step.weights.at(first - 1), 1, 1, stream));
  OK(step.forward());
  CHECK(std::isnan(step.y.values()[0]));
  step.write_weights();
  OK(cudaMemsetAsync(step.dweights.at(step.weight_bytes - 1), 1, 1, stream));
  OK(step.forward());
  OK(step.backward_data());
  OK(step.backward_weights());
  CHECK(std::isnan(step.dweights.values()[first / 4]));
  // no two algorithms agree
  std::vector<std::vector<size_t>> layouts;
  for (int algo = 0; algo < CUDNN_RNN_ALGO_COUNT; ++algo) {
    Case k;
    k.algo = static_cast<cudnnRNNAlgo_t>(algo);
    Step other(k);
    std::vector<size_t> offsets;
    other.each_parameter([&](size_t offset, int64_t, int64_t) { offsets.push_back(offset); });
    for (const auto& seen : layouts) CHECK(seen != offsets);
    layouts.push_back(offsets);
  }
}

void check_capture() {
  Case k;
  k.mode = CUDNN_GRU, k.lengths = {2, 5, 1};
  Step step(k), cold(k);
  cudaGraph_t graph = nullptr;
  // the first call of a kind does not survive a capture
  cudnnHandle_t fresh = nullptr, old = handle;
  OK(cudnnCreate(&fresh));
  OK(cudnnSetStream(fresh, stream));
  handle = fresh;
  OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  CHECK_CODE(cold.forward(), CUDNN_STATUS_EXECUTION_FAILED_CUDART);
  CHECK_CODE(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  handle = old;
  OK(cudnnDestroy(fresh));
  (void)cudaGetLastError();

  step.compare();
  step.dweights.clear();
  OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  OK(step.forward());
  OK(step.backward_data());
  OK(step.backward_weights());
  OK(cudaStreamEndCapture(stream, &graph));
  cudaGraphExec_t exec = nullptr;
  OK(cudaGraphInstantiate(&exec, graph, 0));
  OK(cudaGraphDestroy(graph));
  OK(cudaGraphLaunch(exec, stream));
  const Values once = step.dweights.values();
  OK(cudaGraphLaunch(exec, stream));
  OK(cudaGraphLaunch(exec, stream));
  const Values thrice = step.dweights.values();
  bool equal = true, some = false;
  for (size_t i = 0; i < once.size(); ++i) {
    equal = equal && std::fabs(thrice[i] - 3 * once[i]) <= 1e-5 * (1 + std::fabs(once[i]));
    some = some || once[i] != 0;
  }
  CHECK(equal && some);
  OK(cudaGraphExecDestroy(exec));
}

void check_faults() {
  Step step{Case{}};
  standin_reset_counts();
  CHECK(standin_set_faults("cudnnRNNForward:2=5000"));
  OK(step.forward());
  CHECK_CODE(step.forward(), CUDNN_STATUS_EXECUTION_FAILED);
  OK(step.forward());
  CHECK(standin_set_faults(""));
}

// STMNET_STANDIN_LAYOUT=plain, in a process of its own: cuDNN's weights lie as stmnet's.
int run_plain() {
  for (const int P : {6, 3}) {
    Case k;
    k.K = 2, k.P = P;
    Step step(k);
    CHECK(static_cast<int64_t>(step.weight_bytes) == step.k.problem().weight_elements() * 4);
    step.each_parameter([&](size_t offset, int64_t, int64_t ours) { CHECK(offset == static_cast<size_t>(ours) * 4); });
    step.compare();
  }
  return finish("cuda_standin_cudnn_test, plain");
}

}  // namespace

int main(int argc, char** argv) {
  OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  OK(cudnnCreate(&handle));
  OK(cudnnSetStream(handle, stream));
  if (argc > 1) return run_plain();
  CHECK(cudnnGetVersion() == 92400);
  CHECK(std::system(("STMNET_STANDIN_LAYOUT=plain '" + std::string(argv[0]) + "' plain").c_str()) == 0);
  for (const Case& k : cases()) Step(k).compare();
  check_math();
  check_padding();
  check_gaps();
  check_capture();
  check_faults();
  OK(cudnnDestroy(handle));
  OK(cudaStreamSynchronize(stream));
  OK(cudaStreamDestroy(stream));
  check_leaks();
  return finish("cuda_standin_cudnn_test");
}
