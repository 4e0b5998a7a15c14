// What the stand-in for cuDNN refuses: each rule once, where the real library is known to look.
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "cuda-standin/control.h"
#include "cuda_standin_rnn.h"

namespace {

using namespace stm::standin;

void check_setting_refusals() {
  Descriptors d{Case{}};
  const auto set = [&](const std::function<void(Case&)>& change) {
    Case k;
    change(k);
    return d.set_rnn(k);
  };
  CHECK_CODE(set([](Case& k) { k.P = 0; }), CUDNN_STATUS_BAD_PARAM);
  CHECK_CODE(set([](Case& k) { k.P = 7; }), CUDNN_STATUS_NOT_SUPPORTED);
  CHECK_CODE(set([](Case& k) { k.P = 3, k.mode = CUDNN_GRU; }), CUDNN_STATUS_NOT_SUPPORTED);
  CHECK_CODE(set([](Case& k) { k.P = 3, k.algo = CUDNN_RNN_ALGO_PERSIST_STATIC; }), CUDNN_STATUS_NOT_SUPPORTED);
  CHECK_CODE(set([](Case& k) { k.bias = CUDNN_RNN_NO_BIAS, k.algo = CUDNN_RNN_ALGO_PERSIST_DYNAMIC; }),
             CUDNN_STATUS_NOT_SUPPORTED);
  CHECK_CODE(set([](Case& k) { k.type = CUDNN_DATA_DOUBLE, k.algo = CUDNN_RNN_ALGO_PERSIST_STATIC; }),
             CUDNN_STATUS_NOT_SUPPORTED);
  CHECK_CODE(set([](Case& k) { k.type = CUDNN_DATA_INT8; }), CUDNN_STATUS_NOT_SUPPORTED);
  CHECK_CODE(set([](Case& k) { k.H = 0; }), CUDNN_STATUS_BAD_PARAM);
  OK(set([](Case& k) { k.type = CUDNN_DATA_DOUBLE, k.algo = CUDNN_RNN_ALGO_PERSIST_DYNAMIC; }));
  CHECK_CODE(cudnnRNNSetClip_v9(d.rnn, CUDNN_RNN_CLIP_MINMAX, 1, -1), CUDNN_STATUS_BAD_PARAM);
  CHECK_CODE(cudnnRNNSetClip_v9(d.rnn, CUDNN_RNN_CLIP_MINMAX, NAN, 1), CUDNN_STATUS_BAD_PARAM);
  OK(cudnnRNNSetClip_v9(d.rnn, CUDNN_RNN_CLIP_MINMAX, -HUGE_VAL, HUGE_VAL));

  const auto data = [&](cudnnRNNDataLayout_t layout, int T, int N, std::vector<int> lengths) {
    return cudnnSetRNNDataDescriptor(d.x, CUDNN_DATA_FLOAT, layout, T, N, 4, lengths.empty() ? nullptr : lengths.data(),
                                     nullptr);
  };
  const auto unpacked = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED, packed = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
  OK(data(unpacked, 5, 3, {0, 4, 0}));
  CHECK_CODE(data(unpacked, 5, 3, {0, 6, 1}), CUDNN_STATUS_BAD_PARAM);
  CHECK_CODE(data(unpacked, 5, 3, {}), CUDNN_STATUS_BAD_PARAM);
  CHECK_CODE(data(unpacked, 0, 3, {0, 0, 0}), CUDNN_STATUS_BAD_PARAM);
  CHECK_CODE(data(packed, 5, 3, {5, 3, 4}), CUDNN_STATUS_BAD_PARAM);
  CHECK_CODE(data(packed, 5, 3, {5, 3, 0}), CUDNN_STATUS_BAD_PARAM);
  CHECK_CODE(data(packed, 5, 3, {4, 3, 2}), CUDNN_STATUS_BAD_PARAM);
  OK(data(unpacked, 65535, 1, {1}));
  CHECK_CODE(data(unpacked, 65536, 1, {1}), CUDNN_STATUS_NOT_SUPPORTED);
  char why[200];
  cudnnGetLastErrorString(why, sizeof why);
  CHECK(std::string(why).find("65536") != std::string::npos);
}

// What only the size queries find.
void check_query_refusals() {
  const auto query = [](const std::function<void(Case&)>& change, bool weights) {
    Case k;
    change(k);
    Descriptors d(k);
    size_t a = 0, b = 0;
    return weights ? cudnnGetRNNWeightSpaceSize(handle, d.rnn, &a)
                   : cudnnGetRNNTempSpaceSizes(handle, d.rnn, CUDNN_FWD_MODE_TRAINING, d.x, &a, &b);
  };
  for (const bool weights : {false, true}) {
    CHECK_CODE(query([](Case& k) { k.algo = CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, k.H = k.P = 193; }, weights),
               CUDNN_STATUS_NOT_SUPPORTED);
    OK(query([](Case& k) { k.algo = CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, k.H = k.P = 193, k.mode = CUDNN_RNN_TANH; },
             weights));
    CHECK_CODE(query([](Case& k) { k.algo = CUDNN_RNN_ALGO_PERSIST_STATIC, k.H = k.P = 1025; }, weights),
               CUDNN_STATUS_NOT_SUPPORTED);
    CHECK_CODE(query([](Case& k) { k.algo = CUDNN_RNN_ALGO_PERSIST_STATIC, k.K = 2; }, weights),
               CUDNN_STATUS_NOT_SUPPORTED);
  }
  CHECK_CODE(query(
                 [](Case& k) {
                   k.algo = CUDNN_RNN_ALGO_PERSIST_STATIC, k.lengths = {5, 4, 5};
                 },
                 false),
             CUDNN_STATUS_NOT_SUPPORTED);
  CHECK_CODE(query([](Case& k) { k.flags = 0; }, false), CUDNN_STATUS_BAD_PARAM);
}

void check_call_refusals() {
  const auto refused = [](cudnnStatus_t code, const std::function<void(Step&)>& spoil) {
    Step step{Case{}};
    spoil(step);
    CHECK_CODE(step.forward(), code);
    CHECK_CODE(step.backward_data(), code);
    CHECK_CODE(step.backward_weights(), code);
    OK(cudaStreamSynchronize(stream));
  };
  refused(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, [](Step& s) { --s.weight_bytes; });
  refused(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, [](Step& s) { --s.workspace_bytes; });
  refused(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, [](Step& s) { --s.reserve_bytes; });
  refused(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, [](Step& s) { s.reserve = Array(); });
  refused(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, [](Step& s) { s.y = Array(); });
  refused(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, [](Step& s) { s.d.set_state(s.k, s.d.h, 5); });
  refused(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, [](Step& s) { OK(s.d.set_data(s.k, s.d.x, 5)); });
  refused(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, [](Step& s) { OK(s.d.set_data(s.k, s.d.y, 5)); });
  refused(CUDNN_STATUS_BAD_PARAM, [](Step& s) {
    s.k.lengths = {5, 4, 5};
    OK(s.d.set_data(s.k, s.d.y, 6));
  });
  refused(CUDNN_STATUS_BAD_PARAM, [](Step& s) {
    s.k.lengths = {5, 0, 5};
    OK(s.d.set_data(s.k, s.d.x, 4));
    OK(s.d.set_data(s.k, s.d.y, 6));
  });
  Case dynamic;
  dynamic.algo = CUDNN_RNN_ALGO_PERSIST_DYNAMIC;
  Step step(dynamic);
  OK(step.d.set_rnn(dynamic));
  OK(cudnnBuildRNNDynamic(handle, step.d.rnn, dynamic.N + 1));
  CHECK_CODE(step.forward(), CUDNN_STATUS_BAD_PARAM);
  CHECK_CODE(cudnnBuildRNNDynamic(handle, Descriptors{Case{}}.rnn, 3), CUDNN_STATUS_BAD_PARAM);
  OK(cudnnBuildRNNDynamic(handle, step.d.rnn, dynamic.N));
  OK(step.forward());
  OK(step.backward_data());
  CHECK_CODE(step.backward_weights(CUDNN_WGRAD_MODE_SET), CUDNN_STATUS_BAD_PARAM);
  Step clipped{Case{}};
  OK(cudnnRNNSetClip_v9(clipped.d.rnn, CUDNN_RNN_CLIP_MINMAX, -1, 1));
  CHECK_CODE(clipped.forward(), CUDNN_STATUS_NOT_SUPPORTED);
}

/// What may not be null: all but the states and their gradients.
void check_needed_buffers() {
  const auto needs = [](Array Step::*buffer, cudnnStatus_t (*call)(Step&)) {
    Step step{Case{}};
    step.*buffer = Array();
    CHECK_CODE(call(step), CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  };
  for (Array Step::*buffer : {&Step::x, &Step::y, &Step::weights, &Step::workspace, &Step::reserve})
    needs(buffer, [](Step& s) { return s.forward(); });
  for (Array Step::*buffer : {&Step::y, &Step::dy, &Step::dx, &Step::weights, &Step::workspace, &Step::reserve})
    needs(buffer, [](Step& s) { return s.backward_data(); });
  for (Array Step::*buffer : {&Step::x, &Step::y, &Step::dweights, &Step::workspace, &Step::reserve})
    needs(buffer, [](Step& s) { return s.backward_weights(); });
}

/// Alignment and overlap of buffers, and their ends.
void check_ranges() {
  Step s{Case{}};
  const auto forward_to = [&](void* y) {
    return cudnnRNNForward(handle, s.d.rnn, CUDNN_FWD_MODE_TRAINING, nullptr, s.d.x, s.x.get(), s.d.y, y, s.d.h,
                           nullptr, nullptr, s.d.c, nullptr, nullptr, s.weight_bytes, s.weights.get(),
                           s.workspace_bytes, s.workspace.get(), s.reserve_bytes, s.reserve.get());
  };
  OK(forward_to(s.y.get()));
  CHECK_CODE(forward_to(s.y.at(4)), CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  CHECK_CODE(forward_to(s.x.get()), CUDNN_STATUS_BAD_PARAM);
  OK(cudaStreamSynchronize(stream));
  CHECK_CODE(forward_to(s.y.at(16)), CUDNN_STATUS_EXECUTION_FAILED);
  CHECK_CODE(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
  standin_recover();
  (void)cudaGetLastError();
}

// Mistakes in the order of calls, or in what must not change between them, end the device.
void check_order() {
  const struct {
    const char* what;
    std::function<void(Step&)> mistake;
  } all[] = {
      {"no forward", [](Step& s) { OK(s.backward_data()); }},
      {"inference", [](Step& s) { OK(s.forward(CUDNN_FWD_MODE_INFERENCE)), OK(s.backward_data()); }},
      {"two backwards", [](Step& s) { OK(s.forward()), OK(s.backward_data()), OK(s.backward_data()); }},
      {"no data backward", [](Step& s) { OK(s.forward()), OK(s.backward_weights()); }},
      {"two weight backwards",
       [](Step& s) { OK(s.forward()), OK(s.backward_data()), OK(s.backward_weights()), OK(s.backward_weights()); }},
      {"y changed", [](Step& s) { OK(s.forward()), s.y.clear(), OK(s.backward_data()); }},
      {"y changed in between",
       [](Step& s) { OK(s.forward()), OK(s.backward_data()), s.y.clear(), OK(s.backward_weights()); }},
      {"x changed", [](Step& s) { OK(s.forward()), OK(s.backward_data()), s.x.clear(), OK(s.backward_weights()); }},
      {"hx changed", [](Step& s) { OK(s.forward()), s.hx.clear(), OK(s.backward_data()); }},
      {"hx left out", [](Step& s) { OK(s.forward()), s.hx = Array(), OK(s.backward_data()); }},
      {"hx left out in between",
       [](Step& s) { OK(s.forward()), OK(s.backward_data()), s.hx = Array(), OK(s.backward_weights()); }},
      {"cx left out", [](Step& s) { OK(s.forward()), s.cx = Array(), OK(s.backward_data()); }},
      {"weights changed", [](Step& s) { OK(s.forward()), s.weights.clear(), OK(s.backward_data()); }},
      {"reserve changed", [](Step& s) { OK(s.forward()), s.reserve.clear(), OK(s.backward_data()); }},
      {"cx changed", [](Step& s) { OK(s.forward()), s.cx.clear(), OK(s.backward_data()); }},
      {"another layer",
       [](Step& s) {  // the same numbers in every buffer, but another math
         for (const cudnnMathType_t math : {CUDNN_DEFAULT_MATH, CUDNN_TENSOR_OP_MATH}) {
           s.k.math = math;
           OK(s.d.set_rnn(s.k));
           OK(cudnnGetRNNWeightSpaceSize(handle, s.d.rnn, &s.weight_bytes));
           s.weights = Array(s.weight_bytes / 4, Number::F32);
           s.write_weights();
           math == CUDNN_DEFAULT_MATH ? OK(s.forward()) : OK(s.backward_data());
         }
       }},
  };
  for (const auto& entry : all) {
    {
      Step step{Case{}};
      entry.mistake(step);
      const cudaError_t error = cudaStreamSynchronize(stream);
      require(error == cudaErrorLaunchFailure && step.forward() == CUDNN_STATUS_EXECUTION_FAILED,
              std::string(entry.what) + " is not found");
      standin_recover();
      (void)cudaGetLastError();
    }
  }
}

// A handle belongs to one thread at a time: of many calls by two threads, the stand-in catches some.
void check_threads() {
  Step step{Case{}};
  std::atomic<bool> go{false}, caught{false};
  const auto hammer = [&] {
    while (!go) std::this_thread::yield();
    size_t bytes = 0;
    for (int i = 0; i < 20000 && !caught; ++i) {
      const cudnnStatus_t status = cudnnGetRNNWeightSpaceSize(handle, step.d.rnn, &bytes);
      if (status == CUDNN_STATUS_BAD_PARAM) caught = true;
    }
  };
  std::thread a(hammer), b(hammer);
  go = true;
  a.join();
  b.join();
  CHECK(caught);
}

}  // namespace

int main() {
  OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  OK(cudnnCreate(&handle));
  {
    Step step{Case{}};
    CHECK_CODE(step.forward(), CUDNN_STATUS_BAD_PARAM);  // no stream yet
  }
  OK(cudnnSetStream(handle, stream));
  check_setting_refusals();
  check_query_refusals();
  check_call_refusals();
  check_needed_buffers();
  check_ranges();
  check_threads();
  check_order();
  OK(cudnnDestroy(handle));
  CHECK_CODE(cudnnDestroy(handle), CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  return finish("cuda_standin_refusals_test");
}
