// cuDNN's recurrent calls: everything is checked at the call, then the work waits in the handle's stream (cudnn_run.h).
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cuda-standin/cudnn_checks.h"
#include "cuda-standin/cudnn_run.h"
#include "cuda-standin/cudnn_types.h"
#include "cuda-standin/memory.h"
#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

constexpr size_t kAlignment = 16;

struct Buffer {
  const char* name;
  const void* data;
  size_t bytes;
  bool written;
};

// One call while it is being checked. After the first refusal nothing more is looked at.
class RnnCheck {
 public:
  RnnCheck(const char* function, const std::shared_ptr<DnnHandle>& handle, bool training) : handle_(handle) {
    job.function = function;
    job.device = handle->device;
    job.training = training;
    if (!handle->stream) refuse_with(CUDNN_STATUS_BAD_PARAM, "the handle has no stream: cudnnSetStream first");
  }

  RnnJob job;

  bool ok() const { return status_ == CUDNN_STATUS_SUCCESS; }
  void descriptors(cudnnRNNDescriptor_t rnn, cudnnRNNDataDescriptor_t x, cudnnRNNDataDescriptor_t y);
  void states(cudnnTensorDescriptor_t h, cudnnTensorDescriptor_t c, bool with_c, bool has_c);
  void spaces(size_t weight_bytes, size_t workspace_bytes, void* workspace, size_t reserve_bytes, void* reserve);
  void buffer(const char* name, const void* data, size_t bytes, bool written, bool required);
  void input(const char* name, const void* data, const RnnData& desc, bool written, bool required) {
    buffer(name, data, static_cast<size_t>(desc.rows() * desc.width) * element(), written, required);
  }
  void state(const char* name, const void* data, int width, bool written) {
    buffer(name, data, static_cast<size_t>(int64_t{job.config.pseudo_layers()} * job.x.batch * width) * element(),
           written, false);
  }
  cudnnStatus_t submit(void (*run)(const RnnJob&));

 private:
  size_t element() const {
    Number number = Number::F32;
    number_of(job.config.type, &number);
    return size_of(number);
  }
  template <class... Args>
  void refuse_with(cudnnStatus_t status, const char* format, Args... args) {
    char text[512];
    std::snprintf(text, sizeof text, format, args...);
    if (ok()) status_ = refuse(status, "%s: %s", job.function, text);
  }
  void check_layer(const RnnDescriptor& rnn);
  void check_output();
  void check_state(const char* name, cudnnTensorDescriptor_t desc, int width);
  void check_overlaps();
  bool warm();

  std::shared_ptr<DnnHandle> handle_;
  std::vector<Buffer> buffers_;
  cudnnStatus_t status_ = CUDNN_STATUS_SUCCESS;
};

void RnnCheck::descriptors(cudnnRNNDescriptor_t rnn_desc, cudnnRNNDataDescriptor_t x_desc,
                           cudnnRNNDataDescriptor_t y_desc) {
  if (!ok()) return;
  const auto rnn = handles<RnnDescriptor>().find(rnn_desc);
  const auto x = handles<RnnData>().find(x_desc), y = handles<RnnData>().find(y_desc);
  if (!rnn || !rnn->set || !x || !x->set || !y || !y->set)
    return refuse_with(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "rnnDesc, xDesc or yDesc is not set");
  job.config = rnn->config;
  job.x = *x;
  job.y = *y;
  status_ = check_config(job.config);
  if (ok()) status_ = check_input(job.config, job.x);
  if (ok()) check_output();
  if (ok()) check_layer(*rnn);
  if (ok()) job.layout = weight_layout(job.config);
  if (ok()) job.manner = manner_of(job.config.algo, job.x.layout);
}

void RnnCheck::check_output() {
  const RnnData &x = job.x, &y = job.y;
  if (x.type != y.type || x.layout != y.layout || x.steps != y.steps || x.batch != y.batch || x.lengths != y.lengths)
    return refuse_with(CUDNN_STATUS_BAD_PARAM,
                       "xDesc and yDesc differ in type, layout, maxSeqLength, batchSize or lengths");
  if (y.width != job.config.output())
    return refuse_with(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "yDesc's vectorSize %d is not directions x projSize, %d",
                       y.width, job.config.output());
  for (int b = 0; b < x.batch; ++b) {
    if (x.lengths[static_cast<size_t>(b)] == 0)
      return refuse_with(CUDNN_STATUS_BAD_PARAM, "sequence %d has no steps", b);
  }
}

