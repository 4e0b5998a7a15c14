// The descriptors of recurrent layers and their data, and what can be asked of them.
#include <cmath>
#include <cstring>

#include "cuda-standin/algorithms.h"
#include "cuda-standin/compiler.h"
#include "cuda-standin/cudnn_checks.h"
#include "cuda-standin/cudnn_run.h"
#include "cuda-standin/cudnn_types.h"
#include "cuda-standin/memory.h"
#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

constexpr int kMostSteps = 65535;

cudnnStatus_t check_types(const RnnConfig& c) {
  Number number;
  if (!number_of(c.type, &number)) return refuse(CUDNN_STATUS_NOT_SUPPORTED, "dataType %d", static_cast<int>(c.type));
  const bool f16_math = c.type == CUDNN_DATA_HALF && c.precision == CUDNN_DATA_HALF;
  const bool usual = c.precision == (c.type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT);
  if (!usual && !f16_math)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "mathPrec %d does not go with dataType %d", c.precision, c.type);
  if (f16_math && c.persistent())
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "mathPrec half goes with ALGO_STANDARD only");
  if (c.type == CUDNN_DATA_DOUBLE && c.persistent() && c.algo != CUDNN_RNN_ALGO_PERSIST_DYNAMIC)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "double goes with ALGO_STANDARD and ALGO_PERSIST_DYNAMIC only");
  return CUDNN_STATUS_SUCCESS;
}

// What the library refuses when the descriptor is set.
cudnnStatus_t check_setting(const RnnConfig& c) {
  if (c.algo < 0 || c.algo >= CUDNN_RNN_ALGO_COUNT || c.mode < 0 || c.mode > CUDNN_GRU || c.bias < 0 ||
      c.bias > CUDNN_RNN_SINGLE_REC_BIAS || c.direction < 0 || c.direction > CUDNN_BIDIRECTIONAL || c.input_mode < 0 ||
      c.input_mode > CUDNN_SKIP_INPUT || c.math < 0 || c.math > CUDNN_FMA_MATH)
    return refuse(CUDNN_STATUS_BAD_PARAM, "an enumerator is out of range");
  if (c.input < 1 || c.hidden < 1 || c.layers < 1)
    return refuse(CUDNN_STATUS_BAD_PARAM, "inputSize %d, hiddenSize %d or numLayers %d is not positive", c.input,
                  c.hidden, c.layers);
  if (c.bias != CUDNN_RNN_DOUBLE_BIAS && c.persistent())
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "biasMode %d goes with ALGO_STANDARD only", c.bias);
  if (c.flags > CUDNN_RNN_PADDED_IO_ENABLED) return refuse(CUDNN_STATUS_BAD_PARAM, "auxFlags %u", c.flags);
  if (c.projection < 1) return refuse(CUDNN_STATUS_BAD_PARAM, "projSize %d is not positive", c.projection);
  if (c.projection > c.hidden)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "projSize %d is more than hiddenSize %d", c.projection, c.hidden);
  if (c.projected() && (c.mode != CUDNN_LSTM || c.persistent()))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "projSize %d is less than hiddenSize %d: for LSTM and ALGO_STANDARD only",
                  c.projection, c.hidden);
  return check_types(c);
}

