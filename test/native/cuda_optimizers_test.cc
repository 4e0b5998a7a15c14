// The optimizers' CUDA kernels on the stand-in, against the CPU's: every rule over many parameters of both dtypes,
// steps that are left out, and what changes gradients. usage: cuda_optimizers_test [seed]
#include "backend/cuda/optimizers.h"

#include <limits>
#include <type_traits>

#include "cuda_kernels.h"

namespace stm::cuda::test {
namespace {

constexpr Tolerance kStep{1e-5, 1e-12, 1e-6, 1e-13};
constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();

/// A dense array that begins anywhere in its storage, so that packs of 16 bytes may not fit.
struct Array {
  std::unique_ptr<Operand> storage;
  int64_t first = 0, size = 0;
  Array() = default;
  Array(DType dtype, int64_t size) : first(chance(0.3) ? draw(1, 5) : 0), size(size) {
    storage = std::make_unique<Operand>(dtype, std::vector<int64_t>{first + size + draw(0, 3)}, Lies::Dense);
  }
  View at(const Side& side) const {
    View view = side(*storage);
    view.data = view.as<char>() + static_cast<size_t>(first) * size_of(view.dtype);
    view.extent[0] = size;
    return view;
  }
};

int64_t random_size() { return chance(0.05) ? 0 : chance(0.1) ? draw(2000, 9000) : chance(0.1) ? 1 : draw(2, 200); }
DType random_dtype() { return one_of<DType>({DType::F32, DType::F64}); }

/// One parameter with all that any rule keeps of it.
struct Parameter {
  std::unique_ptr<Operand>
      arrays;  ///< parameter, gradient and moments, in rows of which the first `size` elements count
  Operand scalars{DType::F64, {2}, Lies::Dense};
  int64_t size;
  Parameter(DType dtype, int64_t size) : size(size) {
    const int64_t gap = chance(0.3) ? draw(1, 3) : 3 - (size + 3) % 4;  // packs of 16 bytes may fit or not
    arrays = std::make_unique<Operand>(dtype, std::vector<int64_t>{2 + kMaxOptimizerMoments, size + gap}, Lies::Dense);
    scalars.fill([] { return 0.5; });
    scalars.set(0, static_cast<double>(draw(0, 4)));
  }
  void fill(int row, double least, double most) {
    for (int64_t i = 0; i < arrays->host.extent[1]; ++i)
      arrays->set(row * arrays->host.extent[1] + i, draw_real(least, most));
  }
  void* row_at(const Side& side, int row) const {
    const View& view = side(*arrays);
    return view.as<char>() + static_cast<size_t>(row * view.extent[1]) * size_of(view.dtype);
  }
  template <class Rule>
  OptimizerSlot at(const Side& side, const Rule& rule) const {
    OptimizerSlot slot{row_at(side, 0), row_at(side, 1), {}, nullptr, size, arrays->host.dtype};
    for (int j = 0; j < rule.moments(); ++j) slot.moment[j] = row_at(side, 2 + j);
    if (rule.has_scalars()) slot.scalars = side(scalars).as<double>();
    return slot;
  }
};

/// A rule's name and options.
template <class Rule>
struct Case {
  std::string name;
  Rule rule;
};

struct Options {
  double weight_decay = chance(0.5) ? 0 : draw_real(0, 0.3), eps = one_of<double>({1e-8, 1e-3}),
         beta1 = draw_real(0, 0.95), beta2 = draw_real(0.5, 0.999);
  double momentum = chance(0.4) ? 0 : draw_real(0.1, 0.95);
  bool decoupled = chance(0.5), flag = chance(0.5);
  OptimizerRule shared() const { return {weight_decay}; }
};

Case<SgdRule> sgd() {
  const Options o;
  const bool nesterov = o.momentum != 0 && o.flag;
  return {"sgd", {o.shared(), o.momentum, nesterov ? 0 : draw_real(0, 0.5), nesterov}};
}
Case<AdamRule> adam() {
  const Options o;
  return {"adam", {o.shared(), o.beta1, o.beta2, o.eps, o.flag, o.decoupled}};
}
Case<NadamRule> nadam() {
  const Options o;
  return {"nadam", {o.shared(), o.beta1, o.beta2, o.eps, 4e-3, o.decoupled}};
}
Case<AdamaxRule> adamax() {
  const Options o;
  return {"adamax", {o.shared(), o.beta1, o.beta2, o.eps}};
}
Case<RmspropRule> rmsprop() {
  const Options o;
  return {"rmsprop", {o.shared(), draw_real(0.9, 0.999), o.eps, o.momentum, o.flag}};
}
Case<AdagradRule> adagrad() {
  const Options o;
  return {"adagrad", {o.shared(), draw_real(0, 0.2), o.eps}};
}
Case<AdadeltaRule> adadelta() {
  const Options o;
  return {"adadelta", {o.shared(), o.beta1, o.eps}};
}

/// Moments as there might be after a step: squares are positive, and more than the mean's, so that nothing cancels.
template <class Rule>
void fill_moments(const Rule&, Parameter& p) {
  const bool mean_first =
      std::is_same_v<Rule, AdamRule> || std::is_same_v<Rule, NadamRule> || std::is_same_v<Rule, AdamaxRule>;
  p.fill(mean_first ? 2 : 3, 0.1, 0.7);
  p.fill(mean_first ? 3 : 2, 1.1, 2);
  p.fill(4, 0, 2);
}

enum class Left { In, OutBySkip, OutByFault };

template <class Rule>
void check_steps(Device& device, OptimizerKernels& cuda, const Case<Rule>& c, int64_t count, Left left) {
  std::vector<std::unique_ptr<Parameter>> parameters;
  Operand rate(DType::F64, {1}, Lies::Dense), skip(DType::F32, {1}, Lies::Dense);
  rate.fill([] { return draw_real(0.001, 0.1); });
  const double skipping = one_of<double>({1, 0.25, kNaN, kInfinity});
  skip.fill([&] { return left == Left::OutBySkip ? skipping : 0; });
  const bool asks = left == Left::OutBySkip || chance(0.5);
  std::vector<Operand*> operands{&rate, &skip};
  for (int64_t i = 0; i < count; ++i) {
    parameters.push_back(std::make_unique<Parameter>(random_dtype(), random_size()));
    fill_moments(c.rule, *parameters.back());
    operands.push_back(parameters.back()->arrays.get());
    operands.push_back(&parameters.back()->scalars);
  }
  const DeviceFault earlier{{.code = DeviceFault::kIndex, .value = 4, .greatest = 3}, device.context.op};
  if (left == Left::OutByFault) device.upload(device.context.fault, &earlier, sizeof earlier);
  const auto call = [&](OptimizerKernels& kernels, const Side& at) {
    Rule rule = c.rule;
    rule.learning_rate = at(rate).template as<double>();
    if (asks) rule.skip = at(skip).template as<float>();
    std::vector<OptimizerSlot> slots;
    for (const auto& parameter : parameters) slots.push_back(parameter->at(at, rule));
    if (left == Left::OutByFault && !at.on_device) return in_words(earlier);
    Status status = Status::ok();
    for (int step = 0; step < 3 && status.is_ok(); ++step) {
      status = kernels.step(rule, slots.data(), static_cast<int64_t>(slots.size()));
      std::fill(slots.begin(), slots.end(), OptimizerSlot{});  // the call has read them
      slots.clear();
      for (const auto& parameter : parameters) slots.push_back(parameter->at(at, rule));
    }
    return status;
  };
  const std::string what = c.name + " over " + std::to_string(count) + " parameters" +
                           (left == Left::In          ? ""
                            : left == Left::OutBySkip ? " skipped"
                                                      : " after a fault");
  agree(device, cpu_backend().optimizers(), cuda, what, operands, kStep, call);
  if (left != Left::OutByFault) return;
  for (const Operand* operand : operands) {
    const std::string difference = operand->difference(operand->from_device(device), 0, 0);
    if (!difference.empty()) fail(what + " changed" + difference);
  }
}

template <class Make>
void check_rule(Device& device, OptimizerKernels& cuda, const Make& make) {
  for (int round = 0; round < 12; ++round) check_steps(device, cuda, make(), draw(1, 8), Left::In);
  for (int round = 0; round < 4; ++round) check_steps(device, cuda, make(), draw(1, 8), Left::OutBySkip);
  for (int round = 0; round < 2; ++round) check_steps(device, cuda, make(), draw(1, 8), Left::OutByFault);
  check_steps(device, cuda, make(), 130, Left::In);  // of each dtype more than a table holds, now and then
  check_steps(device, cuda, make(), 0, Left::In);
}

/// More parameters than one launch begins.
void check_many(Device& device, OptimizerKernels& cuda) { check_steps(device, cuda, adam(), 410, Left::In); }

// ---- gradients

struct Gradients {
  std::vector<Array> arrays;
  std::vector<Operand*> operands;
  explicit Gradients(int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      arrays.emplace_back(random_dtype(), chance(0.1) ? draw(8000, 30'000) : random_size());
      operands.push_back(arrays.back().storage.get());
    }
  }
  std::vector<View> at(const Side& side) const {
    std::vector<View> views;
    for (const Array& array : arrays) views.push_back(array.at(side));
    return views;
  }
};

void check_clipping(Device& device, OptimizerKernels& cuda, int64_t count, double p, double special) {
  Gradients gradients(count);
  const double scale = one_of<double>({1e-6, 1, 1e3});
  for (Operand* operand : gradients.operands) operand->fill([&] { return draw_real(-scale, scale); });
  if (special != 0 && count > 0 && gradients.arrays[0].size > 0)
    gradients.operands[0]->set(gradients.arrays[0].first, special);
  Operand norm(random_dtype(), {}, Lies::Dense);
  const double most = draw_real(0.5, 5) * scale;
  std::vector<Operand*> operands = gradients.operands;
  operands.push_back(&norm);
  const std::string what = "clipping of " + std::to_string(count) + " gradients by the norm " + std::to_string(p) +
                           " of " + std::to_string(special);
  agree(device, cpu_backend().optimizers(), cuda, what, operands, kTight,
        [&](OptimizerKernels& kernels, const Side& at) {
          const std::vector<View> views = gradients.at(at);
          const Status status = kernels.total_norm(p, views.data(), count, at(norm));
          return status.is_ok() ? kernels.scale_to_norm(most, at(norm), views.data(), count) : status;
        });
}

void check_clamp(Device& device, OptimizerKernels& cuda, int64_t count) {
  Gradients gradients(count);
  for (Operand* operand : gradients.operands)
    operand->fill([] { return chance(0.05) ? kNaN : chance(0.05) ? -kInfinity : draw_real(-3, 3); });
  const double limit = draw_real(0, 2);
  agree(device, cpu_backend().optimizers(), cuda, "clamp of " + std::to_string(count) + " gradients",
        gradients.operands, kExact, [&](OptimizerKernels& kernels, const Side& at) {
          return kernels.clamp(limit, gradients.at(at).data(), count);
        });
}

void check_all() {
  Device device;
  CudaOptimizers cuda(device.context);
  check_rule(device, cuda, sgd);
  check_rule(device, cuda, adam);
  check_rule(device, cuda, nadam);
  check_rule(device, cuda, adamax);
  check_rule(device, cuda, rmsprop);
  check_rule(device, cuda, adagrad);
  check_rule(device, cuda, adadelta);
  check_many(device, cuda);
  for (const double p : {2.0, 1.0, 3.0, 0.5, kInfinity}) {
    for (int round = 0; round < 8; ++round) check_clipping(device, cuda, draw(0, 12), p, 0);
    check_clipping(device, cuda, 130, p, 0);
    for (const double special : {kNaN, kInfinity, -kInfinity}) check_clipping(device, cuda, draw(1, 5), p, special);
  }
  for (const int64_t count : {0, 1, 7, 250}) check_clamp(device, cuda, count);
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  stm::cuda::test::begin(argc, argv);
  stm::cuda::test::check_all();
  return stm::cuda::test::finish("cuda_optimizers_test");
}