void RnnCheck::check_layer(const RnnDescriptor& rnn) {
  const RnnConfig& c = job.config;
  if (c.algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC && !rnn.built.count(job.x.batch))
    return refuse_with(CUDNN_STATUS_BAD_PARAM, "cudnnBuildRNNDynamic was not called for a batch of %d", job.x.batch);
  if (c.dropout > 0 && c.layers > 1 && job.training) {
    if (!c.dropout_states)
      return refuse_with(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "dropout %g needs states, and they are null", c.dropout);
    return refuse_with(CUDNN_STATUS_NOT_SUPPORTED, "dropout %g between layers is not stood in for", c.dropout);
  }
  if (c.clips && c.mode == CUDNN_LSTM)
    return refuse_with(CUDNN_STATUS_NOT_SUPPORTED, "clipped cells are not stood in for");
}

void RnnCheck::states(cudnnTensorDescriptor_t h, cudnnTensorDescriptor_t c, bool with_c, bool has_c) {
  if (!ok()) return;
  check_state("hDesc", h, job.config.projection);
  if (!with_c) return;
  if (job.config.mode == CUDNN_LSTM) return check_state("cDesc", c, job.config.hidden);
  if (has_c) refuse_with(CUDNN_STATUS_BAD_PARAM, "%s", "cell states go with LSTM only");
}

void RnnCheck::check_state(const char* name, cudnnTensorDescriptor_t desc, int width) {
  if (!ok()) return;
  const auto found = handles<TensorDescriptor>().find(desc);
  if (!found || found->dims.empty()) return refuse_with(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "%s is not set", name);
  const std::vector<int> dims = {job.config.pseudo_layers(), job.x.batch, width},
                         strides = {job.x.batch * width, width, 1};
  if (found->type == job.config.type && found->dims == dims && found->strides == strides) return;
  refuse_with(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "%s is not [%d, %d, %d] of the layer's type, fully packed", name,
              dims[0], dims[1], dims[2]);
}

void RnnCheck::spaces(size_t weight_bytes, size_t workspace_bytes, void* workspace, size_t reserve_bytes,
                      void* reserve) {
  if (!ok()) return;
  const TempSizes sizes = temp_sizes(job.config, job.x, job.training);
  const struct {
    const char* name;
    size_t given, wanted;
  } all[] = {{"weightSpaceSize", weight_bytes, job.layout.bytes},
             {"workSpaceSize", workspace_bytes, sizes.workspace},
             {"reserveSpaceSize", reserve_bytes, job.training ? sizes.reserve : 0}};
  for (const auto& space : all) {
    if (space.given < space.wanted)
      return refuse_with(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "%s %zu is less than %zu", space.name, space.given,
                         space.wanted);
  }
  job.workspace = workspace;
  job.workspace_bytes = workspace_bytes;
  buffer("workSpace", workspace, workspace_bytes, true, true);
  if (!job.training) return;
  job.reserve = reserve;
  buffer("reserveSpace", reserve, reserve_bytes, true, true);
}

void RnnCheck::buffer(const char* name, const void* data, size_t bytes, bool written, bool required) {
  if (!ok()) return;
  if (!data) {
    if (required) refuse_with(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "%s is null", name);
    return;
  }
  if (reinterpret_cast<uintptr_t>(data) % kAlignment)
    return refuse_with(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "%s %p is not aligned to %zu bytes", name, data,
                       kAlignment);
  buffers_.push_back({name, data, bytes, written});
}

void RnnCheck::check_overlaps() {
  for (const Buffer& a : buffers_) {
    for (const Buffer& b : buffers_) {
      const uintptr_t begin = reinterpret_cast<uintptr_t>(a.data), other = reinterpret_cast<uintptr_t>(b.data);
      if (&a == &b || !a.written || begin >= other + b.bytes || other >= begin + a.bytes) continue;
      return refuse_with(CUDNN_STATUS_BAD_PARAM, "%s and %s overlap", a.name, b.name);
    }
  }
}

// The first call of a kind loads code and allocates, which a capture does not survive.
bool RnnCheck::warm() {
  const RnnConfig& c = job.config;
  const std::string kind = std::string(job.function) + ' ' + std::to_string(job.training) + std::to_string(c.algo) +
                           std::to_string(c.mode) + std::to_string(c.type) + std::to_string(c.math);
  if (!capturing(handle_->stream)) return handle_->warm.insert(kind), true;
  if (handle_->warm.count(kind)) return true;
  invalidate_capture(handle_->stream);
  return false;
}

