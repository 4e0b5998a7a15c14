// Weights of 8 bits, and products with them.
#include "ops/quantized.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "backend/hash.h"
#include "core/op_table.h"

namespace stm::ops {

QuantizedKernels& quantized_kernels(const char* op, const char* name, const Tensor& input) {
  QuantizedKernels* const kernels = input.device().backend.quantized();
  STM_CHECK(kernels, Kind::Device, op, fmt::format("{} {}", name, input),
            "a tensor on the cpu, where weights of 8 bits are for",
            "move model and input by to('cpu'), or keep the model in f32 on this device");
  check_dtype(op, name, input, DType::F32);
  STM_CHECK(!needs_grad(input), Kind::NoGraph, op, fmt::format("{} {}, whose gradient is wanted", name, input),
            "an input without: weights of 8 bits are for inference",
            "call it inside noGrad(() => …); to train, use the model that was quantised");
  return *kernels;
}

void check_beside(const char* op, std::string_view name, const Tensor& given, const Tensor& x) {
  STM_CHECK(&given.device() == &x.device(), Kind::Device, op, fmt::format("{} {} beside x {}", name, given, x),
            "all tensors on the cpu, where weights of 8 bits are for", "move the model by to('cpu')");
}

namespace {

int64_t most_quantized_columns() { return kMostQuantizedColumns; }

std::tuple<Tensor, Tensor> quantize_rows(const Tensor& given) {
  constexpr const char* kOp = "quantizeRows";
  const Tensor weight = detached(given);
  quantized_kernels(kOp, "weight", weight);
  check_rank(kOp, "weight", weight, 2);
  STM_CHECK(weight.extent(1) <= kMostQuantizedColumns, Kind::Shape, kOp, fmt::format("weight {}", weight),
            fmt::format("rows of at most {}", kMostQuantizedColumns), "keep it in f32");
  const Tensor numbers = empty(weight.shape(), DType::I8, weight.device()), scales = empty({weight.extent(0)}, weight);
  enqueue(kOp, {contiguous(weight)}, {as_bytes(numbers), scales},
          [](Backend& b, Views v) { return b.quantized()->quantize(v.in(0), v.out(0), v.out(1)); });
  return {numbers, scales};
}

class PackCommand final : public Command {
 public:
  explicit PackCommand(std::vector<Operand> operands) : Command("quantizedLinear", std::move(operands)) {}
  Status run(Backend& backend) override { return backend.quantized()->pack(operands[0].view, operands[1].view.data); }
  bool worth_keeping() const override { return true; }
};

/// The weight as the kernel wants it, kept beside it until it changes.
Tensor packed(const QuantizedKernels& kernels, const Tensor& weight) {
  Recording* const recording = Session::current().recording();
  std::vector<Storage::Derived>& kept = recording ? recording->derived(*weight->storage) : weight->storage->derived;
  Hash place;  // another view of the storage is another weight
  place.add(weight->offset, weight.extent(0), weight.extent(1));
  const uint64_t version = weight->storage->version(), key = place.value();
  const Tensor panels = scratch(0, weight.device());
  const auto found = std::find_if(kept.begin(), kept.end(), [=](const Storage::Derived& d) {
    return d.key == key && d.version == version && !d.storage->failed();
  });
  if (found != kept.end()) {
    panels->storage = found->storage;
    return panels;
  }
  const Tensor made = scratch(kernels.packed_bytes(weight.extent(0), weight.extent(1)), weight.device());
  Device* device = nullptr;
  std::vector<Operand> operands = operands_of("quantizedLinear", {as_bytes(weight)}, {made}, Access::Write, &device);
  device->push(std::make_unique<PackCommand>(std::move(operands)));
  std::erase_if(kept, [=](const Storage::Derived& d) { return d.version != version || d.storage->failed(); });
  kept.push_back({key, version, made->storage});
  return made;
}

void check_operands(const Tensor& x, const Tensor& weight, const Tensor& scales, const std::optional<Tensor>& bias) {
  constexpr const char* kOp = "quantizedLinear";
  check_beside(kOp, "weight", weight, x);
  check_beside(kOp, "scales", scales, x);
  if (bias) check_beside(kOp, "bias", *bias, x);
  check_rank(kOp, "weight", weight, 2);
  STM_CHECK(weight.dtype() == DType::I8, Kind::DType, kOp, fmt::format("weight {}", weight), "i8",
            "make it by quantizeDynamic(model)");
  STM_CHECK(weight.extent(1) > 0 && weight.extent(1) <= kMostQuantizedColumns, Kind::Shape, kOp,
            fmt::format("weight {}", weight), fmt::format("rows of 1 to {}", kMostQuantizedColumns),
            "keep the layer in f32");
  STM_CHECK(x.rank() > 0 && x.shape().back() == weight.extent(1), Kind::Shape, kOp,
            fmt::format("x {} and weight {}", x, weight), fmt::format("the last axis of x to be {}", weight.extent(1)),
            "give the input as many features as the layer has");
  const auto check_column = [&](const char* name, const Tensor& column) {
    check_dtype(kOp, name, column, DType::F32);
    STM_CHECK(column.shape() == Shape{weight.extent(0)}, Kind::Shape, kOp, fmt::format("{} {}", name, column),
              fmt::format("shape [{}]", weight.extent(0)), fmt::format("one for each row of weight {}", weight));
  };
  check_column("scales", scales);
  if (bias) check_column("bias", *bias);
}

Tensor quantized_linear(const Tensor& x, const Tensor& given_weight, const Tensor& scales,
                        const std::optional<Tensor>& bias) {
  const QuantizedKernels& kernels = quantized_kernels("quantizedLinear", "x", x);
  check_operands(x, given_weight, scales, bias);
  const Tensor weight = contiguous(given_weight);
  const int64_t in = weight.extent(1), out = weight.extent(0), count = x.size() / in;
  const Tensor rows = contiguous(reshape(x, {count, in})), panels = packed(kernels, weight),
               rounded = scratch(kernels.scratch_bytes(count, in), x.device()),
               y = empty(x.shape().with(x.rank() - 1, out), x);
  enqueue("quantizedLinear", {rows, panels, contiguous(scales), bias ? contiguous(*bias) : Tensor()},
          {alias(y, {count, out}, {out, 1}, 0), rounded}, [](Backend& b, Views v) {
            return b.quantized()->linear(v.in(0), v.in(1).data, v.in(2), v.in(3), v.out(1).data, v.out(0));
          });
  return y;
}

}  // namespace

void declare_quantized(OpTable& table) {
  table.add("mostQuantizedColumns", &most_quantized_columns,
            "Columns that a matrix of 8 bits has at most, so that its products fit 32 bits.");
  table.add("quantizeRows", &quantize_rows, {"weight"},
            "[numbers, scales]: each row of a matrix rounded to -127..127 as i8, and by what to multiply it.");
  table.add("quantizedLinear", &quantized_linear, {"x", "weight", "scales", "bias"},
            "x · (weight · scales)ᵀ + bias over the last axis of x, which is rounded to 8 bits row by row; weight i8 "
            "[out, in].");
}

}  // namespace stm::ops
