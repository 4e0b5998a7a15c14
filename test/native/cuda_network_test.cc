// What a network tells cuDNN and takes from it, on the stand-in: the dropout descriptor, and what its weights are
// described as. usage: cuda_network_test [seed]
#include "backend/cuda/recurrent/network.h"
#include "cuda-standin/control.h"
#include "cuda_recurrent.h"

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
  unsetenv("STMNET_CUDNN_DROPOUT");
}

/// The stand-in takes none, one that is set, and no other.
void check_what_cudnn_takes(Context& context) {
  cudnnDropoutDescriptor_t dropout = nullptr;
  cudnnRNNDescriptor_t rnn = nullptr;
  must(cudnnCreateDropoutDescriptor(&dropout), "cudnnCreateDropoutDescriptor");
  must(cudnnCreateRNNDescriptor(&rnn), "cudnnCreateRNNDescriptor");
  const auto set = [&](cudnnDropoutDescriptor_t with) {
    return cudnnSetRNNDescriptor_v8(rnn, CUDNN_RNN_ALGO_STANDARD, CUDNN_LSTM, CUDNN_RNN_DOUBLE_BIAS,
                                    CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT,
                                    CUDNN_DEFAULT_MATH, 3, 5, 5, 2, with, CUDNN_RNN_PADDED_IO_ENABLED);
  };
  require(set(nullptr) == CUDNN_STATUS_SUCCESS, "no dropout descriptor");
  require(set(dropout) == CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "a dropout descriptor that has not been set is taken");
  must(cudnnSetDropoutDescriptor(dropout, context.cudnn, 0, nullptr, 0, 0), "cudnnSetDropoutDescriptor");
  require(set(dropout) == CUDNN_STATUS_SUCCESS, "a dropout descriptor that is set");
  must(cudnnDestroyRNNDescriptor(rnn), "cudnnDestroyRNNDescriptor");
  must(cudnnDestroyDropoutDescriptor(dropout), "cudnnDestroyDropoutDescriptor");
}

/// Layers are computed, however cuDNN describes biases.
void check_layers(Device& device, const std::string& where) {
  CudaRecurrent kernels(device.context);
  for (const Algorithm algorithm : {Algorithm::Standard, Algorithm::PersistDynamic}) {
    for (const int64_t H : {1, 6}) {
      Case c;
      c.p.algorithm = algorithm;
      c.p.N = 3, c.p.T = 4, c.p.D = 2, c.p.H = H, c.p.L = 2;
      c.p.training = true;
      c.draw_values();
      check_case(device, kernels, c, where);
    }
  }
}

/// What a description is changed to before the network sees it.
std::function<void(cudnnDataType_t& type, int& axes, int* extents, int* strides)> change;

cudnnStatus_t described_otherwise(const cudnnTensorDescriptor_t tensor, int requested, cudnnDataType_t* type, int* axes,
                                  int extents[], int strides[]) {
  const cudnnStatus_t status = cudnnGetTensorNdDescriptor(tensor, requested, type, axes, extents, strides);
  change(*type, *axes, extents, strides);
  return status;
}

/// What cannot be the weight that it should be is refused.
void check_descriptions(Context& context) {
  Libraries functions = *context.libraries;
  functions.cudnnGetTensorNdDescriptor = described_otherwise;
  Context changed = context;
  changed.libraries = &functions;
  const auto lay_out = [&](auto to) {
    change = to;
    Network network(small_network());
    require(network.describe(changed), "describe");
    return network.lay_out(changed);
  };
  const auto fits = [&](const char* what, auto to) { require(lay_out(to), what); };
  const auto refuses = [&](const char* what, auto to) {
    const Status status = lay_out(to);
    require(
        status.kind == StatusKind::Internal && says(status, "cuDNN describes a weight of 5 x ") && says(status, "Fix:"),
        std::string(what) + ": expected a refusal, got '" + text_of(status) + "'");
  };
  const auto swap_ends = [](int* values) {
    std::swap(values[0], values[1]), std::swap(values[1], values[2]);
  };  // the extent of 1 last
  fits("as it is", [](cudnnDataType_t&, int&, int*, int*) {});
  fits("an extent of 1 at the end",
       [&](cudnnDataType_t&, int&, int* extents, int* strides) { swap_ends(extents), swap_ends(strides); });
  fits("strides of extents of 1", [](cudnnDataType_t&, int&, int*, int* strides) { strides[0] = 99; });
  fits("strides of biases", [](cudnnDataType_t&, int&, int* extents, int* strides) {
    if (extents[2] == 1) strides[1] = strides[2] = 5;
  });
  refuses("another type", [](cudnnDataType_t& type, int&, int*, int*) { type = CUDNN_DATA_DOUBLE; });
  refuses("no axes", [](cudnnDataType_t&, int& axes, int*, int*) { axes = 0; });
  refuses("four axes", [](cudnnDataType_t&, int& axes, int*, int*) { axes = 4; });
  refuses("a row too few", [](cudnnDataType_t&, int&, int* extents, int*) { --extents[1]; });
  refuses("biases of another size", [](cudnnDataType_t&, int&, int* extents, int*) {
    if (extents[2] == 1) ++extents[1];
  });
  refuses("a batch", [](cudnnDataType_t&, int&, int* extents, int*) { extents[0] = 2; });
  refuses("column after column",
          [](cudnnDataType_t&, int&, int* extents, int* strides) { strides[1] = 1, strides[2] = extents[1]; });
  refuses("transposed", [](cudnnDataType_t&, int&, int* extents, int* strides) {
    std::swap(extents[1], extents[2]);
    strides[1] = extents[2];
  });
  refuses("rows with gaps", [](cudnnDataType_t&, int&, int* extents, int* strides) {
    if (extents[2] != 1) ++strides[1];
  });
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  using namespace stm::cuda::test;
  begin(argc, argv);
  setenv("STMNET_CUDNN_AUTOTUNE", "0", 1);
  DeviceWithLibraries device;
  if (const char* const biases = std::getenv("STMNET_STANDIN_BIASES")) {
    check_layers(device, std::string("biases as a ") + biases);
    return finish("cuda_network_test, biases");
  }
  check_dropout(device.context);
  check_what_cudnn_takes(device.context);
  check_layers(device, "biases as a column");
  check_descriptions(device.context);
  for (const char* const biases : {"row", "pair"}) {  // the stand-in reads its settings once
    const std::string again =
        std::string("STMNET_STANDIN_BIASES=") + biases + " '" + argv[0] + "' " + std::to_string(seed);
    require(std::system(again.c_str()) == 0, again);
  }
  return finish("cuda_network_test");
}