// Lengths in memory that is given back before this returns, behind so much else that nothing is written over them by
// that alone.
uintptr_t temporary(const std::vector<int>& lengths) {
  constexpr size_t kBefore = 64;
  char* const block = static_cast<char*>(std::malloc(kBefore + lengths.size() * sizeof(int)));
  if (!block) std::abort();
  std::copy_n(lengths.begin(), lengths.size(), reinterpret_cast<int*>(block + kBefore));
  const uintptr_t address = reinterpret_cast<uintptr_t>(block) + kBefore;
  std::free(block);
  return address;
}

// What lies there now, where it is less than it was: of more, a row of one step is made, so that no buffer is too
// small.
std::vector<int> lengths_at(uintptr_t address, const std::vector<int>& before) {
  std::vector<int> lengths;
  for (size_t i = 0; i < before.size(); ++i) {
    const int length = reinterpret_cast<const volatile int*>(address)[i];
    lengths.push_back(length >= 1 && length <= before[i] ? length : 1);
  }
  return lengths;
}

cudnnStatus_t RnnCheck::submit(void (*run)(const RnnJob&)) {
  if (ok()) check_overlaps();
  if (!ok()) return status_;
  const bool lengths_captured = !job.x.full() && capturing(handle_->stream);
  if (lengths_captured && settings().lengths == CapturedLengths::Refused) {
    invalidate_capture(handle_->stream);
    return refuse(CUDNN_STATUS_EXECUTION_FAILED_CUDART, "%s: rows of different lengths are not to be captured",
                  job.function);
  }
  if (!warm())
    refuse_with(CUDNN_STATUS_EXECUTION_FAILED_CUDART, "%s", "the first call of its kind must come before the capture");
  if (!ok()) return status_;
  std::vector<Range> ranges;
  for (const Buffer& buffer : buffers_) ranges.push_back({buffer.data, buffer.bytes});
  Work work = [job = job, run] {
    run(job);
    take_time(job.manner.milliseconds);
  };
  if (lengths_captured && settings().lengths == CapturedLengths::Temporary) {
    work = [job = job, run, address = temporary(job.x.lengths)] {
      RnnJob later = job;
      later.x.lengths = later.y.lengths = lengths_at(address, job.x.lengths);
      run(later);
    };
  }
  const cudaError_t error = submit_touching(handle_->stream, job.function, std::move(ranges), std::move(work));
  if (error) refuse_with(CUDNN_STATUS_EXECUTION_FAILED, "CUDA error %d", static_cast<int>(error));
  return status_;
}

// Shapes, for the log.
std::string shape(cudnnRNNDataDescriptor_t desc) {
  const auto data = handles<RnnData>().find(desc);
  if (!data || !data->set) return "?";
  return "[" + std::to_string(data->steps) + "," + std::to_string(data->batch) + "," + std::to_string(data->width) +
         "] lengths=" + listed(data->lengths.data(), data->batch);
}

int algorithm(cudnnRNNDescriptor_t desc) {
  const auto rnn = handles<RnnDescriptor>().find(desc);
  return rnn ? rnn->config.algo : -1;
}

}  // namespace
}  // namespace stm::standin

using namespace stm::standin;

cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode, const int32_t[],
                              cudnnRNNDataDescriptor_t x_desc, const void* x, cudnnRNNDataDescriptor_t y_desc, void* y,
                              cudnnTensorDescriptor_t h_desc, const void* hx, void* hy, cudnnTensorDescriptor_t c_desc,
                              const void* cx, void* cy, size_t weight_bytes, const void* weights,
                              size_t workspace_bytes, void* workspace, size_t reserve_bytes, void* reserve) {
  const char* const name = "cudnnRNNForward";
  Call call("cudnnRNNForward", "algo=%d mode=%d x=%s weights=%zu workspace=%zu reserve=%zu hx=%d hy=%d cx=%d cy=%d",
            algorithm(rnn), mode, shape(x_desc).c_str(), weight_bytes, workspace_bytes, reserve_bytes, hx != nullptr,
            hy != nullptr, cx != nullptr, cy != nullptr);
  return with_handle(call, name, handle, [&](const std::shared_ptr<DnnHandle>& dnn) {
    RnnCheck check(name, dnn, mode == CUDNN_FWD_MODE_TRAINING);
    check.descriptors(rnn, x_desc, y_desc);
    check.states(h_desc, c_desc, true, cx || cy);
    check.input("x", x, check.job.x, false, true);
    check.input("y", y, check.job.y, true, true);
    check.state("hx", hx, check.job.config.projection, false);
    check.state("hy", hy, check.job.config.projection, true);
    check.state("cx", cx, check.job.config.hidden, false);
    check.state("cy", cy, check.job.config.hidden, true);
    check.buffer("weightSpace", weights, check.job.layout.bytes, false, true);
    check.spaces(weight_bytes, workspace_bytes, workspace, reserve_bytes, reserve);
    RnnJob& job = check.job;
    if (check.ok() && job.manner.failing)
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "%s: fails, as the test wants it", name);
    job.x_data = x, job.y_out = y, job.hx = hx, job.hy = hy, job.cx = cx, job.cy = cy, job.weights = weights;
    return check.submit(run_forward);
  });
}

