#include "backend/cuda/recurrent/network.h"

#include <algorithm>
#include <string>

#include "backend/cuda/device/locks.h"
#include "backend/cuda/device/switches.h"
#include "backend/hash.h"

namespace stm::cuda {
namespace {

// cudnnGetRNNWeightParams adds offsets to an address that it does not follow: others give it null, or an address of the
// host's. Not null, so that an offset of 0 is not taken for a missing parameter.
constexpr uintptr_t kBase = uintptr_t{1} << 32;

/// What cuDNN says of a parameter.
struct Description {
  static constexpr int kMostAxes = 3;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  int axes = 0, extents[kMostAxes] = {}, strides[kMostAxes] = {};

  /// Whether it is a matrix of these sizes, row after row, among extents of 1. Of a bias, or a matrix that is a single
  /// row or column, only the count says something: nobody promises where its extent stands, or with which strides.
  bool is_of(int64_t rows, int64_t columns) const {
    if (axes < 1 || axes > kMostAxes) return false;
    const int64_t wanted[2][2] = {{rows, columns}, {columns, 1}};  // extents and strides
    int64_t count = 1;
    int matching = 0, others = 0;
    for (int i = 0; i < axes; ++i) {
      count *= extents[i];
      if (extents[i] == 1) continue;
      if (matching < 2 && extents[i] == wanted[matching][0] && strides[i] == wanted[matching][1]) ++matching;
      else ++others;
    }
    return rows == 1 || columns == 1 ? count == rows * columns : matching == 2 && others == 0;
  }
  std::string words() const {
    std::string text = std::to_string(axes) + " axes";
    for (int i = 0; i < axes && i < kMostAxes; ++i)
      text += (i ? ", " : ": ") + std::to_string(extents[i]) + " by " + std::to_string(strides[i]);
    return text;
  }
};

cudnnRNNAlgo_t algorithm_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::PersistStatic: return CUDNN_RNN_ALGO_PERSIST_STATIC;
    case Algorithm::PersistDynamic: return CUDNN_RNN_ALGO_PERSIST_DYNAMIC;
    case Algorithm::PersistStaticSmallH: return CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H;
    case Algorithm::Auto:
    case Algorithm::Standard: break;
  }
  return CUDNN_RNN_ALGO_STANDARD;
}

cudnnRNNMode_t mode_of(Cell cell) {
  switch (cell) {
    case Cell::Lstm: return CUDNN_LSTM;
    case Cell::Gru: return CUDNN_GRU;
    case Cell::RnnTanh: return CUDNN_RNN_TANH;
    case Cell::RnnRelu: break;
  }
  return CUDNN_RNN_RELU;
}

cudnnMathType_t math_of(const NetworkSpec& spec) {
  if (size_of(spec.element) == 2) return CUDNN_TENSOR_OP_MATH;
  return spec.element == Element::F32 && !spec.tf32 ? CUDNN_FMA_MATH
                                                    : CUDNN_DEFAULT_MATH;  // the default lets f32 be computed as tf32
}

int32_t number(int64_t value) { return static_cast<int32_t>(value); }

}  // namespace

cudnnDataType_t data_type(Element element) {
  switch (element) {
    case Element::F64: return CUDNN_DATA_DOUBLE;
    case Element::F16: return CUDNN_DATA_HALF;
    case Element::Bf16: return CUDNN_DATA_BFLOAT16;
    case Element::F32: break;
  }
  return CUDNN_DATA_FLOAT;
}

Element element_of(const RecurrentProblem& problem) {
  if (problem.dtype == DType::F64) return Element::F64;
  return problem.math == MathMode::Bf16 ? Element::Bf16 : problem.math == MathMode::F16 ? Element::F16 : Element::F32;
}

RecurrentProblem NetworkSpec::shape() const {
  RecurrentProblem problem;
  problem.cell = cell;
  problem.D = D, problem.H = H, problem.P = P, problem.L = L, problem.K = K;
  problem.bias = bias;
  return problem;
}

/// Says that nothing is dropped. What a descriptor holds that has not been set is nowhere documented.
Status Network::describe_dropout(Context& context) {
  if (is(Switch::Dropout, "null")) return Status::ok();
  STM_TRY(dropout_.create(context));
  STM_CUDNN(context, cudnnSetDropoutDescriptor, dropout_.get(), context.cudnn, 0.0f, nullptr, 0, 0);
  return Status::ok();
}

Status Network::describe(Context& context) {
  STM_TRY(describe_dropout(context));
  STM_TRY(descriptor_.create(context));
  const cudnnDataType_t precision = spec.element == Element::F64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
  // A projection to H units stands for none. Unpacked layouts need the padded flag, whatever the lengths.
  STM_CUDNN(context, cudnnSetRNNDescriptor_v8, descriptor_.get(), algorithm_of(spec.algorithm), mode_of(spec.cell),
            spec.bias ? CUDNN_RNN_DOUBLE_BIAS : CUDNN_RNN_NO_BIAS,
            spec.K == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, data_type(spec.element),
            precision, math_of(spec), number(spec.D), number(spec.H), number(spec.P ? spec.P : spec.H), number(spec.L),
            dropout_.get(), CUDNN_RNN_PADDED_IO_ENABLED);
  return Status::ok();
}