cudnnStatus_t check_lengths(const int* lengths, int steps, int batch, bool packed) {
  if (touches_device({lengths, static_cast<size_t>(batch) * sizeof(int)}))
    return refuse(CUDNN_STATUS_BAD_PARAM, "seqLengthArray must be host memory");
  for (int b = 0; b < batch; ++b) {
    if (lengths[b] < 0 || lengths[b] > steps)
      return refuse(CUDNN_STATUS_BAD_PARAM, "seqLengthArray[%d] %d is not in 0 to maxSeqLength %d", b, lengths[b],
                    steps);
    if (packed && (lengths[b] == 0 || (b && lengths[b] > lengths[b - 1]) || lengths[0] != steps))
      return refuse(
          CUDNN_STATUS_BAD_PARAM,
          "packed sequences must be sorted, longest first, without empty ones, the longest of maxSeqLength %d", steps);
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_data(cudnnDataType_t type, cudnnRNNDataLayout_t layout, int steps, int batch, int width,
                         const int* lengths) {
  Number number;
  if (!lengths) return refuse(CUDNN_STATUS_BAD_PARAM, "seqLengthArray is null");
  if (!number_of(type, &number)) return refuse(CUDNN_STATUS_NOT_SUPPORTED, "dataType %d", static_cast<int>(type));
  if (layout < 0 || layout > CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED)
    return refuse(CUDNN_STATUS_BAD_PARAM, "layout %d", static_cast<int>(layout));
  if (steps < 1 || batch < 1 || width < 1)
    return refuse(CUDNN_STATUS_BAD_PARAM, "maxSeqLength %d, batchSize %d or vectorSize %d is not positive", steps,
                  batch, width);
  if (steps > kMostSteps)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "maxSeqLength %d is more than %d", steps, kMostSteps);
  return check_lengths(lengths, steps, batch, layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED);
}

// The rows at which the steps of a packed batch begin.
std::vector<int64_t> packed_rows(const RnnData& data) {
  std::vector<int64_t> first;
  int64_t rows = 0;
  for (int t = 0; t < data.steps; ++t) {
    first.push_back(rows);
    for (const int length : data.lengths) rows += t < length;
  }
  return first;
}

template <class T>
cudnnStatus_t create(Call& call, T* out, void* (*add)()) {
  return call.cudnn([&] {
    if (!out) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the pointer to the descriptor is null");
    *out = static_cast<T>(add());
    return CUDNN_STATUS_SUCCESS;
  });
}

template <class T>
void* add() {
  return handles<T>().add(std::make_shared<T>());
}

// A tensor descriptor of one matrix or bias; no dimensions if there is none.
void describe(TensorDescriptor* desc, cudnnDataType_t type, const WeightPlace& place, Biases biases = Biases::Column) {
  const int rows = static_cast<int>(place.rows), columns = static_cast<int>(place.columns);
  desc->type = type;
  desc->dims.clear();
  if (rows && biases == Biases::Column) desc->dims = {1, rows, columns};
  if (rows && biases == Biases::Row) desc->dims = {1, columns, rows};
  if (rows && biases == Biases::Pair) desc->dims = {rows, columns};
  desc->strides.assign(desc->dims.size(), 1);
  for (size_t i = desc->dims.size(); i > 1; --i) desc->strides[i - 2] = desc->strides[i - 1] * desc->dims[i - 1];
}

}  // namespace

cudnnStatus_t check_config(const RnnConfig& c) {
  if (c.type == CUDNN_DATA_BFLOAT16 && settings().capability < 80)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, "bfloat16 needs compute capability 8.0");
  if (c.persistent() && settings().capability < 60)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, "persistent algorithms need compute capability 6.0");
  if (c.input_mode == CUDNN_SKIP_INPUT)
    return refuse(c.input == c.hidden ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_BAD_PARAM,
                  "SKIP_INPUT wants inputSize = hiddenSize, and is not stood in for");
  if (c.algo == CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H && c.hidden > (c.gated() ? 192 : 384))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "hiddenSize %d is too large for ALGO_PERSIST_STATIC_SMALL_H", c.hidden);
  if (c.algo == CUDNN_RNN_ALGO_PERSIST_STATIC && (c.hidden > 1024 || c.directions() > 1))
    return refuse(CUDNN_STATUS_NOT_SUPPORTED,
                  "ALGO_PERSIST_STATIC takes one direction and a hiddenSize up to 1024, not %d and %d", c.directions(),
                  c.hidden);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_input(const RnnConfig& c, const RnnData& x) {
  if (x.type != c.type) return refuse(CUDNN_STATUS_BAD_PARAM, "xDesc's type %d is not the layer's, %d", x.type, c.type);
  if (x.width != c.input)
    return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "xDesc's vectorSize %d is not inputSize %d", x.width, c.input);
  if (!x.packed() && !(c.flags & CUDNN_RNN_PADDED_IO_ENABLED))
    return refuse(CUDNN_STATUS_BAD_PARAM, "an unpacked layout needs CUDNN_RNN_PADDED_IO_ENABLED in auxFlags");
  if (c.persistent() && !x.full())
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "sequences shorter than maxSeqLength go with ALGO_STANDARD only");
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace stm::standin

using namespace stm::standin;

cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t* out) {
  Call call("cudnnCreateRNNDescriptor", "%s", "");
  return create(call, out, &add<RnnDescriptor>);
}

cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t desc) {
  Call call("cudnnDestroyRNNDescriptor", "desc=%p", static_cast<void*>(desc));
  return call.cudnn([&] {
    return handles<RnnDescriptor>().remove(desc)
               ? CUDNN_STATUS_SUCCESS
               : refuse(CUDNN_STATUS_BAD_PARAM, "rnnDesc is null or was destroyed before");
  });
}

cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t desc, cudnnRNNAlgo_t algo, cudnnRNNMode_t mode,
                                       cudnnRNNBiasMode_t bias, cudnnDirectionMode_t direction,
                                       cudnnRNNInputMode_t input_mode, cudnnDataType_t type, cudnnDataType_t precision,
                                       cudnnMathType_t math, int32_t input, int32_t hidden, int32_t projection,
                                       int32_t layers, cudnnDropoutDescriptor_t dropout, uint32_t flags) {
  Call call("cudnnSetRNNDescriptor_v8",
            "desc=%p algo=%d mode=%d bias=%d direction=%d type=%d,%d math=%d input=%d hidden=%d projection=%d "
            "layers=%d flags=%u",
            static_cast<void*>(desc), algo, mode, bias, direction, type, precision, math, input, hidden, projection,
            layers, flags);
  return call.cudnn([&] {
    const auto found = handles<RnnDescriptor>().find(desc);
    if (!found) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "rnnDesc is null or was destroyed");
    RnnConfig c{algo,  mode,   bias,       direction, input_mode, type, precision, math,
                input, hidden, projection, layers,    flags,      0,    false,     false};
    const auto mask = handles<DropoutDescriptor>().find(dropout);
    if (dropout && !mask) return refuse(CUDNN_STATUS_BAD_PARAM, "dropoutDesc was destroyed");
    if (mask && !mask->set)  // nobody says what the real one makes of it
      return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "dropoutDesc has not been set: what it holds is undefined");
    if (mask) c.dropout = static_cast<double>(mask->dropout), c.dropout_states = mask->has_states;
    const cudnnStatus_t status = check_setting(c);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    found->config = c;
    found->set = true;
    found->built.clear();
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnRNNSetClip_v9(cudnnRNNDescriptor_t desc, cudnnRNNClipMode_t mode, double low, double high) {
  Call call("cudnnRNNSetClip_v9", "desc=%p mode=%d low=%g high=%g", static_cast<void*>(desc), static_cast<int>(mode),
            low, high);
  return call.cudnn([&] {
    const auto found = handles<RnnDescriptor>().find(desc);
    if (!found) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "rnnDesc is null or was destroyed");
    if (!(low <= high))  // whatever the mode
      return refuse(CUDNN_STATUS_BAD_PARAM, "lclip %g is more than rclip %g, or one is not a number", low, high);
    found->config.clips = mode != CUDNN_RNN_CLIP_NONE && (std::isfinite(low) || std::isfinite(high));
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnBuildRNNDynamic(cudnnHandle_t handle, cudnnRNNDescriptor_t desc, int batch) {
  Call call("cudnnBuildRNNDynamic", "desc=%p batch=%d", static_cast<void*>(desc), batch);
  return with_handle(call, "cudnnBuildRNNDynamic", handle, [&](const std::shared_ptr<DnnHandle>&) {
    const auto found = handles<RnnDescriptor>().find(desc);
    if (!found || !found->set) return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "rnnDesc is not set");
    if (found->config.algo != CUDNN_RNN_ALGO_PERSIST_DYNAMIC)
      return refuse(CUDNN_STATUS_BAD_PARAM, "only ALGO_PERSIST_DYNAMIC is built");
    if (batch < 1) return refuse(CUDNN_STATUS_BAD_PARAM, "miniBatch %d is not positive", batch);
    if (refuse_while_capturing())
      return refuse(CUDNN_STATUS_EXECUTION_FAILED_CUDART,
                    "cudnnBuildRNNDynamic: loads code, and a stream is capturing");
    if (!compiler_compiles())
      return refuse(CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING,
                    "cudnnBuildRNNDynamic: NVRTC or its builtins are not to be found");
    found->built.insert(batch);
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t* out) {
  Call call("cudnnCreateRNNDataDescriptor", "%s", "");
  return create(call, out, &add<RnnData>);
}

cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t desc) {
  Call call("cudnnDestroyRNNDataDescriptor", "desc=%p", static_cast<void*>(desc));
  return call.cudnn([&] {
    return handles<RnnData>().remove(desc)
               ? CUDNN_STATUS_SUCCESS
               : refuse(CUDNN_STATUS_BAD_PARAM, "rnnDataDesc is null or was destroyed before");
  });
}

cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t desc, cudnnDataType_t type,
                                        cudnnRNNDataLayout_t layout, int steps, int batch, int width,
                                        const int lengths[], void* fill) {
  Call call("cudnnSetRNNDataDescriptor", "desc=%p type=%d layout=%d steps=%d batch=%d width=%d lengths=%s fill=%d",
            static_cast<void*>(desc), type, layout, steps, batch, width,
            touches_device({lengths, 1}) ? "(device)" : listed(lengths, batch).c_str(), fill != nullptr);
  return call.cudnn([&] {
    const auto found = handles<RnnData>().find(desc);
    if (!found) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "rnnDataDesc is null or was destroyed");
    const cudnnStatus_t status = check_data(type, layout, steps, batch, width, lengths);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    if (fill && touches_device({fill, 1})) return refuse(CUDNN_STATUS_BAD_PARAM, "paddingFill must be host memory");
    RnnData data;
    data.set = true;
    data.type = type;
    data.layout = layout;
    data.steps = steps, data.batch = batch, data.width = width;
    data.lengths.assign(lengths, lengths + batch);
    if (data.packed()) data.first_rows = packed_rows(data);
    Number number = Number::F32;
    number_of(type, &number);
    data.fills = fill != nullptr;
    if (fill) data.fill = load(fill, number, 0);
    *found = std::move(data);
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t handle, cudnnRNNDescriptor_t desc, cudnnForwardMode_t mode,
                                        cudnnRNNDataDescriptor_t x_desc, size_t* workspace, size_t* reserve) {
  Call call("cudnnGetRNNTempSpaceSizes", "desc=%p mode=%d x=%p", static_cast<void*>(desc), static_cast<int>(mode),
            static_cast<void*>(x_desc));
  return with_handle(call, "cudnnGetRNNTempSpaceSizes", handle, [&](const std::shared_ptr<DnnHandle>&) {
    const auto found = handles<RnnDescriptor>().find(desc);
    const auto x = handles<RnnData>().find(x_desc);
    if (!found || !found->set || !x || !x->set)
      return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "rnnDesc or xDesc is not set");
    if (!workspace || !reserve)
      return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "workSpaceSize or reserveSpaceSize is null");
    cudnnStatus_t status = check_config(found->config);
    if (status == CUDNN_STATUS_SUCCESS) status = check_input(found->config, *x);
    if (status == CUDNN_STATUS_SUCCESS && manner_of(found->config.algo, x->layout).refused)
      status = refuse(CUDNN_STATUS_NOT_SUPPORTED, "algorithm %d is refused, as the test wants it",
                      static_cast<int>(found->config.algo));
    if (status != CUDNN_STATUS_SUCCESS) return status;
    const TempSizes sizes = temp_sizes(found->config, *x, mode == CUDNN_FWD_MODE_TRAINING);
    *workspace = sizes.workspace;
    *reserve = sizes.reserve;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle, cudnnRNNDescriptor_t desc, size_t* bytes) {
  Call call("cudnnGetRNNWeightSpaceSize", "desc=%p", static_cast<void*>(desc));
  return with_handle(call, "cudnnGetRNNWeightSpaceSize", handle, [&](const std::shared_ptr<DnnHandle>&) {
    const auto found = handles<RnnDescriptor>().find(desc);
    if (!found || !found->set) return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "rnnDesc is not set");
    if (!bytes) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "weightSpaceSize is null");
    const cudnnStatus_t status = check_config(found->config);
    if (status == CUDNN_STATUS_SUCCESS) *bytes = weight_layout(found->config).bytes;
    return status;
  });
}

cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t handle, cudnnRNNDescriptor_t desc, int32_t pseudo_layer,
                                      size_t bytes, const void* space, int32_t linear,
                                      cudnnTensorDescriptor_t matrix_desc, void** matrix,
                                      cudnnTensorDescriptor_t bias_desc, void** bias) {
  Call call("cudnnGetRNNWeightParams", "desc=%p pseudoLayer=%d bytes=%zu space=%p linear=%d", static_cast<void*>(desc),
            pseudo_layer, bytes, space, linear);
  return with_handle(call, "cudnnGetRNNWeightParams", handle, [&](const std::shared_ptr<DnnHandle>&) {
    const auto found = handles<RnnDescriptor>().find(desc);
    if (!found || !found->set) return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "rnnDesc is not set");
    const auto of_matrix = handles<TensorDescriptor>().find(matrix_desc),
               of_bias = handles<TensorDescriptor>().find(bias_desc);
    if (!of_matrix || !of_bias || !matrix || !bias)
      return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "mDesc, mAddr, bDesc or bAddr is null");
    const RnnConfig& c = found->config;
    const cudnnStatus_t status = check_config(c);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    if (pseudo_layer < 0 || pseudo_layer >= c.pseudo_layers() || linear < 0 || linear >= c.linear_layers())
      return refuse(CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND, "pseudoLayer %d of %d or linLayerID %d of %d", pseudo_layer,
                    c.pseudo_layers(), linear, c.linear_layers());
    const WeightLayout layout = weight_layout(c);
    if (bytes < layout.bytes)
      return refuse(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "weightSpaceSize %zu is less than %zu", bytes,
                    layout.bytes);
    const size_t at = static_cast<size_t>(pseudo_layer * c.linear_layers() + linear);
    const auto address = [&](const WeightPlace& place) {
      return place.rows ? reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(space) + place.offset) : nullptr;
    };
    describe(of_matrix.get(), c.type, layout.matrices[at]);
    describe(of_bias.get(), c.type, layout.biases[at], settings().biases);
    *matrix = address(layout.matrices[at]);
    *bias = address(layout.biases[at]);
    return CUDNN_STATUS_SUCCESS;
  });
}