cudnnStatus_t cudnnRNNBackwardData_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const int32_t[],
                                      cudnnRNNDataDescriptor_t y_desc, const void* y, const void* dy,
                                      cudnnRNNDataDescriptor_t x_desc, void* dx, cudnnTensorDescriptor_t h_desc,
                                      const void* hx, const void* dhy, void* dhx, cudnnTensorDescriptor_t c_desc,
                                      const void* cx, const void* dcy, void* dcx, size_t weight_bytes,
                                      const void* weights, size_t workspace_bytes, void* workspace,
                                      size_t reserve_bytes, void* reserve) {
  const char* const name = "cudnnRNNBackwardData_v8";
  Call call("cudnnRNNBackwardData_v8",
            "algo=%d x=%s weights=%zu workspace=%zu reserve=%zu hx=%d cx=%d dhy=%d dcy=%d dhx=%d dcx=%d",
            algorithm(rnn), shape(x_desc).c_str(), weight_bytes, workspace_bytes, reserve_bytes, hx != nullptr,
            cx != nullptr, dhy != nullptr, dcy != nullptr, dhx != nullptr, dcx != nullptr);
  return with_handle(call, name, handle, [&](const std::shared_ptr<DnnHandle>& dnn) {
    RnnCheck check(name, dnn, true);
    check.descriptors(rnn, x_desc, y_desc);
    check.states(h_desc, c_desc, true, cx || dcy || dcx);
    check.input("y", y, check.job.y, false, true);
    check.input("dy", dy, check.job.y, false, true);
    check.input("dx", dx, check.job.x, true, true);
    check.state("hx", hx, check.job.config.projection, false);
    check.state("dhy", dhy, check.job.config.projection, false);
    check.state("dhx", dhx, check.job.config.projection, true);
    check.state("cx", cx, check.job.config.hidden, false);
    check.state("dcy", dcy, check.job.config.hidden, false);
    check.state("dcx", dcx, check.job.config.hidden, true);
    check.buffer("weightSpace", weights, check.job.layout.bytes, false, true);
    check.spaces(weight_bytes, workspace_bytes, workspace, reserve_bytes, reserve);
    RnnJob& job = check.job;
    job.y_data = y, job.dy = dy, job.dx = dx, job.hx = hx, job.dhy = dhy, job.dhx = dhx, job.cx = cx, job.dcy = dcy,
    job.dcx = dcx, job.weights = weights;
    return check.submit(run_backward_data);
  });
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnWgradMode_t mode,
                                         const int32_t[], cudnnRNNDataDescriptor_t x_desc, const void* x,
                                         cudnnTensorDescriptor_t h_desc, const void* hx,
                                         cudnnRNNDataDescriptor_t y_desc, const void* y, size_t weight_bytes,
                                         void* dweights, size_t workspace_bytes, void* workspace, size_t reserve_bytes,
                                         void* reserve) {
  const char* const name = "cudnnRNNBackwardWeights_v8";
  Call call("cudnnRNNBackwardWeights_v8", "algo=%d mode=%d x=%s weights=%zu workspace=%zu reserve=%zu hx=%d",
            algorithm(rnn), mode, shape(x_desc).c_str(), weight_bytes, workspace_bytes, reserve_bytes, hx != nullptr);
  return with_handle(call, name, handle, [&](const std::shared_ptr<DnnHandle>& dnn) {
    if (mode != CUDNN_WGRAD_MODE_ADD)
      return refuse(CUDNN_STATUS_BAD_PARAM, "%s: addGrad %d is not CUDNN_WGRAD_MODE_ADD", name, mode);
    RnnCheck check(name, dnn, true);
    check.descriptors(rnn, x_desc, y_desc);
    check.states(h_desc, nullptr, false, false);
    check.input("x", x, check.job.x, false, true);
    check.input("y", y, check.job.y, false, true);
    check.state("hx", hx, check.job.config.projection, false);
    check.buffer("dweightSpace", dweights, check.job.layout.bytes, true, true);
    check.spaces(weight_bytes, workspace_bytes, workspace, reserve_bytes, reserve);
    RnnJob& job = check.job;
    job.x_data = x, job.y_data = y, job.hx = hx, job.dweights = dweights;
    return check.submit(run_backward_weights);
  });
}
