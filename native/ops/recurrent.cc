#include <optional>
#include <tuple>

#include "core/op_table.h"
#include "ops/quantized.h"
#include "ops/recurrent_stack.h"
#include "ops/recurrent_weights.h"

namespace stm {

template <>
struct EnumNames<Cell> {
  static constexpr const char* names[] = {"lstm", "gru", "rnnTanh", "rnnRelu"};
};
template <>
struct EnumNames<Algorithm> {
  static constexpr auto& names = kAlgorithmNames;
};

namespace ops {
namespace {

void check_state(const char* op, const char* name, const std::optional<Tensor>& state, const Shape& expected,
                 const Tensor& x) {
  if (!state) return;
  STM_CHECK(state->shape() == expected, Kind::Shape, op, fmt::format("{} {}", name, *state),
            fmt::format("{} ([numLayers · directions, N, size])", expected), "make it with zeroState({ batchSize })");
  check_same_dtype(op, x, *state);
}

/// One call for each layer, with a dropout mask between them.
StackOutput run_layers(const StackProblem& p, const Tensor& x, const Tensor& h0, const Tensor& c0,
                       const std::vector<Tensor>& weights, double p_dropout) {
  const auto of_layer = [&p](const Tensor& states, int64_t l) {
    return states ? slice_axis(states, 0, l * p.K, (l + 1) * p.K) : Tensor();
  };
  Tensor input = x;
  std::vector<Tensor> hs, cs;
  for (int64_t l = 0; l < p.L; ++l) {
    StackProblem layer = p;
    layer.L = 1;
    layer.D = p.input_size(l);
    const StackOutput out = run_stack(layer, input, of_layer(h0, l), of_layer(c0, l), weights_of_layer(weights, p, l));
    hs.push_back(out.h);
    if (out.c) cs.push_back(out.c);
    input = l + 1 < p.L ? dropout(out.y, p_dropout) : out.y;
  }
  return {input, concat(hs, 0), cs.empty() ? Tensor() : concat(cs, 0)};
}

std::tuple<Tensor, Tensor, std::optional<Tensor>> recurrent(const Tensor& x, const std::optional<Tensor>& h0,
                                                            const std::optional<Tensor>& c0,
                                                            const std::vector<Tensor>& weights, Cell cell,
                                                            int64_t hidden_size, int64_t proj_size, int64_t num_layers,
                                                            bool bidirectional, bool bias, bool batch_first,
                                                            double dropout, Algorithm algorithm,
                                                            const std::optional<std::vector<int64_t>>& lengths) {
  const StackProblem problem = recurrent_problem(
      "recurrent", x, {cell, hidden_size, proj_size, num_layers, bidirectional, bias, batch_first, algorithm}, lengths);
  check_weights("recurrent", weights, problem);
  check_state("recurrent", "h", h0, problem.h_shape(), x);
  check_state("recurrent", "c", c0, problem.c_shape(), x);
  const Tensor h = h0.value_or(Tensor()), c = c0.value_or(Tensor());
  const StackOutput out = dropout > 0 && num_layers > 1 ? run_layers(problem, x, h, c, weights, dropout)
                                                        : run_stack(problem, x, h, c, weights);
  return {out.y, out.h, out.c ? std::optional(out.c) : std::nullopt};
}

std::tuple<Tensor, Tensor, std::optional<Tensor>> quantized_recurrent(
    const Tensor& x, const std::optional<Tensor>& h0, const std::optional<Tensor>& c0,
    const std::vector<Tensor>& weights, const std::vector<Tensor>& scales, Cell cell, int64_t hidden_size,
    int64_t proj_size, int64_t num_layers, bool bidirectional, bool bias, bool batch_first,
    const std::optional<std::vector<int64_t>>& lengths) {
  constexpr const char* kOp = "quantizedRecurrent";
  quantized_kernels(kOp, "x", x);
  if (h0) quantized_kernels(kOp, "h", *h0);
  if (c0) quantized_kernels(kOp, "c", *c0);
  StackProblem problem = recurrent_problem(
      kOp, x, {cell, hidden_size, proj_size, num_layers, bidirectional, bias, batch_first, Algorithm::Auto}, lengths);
  problem.quantized = true;
  problem.math = MathMode::Fma;
  check_quantized_weights(kOp, x, weights, scales, problem);
  check_state(kOp, "h", h0, problem.h_shape(), x);
  check_state(kOp, "c", c0, problem.c_shape(), x);
  const StackOutput out =
      run_quantized_stack(problem, x, h0.value_or(Tensor()), c0.value_or(Tensor()), weights, scales);
  return {out.y, out.h, out.c ? std::optional(out.c) : std::nullopt};
}

void recurrent_ahead(const Tensor& x, const Tensor& h, const std::vector<Tensor>& weights, Cell cell,
                     int64_t hidden_size, int64_t proj_size, int64_t num_layers, bool bias, bool batch_first,
                     Algorithm algorithm) {
  const StackProblem problem =
      recurrent_problem("recurrentAhead", x,
                        {cell, hidden_size, proj_size, num_layers, false, bias, batch_first, algorithm}, std::nullopt);
  check_weights("recurrentAhead", weights, problem);
  check_state("recurrentAhead", "h", h, problem.h_shape(), x);
  run_ahead(problem, h, weights);
}

}  // namespace

void declare_recurrent(OpTable& table) {
  table.add("recurrent", &recurrent,
            {"x", "h0", "c0", "weights", "cell", "hiddenSize", "projSize", "numLayers", "bidirectional", "bias",
             "batchFirst", "dropout", "algorithm", "lengths"},
            "A stack of recurrent layers: [output, h, c (LSTM only)]. Dropout between layers is applied if above 0.");
  table.add("quantizedRecurrent", &quantized_recurrent,
            {"x", "h0", "c0", "weights", "scales", "cell", "hiddenSize", "projSize", "numLayers", "bidirectional",
             "bias", "batchFirst", "lengths"},
            "The same with matrices of i8, `weights`; `scales`: of their rows, then the biases. Inference only.");
  table.add("recurrentAhead", &recurrent_ahead,
            {"x", "h", "weights", "cell", "hiddenSize", "projSize", "numLayers", "bias", "batchFirst", "algorithm"},
            "Begins the step that comes after one of x: computes what it needs of h, where that pays, for recurrent.");
}

}  // namespace ops
}  // namespace stm