/// What cuDNN describes a parameter with.
struct Network::ParameterTensors {
  TensorDescriptor matrix, bias;
};

Status Network::lay_out(Context& context) {
  if (spec.batch) {
    const ExclusiveLock lock(context.device);  // it loads code
    STM_CUDNN(context, cudnnBuildRNNDynamic, context.cudnn, descriptor_.get(), number(spec.batch));
  }
  STM_CUDNN(context, cudnnGetRNNWeightSpaceSize, context.cudnn, descriptor_.get(), &weight_bytes);
  RecurrentProblem shape = spec.shape();
  ParameterTensors tensors;
  STM_TRY(tensors.matrix.create(context));
  STM_TRY(tensors.bias.create(context));
  Status status = Status::ok();
  for_each_weight(shape, [&](const RecurrentWeight& weight) {
    if (status.is_ok()) status = add_weight(context, tensors, weight);
  });
  STM_TRY(status);
  shape.bias = false;
  matrices = shape.weight_elements();
  summarise();
  find_gaps();
  return Status::ok();
}

/// Adds the parameters that a weight is made of, gate by gate. cuDNN numbers them: the input's gates, the state's
/// gates, and 8 for the projection.
Status Network::add_weight(Context& context, const ParameterTensors& tensors, const RecurrentWeight& weight) {
  const int64_t gates = gates_of(spec.cell);
  int64_t first_id = 0, parts = gates;
  if (weight.role == RecurrentWeight::State || weight.role == RecurrentWeight::StateBias) first_id = gates;
  if (weight.role == RecurrentWeight::Projection) first_id = 8, parts = 1;
  const int64_t pseudo_layer = weight.layer * spec.K + weight.direction, rows = weight.rows / parts;
  for (int64_t part = 0; part < parts; ++part) {
    void *matrix = nullptr, *bias = nullptr;
    STM_CUDNN(context, cudnnGetRNNWeightParams, context.cudnn, descriptor_.get(), number(pseudo_layer), weight_bytes,
              reinterpret_cast<const void*>(kBase), number(first_id + part), tensors.matrix.get(), &matrix,
              tensors.bias.get(), &bias);
    const int64_t blob = weight.first + part * rows * weight.columns;
    STM_TRY(weight.is_bias() ? add_run(context, tensors.bias, bias, blob, rows, weight.columns)
                             : add_run(context, tensors.matrix, matrix, blob, rows, weight.columns));
  }
  return Status::ok();
}

/// One parameter; cuDNN must say of it what we think it is.
Status Network::add_run(Context& context, const TensorDescriptor& tensor, const void* address, int64_t blob,
                        int64_t rows, int64_t columns) {
  Description found;
  STM_CUDNN(context, cudnnGetTensorNdDescriptor, tensor.get(), Description::kMostAxes, &found.type, &found.axes,
            found.extents, found.strides);
  const size_t space = reinterpret_cast<uintptr_t>(address) - kBase,
               bytes = static_cast<size_t>(rows * columns) * size_of(spec.element);
  const bool inside =
      address && space <= weight_bytes && bytes <= weight_bytes - space && space % size_of(spec.element) == 0;
  if (!inside || found.type != data_type(spec.element) || !found.is_of(rows, columns)) {
    return Status::fail(
        StatusKind::Internal,
        {"cuDNN describes a weight of %lld x %lld as type %d, %s at byte %zu of %zu", static_cast<long long>(rows),
         static_cast<long long>(columns), static_cast<int>(found.type), found.words().c_str(), space, weight_bytes},
        "use a cuDNN of version 9 that stmnet has been tested with");
  }
  runs.push_back({blob, space, rows * columns});
  return Status::ok();
}

/// Joins runs that adjoin in both orders, and says what the layout is.
void Network::summarise() {
  const size_t width = size_of(spec.element);
  std::sort(runs.begin(), runs.end(), [](const WeightRun& a, const WeightRun& b) { return a.blob < b.blob; });
  std::vector<WeightRun> joined;
  for (const WeightRun& run : runs) {
    WeightRun* const last = joined.empty() ? nullptr : &joined.back();
    const bool adjoins =
        last && run.blob != matrices && last->space + static_cast<size_t>(last->count) * width == run.space;
    if (adjoins) last->count += run.count;
    else joined.push_back(run);
  }
  runs = std::move(joined);
  as_blob = width > 2 && weight_bytes == static_cast<size_t>(spec.shape().weight_elements()) * width;
  Hash hash;
  hash.add(spec.element, weight_bytes);
  for (const WeightRun& run : runs) {
    as_blob = as_blob && run.space == static_cast<size_t>(run.blob) * width;
    hash.add(run.blob, run.space);
  }
  layout = hash.value();
}

void Network::find_gaps() {
  const size_t width = size_of(spec.element);
  std::vector<WeightRun> ordered = runs;
  std::sort(ordered.begin(), ordered.end(), [](const WeightRun& a, const WeightRun& b) { return a.space < b.space; });
  size_t end = 0;
  const auto add = [&](size_t next) {
    if (next > end) gaps.push_back({end, static_cast<int64_t>((next - end + width - 1) / width)});
  };
  for (const WeightRun& run : ordered) {
    add(run.space);
    end = run.space + static_cast<size_t>(run.count) * width;
  }
  add(weight_bytes);
}

}  // namespace stm::cuda
