// What a network tells cuDNN and takes from it, on the stand-in: the dropout descriptor. usage: cuda_network_test [seed]
#include "backend/cuda/recurrent/network.h"
#include "cuda-standin/control.h"
#include "cuda_libraries.h"

namespace stm::cuda::test {
namespace {

NetworkSpec small_network() {
  NetworkSpec spec;
  spec.D = 3, spec.H = 5, spec.L = 2;
  return spec;
}

Status describe(Context& context) { return Network(small_network()).describe(context); }

/// cuDNN's own dropout is never used, and a descriptor says so: one that has been set, or none at all.
void check_dropout(Context& context) {
  const auto calls = [&](const char* setting) {
    setenv("STMNET_CUDNN_DROPOUT", setting, 1);
    standin_reset_counts();
    require(describe(context), std::string("STMNET_CUDNN_DROPOUT=") + setting);
    return standin_call_count("cudnnCreateDropoutDescriptor") * 10 + standin_call_count("cudnnSetDropoutDescriptor");
  };
  require(calls("") == 11, "by default the dropout descriptor is made and set");
  require(calls("set") == 11, "set: the dropout descriptor is made and set");
  require(calls("null") == 0, "null: there is no dropout descriptor");
  setenv("STMNET_CUDNN_DROPOUT", "unset", 1);
  const Status status = describe(context);
  require(!status.is_ok() && std::strstr(status.message, "got STMNET_CUDNN_DROPOUT=unset, expected set or null"), status.message);
  unsetenv("STMNET_CUDNN_DROPOUT");
}

/// The stand-in takes none, one that is set, and no other.
void check_what_cudnn_takes(Context& context) {
  cudnnDropoutDescriptor_t dropout = nullptr;
  cudnnRNNDescriptor_t rnn = nullptr;
  must(cudnnCreateDropoutDescriptor(&dropout), "cudnnCreateDropoutDescriptor");
  must(cudnnCreateRNNDescriptor(&rnn), "cudnnCreateRNNDescriptor");
  const auto set = [&](cudnnDropoutDescriptor_t with) {
    return cudnnSetRNNDescriptor_v8(rnn, CUDNN_RNN_ALGO_STANDARD, CUDNN_LSTM, CUDNN_RNN_DOUBLE_BIAS, CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT,
                                    CUDNN_DATA_FLOAT, CUDNN_DEFAULT_MATH, 3, 5, 5, 2, with, CUDNN_RNN_PADDED_IO_ENABLED);
  };
  require(set(nullptr) == CUDNN_STATUS_SUCCESS, "no dropout descriptor");
  require(set(dropout) == CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "a dropout descriptor that has not been set is taken");
  must(cudnnSetDropoutDescriptor(dropout, context.cudnn, 0, nullptr, 0, 0), "cudnnSetDropoutDescriptor");
  require(set(dropout) == CUDNN_STATUS_SUCCESS, "a dropout descriptor that is set");
  must(cudnnDestroyRNNDescriptor(rnn), "cudnnDestroyRNNDescriptor");
  must(cudnnDestroyDropoutDescriptor(dropout), "cudnnDestroyDropoutDescriptor");
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  using namespace stm::cuda::test;
  begin(argc, argv);
  DeviceWithLibraries device;
  check_dropout(device.context);
  check_what_cudnn_takes(device.context);
  return finish("cuda_network_test");
}
