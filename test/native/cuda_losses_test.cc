// The losses' CUDA kernels on the stand-in, against the CPU's: every point-wise loss, cross entropy and CTC, values and
// gradients, padded batches, what is out of range and what is infinite. usage: cuda_losses_test [seed]
#include "backend/cuda/losses.h"

#include <limits>

#include "cuda_kernels.h"

namespace stm::cuda::test {
namespace {

constexpr Tolerance kLoss{1e-5, 1e-12, 1e-6,
                          1e-12};  // absolute, for the gradient p - 1 and for divergences whose terms cancel
constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();

View maybe(bool present, const View& view) { return present ? view : View{}; }

/// Element 0 of a dense operand, as it is in device memory.
double first_on_device(Device& device, const Operand& operand) {
  double wide = 0;
  float narrow = 0;
  if (operand.host.dtype == DType::F64) device.download(&wide, operand.device.data, sizeof wide);
  else device.download(&narrow, operand.device.data, sizeof narrow);
  return operand.host.dtype == DType::F64 ? wide : static_cast<double>(narrow);
}

/// The real steps of a batch [N, T, …], or none.
struct Batch {
  int64_t N, T;
  bool padded = chance(0.5);
  std::vector<int32_t> lengths;
  Batch(int64_t N, int64_t T) : N(N), T(T) {
    for (int64_t n = 0; n < N; ++n) lengths.push_back(static_cast<int32_t>(chance(0.1) ? 0 : draw(0, T)));
  }
  Padding padding(int64_t width) const { return {padded ? lengths.data() : nullptr, T * width, width}; }
  bool is_real(int64_t step) const { return !padded || step % T < lengths[static_cast<size_t>(step / T)]; }
};

// ---- point-wise losses

#define STM_NAME(Name, op) op,
const char* const kPointwise[] = {STM_POINTWISE_LOSSES(STM_NAME)};
#undef STM_NAME

double probability() { return chance(0.1) ? 0 : chance(0.1) ? 1 : draw_real(0, 1); }

struct PointwiseCase {
  Batch batch{draw(1, 6), draw(1, 9)};
  int64_t width = chance(0.2) ? 700 : chance(0.05) ? 0 : draw(1, 12);
  PointwiseLoss loss;
  DType dtype = one_of<DType>({DType::F32, DType::F64});
  bool weighted = false;
  std::string what;
  explicit PointwiseCase(Pointwise function) {
    loss = {function, draw_real(0.3, 2), chance(0.5), draw_real(0.1, 1), {}};
    loss.elements = batch.padding(width);
    weighted = function == Pointwise::BinaryCrossEntropyWithLogits && chance(0.5);
    what = std::string(kPointwise[static_cast<int>(function)]) + (loss.reduce ? " reduced" : "") +
           (batch.padded ? " padded" : "") + (weighted ? " weighted" : "");
  }
  bool target_is_probability() const {
    return loss.function == Pointwise::BinaryCrossEntropy || loss.function == Pointwise::BinaryCrossEntropyWithLogits ||
           loss.function == Pointwise::Divergence;
  }
  std::vector<int64_t> shape() const { return {batch.N, batch.T, width}; }
  void fill(Operand& x, Operand& t) const {
    if (loss.function == Pointwise::BinaryCrossEntropy) x.fill(probability);
    if (target_is_probability()) t.fill(probability);
    for (int64_t i = 0; i < x.size(); ++i) {
      if (batch.is_real(i / std::max<int64_t>(width, 1))) continue;
      x.set(i, 7);  // a probability no more, and of no account
      t.set(i, -7);
    }
  }
};

void check_pointwise(Device& device, LossKernels& cuda, Pointwise function) {
  const PointwiseCase c(function);
  Operand x(c.dtype, c.shape(), Lies::Shifted), t(c.dtype, c.shape(), Lies::Shifted),
      weight(c.dtype, {c.width}, Lies::Shifted);
  c.fill(x, t);
  const std::vector<int64_t> shape = c.loss.reduce ? std::vector<int64_t>{} : c.shape();
  Operand result(c.dtype, shape, Lies::Shifted), dresult(c.dtype, shape, Lies::Shifted),
      dx(c.dtype, c.shape(), Lies::Shifted), dt(c.dtype, c.shape(), Lies::Shifted);
  Operand partial(DType::F64, {(x.size() + LossKernels::kPartial - 1) / LossKernels::kPartial}, Lies::Shifted);
  const bool for_x = chance(0.8), for_t = !for_x || chance(0.5);
  const auto call = [&](LossKernels& kernels, const Side& at) {
    const Status status = kernels.pointwise(c.loss, at(x), at(t), maybe(c.weighted, at(weight)), at(result),
                                            maybe(c.loss.reduce, at(partial)));
    if (!status.is_ok()) return status;
    return kernels.pointwise_backward(c.loss, at(x), at(t), maybe(c.weighted, at(weight)), at(dresult),
                                      maybe(for_x, at(dx)), maybe(for_t, at(dt)));
  };
  agree(device, cpu_backend().losses(), cuda, c.what + x.shape(), {&x, &t, &weight, &result, &dresult, &dx, &dt}, kLoss,
        call);
}

/// A large batch, whose sum takes many blocks.
void check_long_sums(Device& device, LossKernels& cuda, DType dtype) {
  const int64_t size = 150'000;
  Operand x(dtype, {size}, Lies::Shifted), t(dtype, {size}, Lies::Shifted), result(dtype, {}, Lies::Shifted),
      partial(DType::F64, {(size + 4095) / 4096}, Lies::Shifted);
  const PointwiseLoss loss{Pointwise::SquaredError, 0, true, 1.0 / static_cast<double>(size), {}};
  agree(device, cpu_backend().losses(), cuda, "a long mse", {&x, &t, &result}, kTight,
        [&](LossKernels& kernels, const Side& at) {
          return kernels.pointwise(loss, at(x), at(t), {}, at(result), at(partial));
        });
}

void check_no_probability(Device& device, LossKernels& cuda, Pointwise function) {
  PointwiseCase c(function);
  if (c.batch.lengths[0] == 0) c.batch.lengths[0] = 1;
  c.width = std::max<int64_t>(c.width, 1);
  c.loss.elements = c.batch.padding(c.width);
  Operand x(c.dtype, c.shape(), Lies::Shifted), t(c.dtype, c.shape(), Lies::Shifted);
  c.fill(x, t);
  const double wrong = one_of<double>({1.5, -0.25, kNaN, kInfinity, -1e30});
  (c.loss.function == Pointwise::BinaryCrossEntropy && chance(0.5) ? x : t).set(0, wrong);
  const std::vector<int64_t> extents = c.loss.reduce ? std::vector<int64_t>{} : c.shape();
  Operand result(c.dtype, extents, Lies::Shifted);
  Operand partial(DType::F64, {(x.size() + LossKernels::kPartial - 1) / LossKernels::kPartial}, Lies::Shifted);
  const DeviceFault fault = agree(device, cpu_backend().losses(), cuda, c.what + " of no probability",
                                  {&x, &t, &result}, kLoss, [&](LossKernels& kernels, const Side& at) {
                                    return kernels.pointwise(c.loss, at(x), at(t), {}, at(result), at(partial));
                                  });
  require(fault.code != 0, c.what + ": no probability goes unnoticed");
  const bool named = std::isnan(wrong)
                         ? std::isnan(fault.number)
                         : std::abs(fault.number - wrong) <= 1e-6 * std::abs(wrong) || fault.number == wrong;
  require(named && fault.place == 0,
          c.what + ": the fault names " + std::to_string(fault.number) + " at " + std::to_string(fault.place));
  require(std::isnan(first_on_device(device, result)), c.what + ": the loss of no probability is not NaN");
  Operand dresult(c.dtype, extents, Lies::Shifted), dx(c.dtype, c.shape(), Lies::Shifted);
  dresult.fill([] { return 1.0; });
  dresult.to_device(device);
  dx.to_device(device);
  const Side there{true};
  require(cuda.pointwise_backward(c.loss, there(x), there(t), {}, there(dresult), there(dx), {}),
          c.what + " of no probability, backward");
  const DeviceFault again = device.take_fault();
  require(again.code != 0 && std::isnan(first_on_device(device, dx)),
          c.what + ": the loss of no probability has a gradient");
}

// ---- cross entropy

/// Where a class is all but certain, g · p · Σ a and g · a of its label cancel: what is left has the roundings of both,
/// of numbers up to 1.5 · 2 · 2, the largest gradient and weights.
constexpr Tolerance kCrossEntropy{1e-5, 1e-12, 6e-6, 1e-11};

struct CrossEntropyCase {
  Batch batch{chance(0.03) ? 0 : draw(1, 9), draw(1, 30)};
  int64_t classes;
  DType dtype = one_of<DType>({DType::F32, DType::F64});
  CrossEntropyLoss loss;
  bool class_weighted = chance(0.4), step_weighted = chance(0.4);
  Operand x, target, class_weight, step_weight, result, saved, dresult, dx;
  std::string what;

  CrossEntropyCase(int64_t classes, bool reduce)
      : classes(classes),
        loss{chance(0.5) ? -100 : draw(0, classes - 1),
             chance(0.5) ? 0 : chance(0.2) ? 1 : 0.2,
             reduce,
             chance(0.5),
             false,
             {}},
        x(dtype, {batch.N * batch.T, classes}, Lies::Shifted),
        target(DType::I32, {batch.N * batch.T}, Lies::Shifted),
        class_weight(dtype, {classes}, Lies::Shifted),
        step_weight(dtype, {batch.N * batch.T}, Lies::Shifted),
        result(dtype, shape(), Lies::Shifted),
        saved(DType::F64, {3 * target.size() + 2}, Lies::Shifted),
        dresult(dtype, shape(), Lies::Shifted),
        dx(dtype, {batch.N * batch.T, classes}, Lies::Shifted) {
    loss.steps = batch.padding(1);
    class_weight.fill([] { return chance(0.1) ? 0 : draw_real(0.1, 2); });
    step_weight.fill([] { return chance(0.1) ? 0 : draw_real(0.1, 2); });
    target.fill([&] { return static_cast<double>(chance(0.1) ? loss.ignore_index : draw(0, classes - 1)); });
    for (int64_t row = 0; row < target.size(); ++row)
      if (!batch.is_real(row)) target.set(row, 1e6);  // of no account
    what = "cross entropy " + x.shape() + (loss.reduce ? loss.mean ? " mean" : " sum" : "") +
           (batch.padded ? " padded" : "") + (class_weighted ? " weighted" : "") +
           (step_weighted ? " step-weighted" : "") + " smoothing " + std::to_string(loss.label_smoothing);
  }
  std::vector<int64_t> shape() const {
    return loss.reduce ? std::vector<int64_t>{} : std::vector<int64_t>{batch.N * batch.T};
  }

  Status run(LossKernels& kernels, const Side& at) {
    const View w = maybe(class_weighted, at(class_weight)), v = maybe(step_weighted, at(step_weight));
    const Status status = kernels.cross_entropy(loss, at(x), at(target), w, v, at(result), at(saved));
    return status.is_ok()
               ? kernels.cross_entropy_backward(loss, at(x), at(target), w, v, at(saved), at(dresult), at(dx))
               : status;
  }
  DeviceFault agree_on(Device& device, LossKernels& cuda) {
    std::vector<Operand*> operands{&x, &target, &class_weight, &step_weight, &result, &dresult, &dx};
    if (dtype == DType::F64)
      operands.push_back(&saved);  // of f32 the CPU's e^x has 1e-7, less than these f64 numbers hold
    return agree(device, cpu_backend().losses(), cuda, what, operands, kCrossEntropy,
                 [&](LossKernels& kernels, const Side& at) { return run(kernels, at); });
  }
};

const std::vector<int64_t> kClasses{1, 2, 3, 10, 31, 32, 33, 64, 100, 127, 128, 129, 300};

void check_cross_entropy(Device& device, LossKernels& cuda) {
  CrossEntropyCase c(one_of(kClasses), chance(0.6));
  if (chance(0.3)) c.x.fill([] { return draw_real(-40, 40); });
  if (chance(0.3)) {  // masked classes
    for (int64_t i = 0; i < c.x.size(); ++i)
      if (chance(0.3) && c.target.at(i / c.classes) != static_cast<double>(i % c.classes)) c.x.set(i, -kInfinity);
    c.loss.label_smoothing = 0;
  }
  c.agree_on(device, cuda);
}

/// More rows than blocks, and rows of several segments.
void check_large_cross_entropy(Device& device, LossKernels& cuda, int64_t rows, int64_t classes) {
  CrossEntropyCase sized(classes, true);
  sized.batch = Batch(1, rows);
  CrossEntropyLoss loss = sized.loss;
  loss.ignore_index = 0;
  loss.steps = {};
  const DType dtype = sized.dtype;
  Operand x(dtype, {rows, classes}, Lies::Shifted), target(DType::I32, {rows}, Lies::Shifted),
      result(dtype, {}, Lies::Shifted), dx(dtype, {rows, classes}, Lies::Shifted),
      saved(DType::F64, {3 * rows + 2}, Lies::Shifted);
  target.fill([&] { return static_cast<double>(draw(0, classes - 1)); });
  target.set(rows - 1, 1);
  const View w{};
  agree(device, cpu_backend().losses(), cuda, "large cross entropy " + x.shape(),
        {&x, &target, &sized.class_weight, &result, &dx, &sized.dresult}, kCrossEntropy,
        [&](LossKernels& kernels, const Side& at) {
          const Status status =
              kernels.cross_entropy(loss, at(x), at(target), at(sized.class_weight), w, at(result), at(saved));
          if (!status.is_ok()) return status;
          return kernels.cross_entropy_backward(loss, at(x), at(target), at(sized.class_weight), w, at(saved),
                                                at(sized.dresult), at(dx));
        });
}

void check_infinite_logits(Device& device, LossKernels& cuda) {
  CrossEntropyCase c(one_of(kClasses), false);
  c.loss.label_smoothing = 0;
  for (int64_t row = 0; row < c.target.size(); ++row) {
    if (!chance(0.5)) continue;
    const double what = one_of<double>({kInfinity, kNaN, -kInfinity});
    for (int64_t i = 0; i < c.classes; ++i)
      if (what == -kInfinity || i == draw(0, c.classes - 1))
        c.x.set(row * c.classes + i, what);  // a whole row of -infinity, or some others
  }
  c.agree_on(device, cuda);
}

void check_wrong_label(Device& device, LossKernels& cuda) {
  CrossEntropyCase c(one_of(kClasses), chance(0.5));
  if (c.target.size() == 0) return;
  c.batch.padded = false;
  c.loss.steps = {};
  const int64_t label = one_of<int64_t>({c.classes, -1, c.classes + 1000, std::numeric_limits<int32_t>::min()});
  c.loss.ignore_index = -100;
  c.target.fill([] { return 0; });
  c.target.set(0, static_cast<double>(label));
  const DeviceFault fault = c.agree_on(device, cuda);
  require(fault.value == label && fault.greatest == c.classes - 1,
          c.what + ": the fault names " + std::to_string(fault.value));
  require(std::isnan(first_on_device(device, c.result)) && std::isnan(first_on_device(device, c.dx)),
          c.what + ": an unknown label gives a number");
}

void check_nothing_counts(Device& device, LossKernels& cuda) {
  CrossEntropyCase c(one_of(kClasses), true);
  c.loss.mean = true;
  c.target.fill([&] { return static_cast<double>(c.loss.ignore_index); });
  const DeviceFault fault = c.agree_on(device, cuda);
  require(fault.code == DeviceFault::kNothingCounts, c.what + ": a mean of nothing goes unnoticed");
}

// ---- CTC

struct CtcCase {
  int64_t T, N = draw(1, 5), C = draw(2, 8);
  DType dtype = one_of<DType>({DType::F32, DType::F64});
  CtcLoss loss;
  std::vector<int32_t> steps, labels;
  std::vector<int64_t> offsets;
  std::vector<double> divisors;
  std::unique_ptr<Operand> x, target, result, losses, alpha, beta, dresult, dx;
  std::string what;

  /// `full`: all sequences are as long as can be.
  explicit CtcCase(int64_t T = draw(1, 14), int64_t widest = draw(0, 6), bool full = false) : T(T) {
    const bool joined = chance(0.5);
    loss.blank = draw(0, C - 1);
    loss.zero_infinity = chance(0.5);
    loss.reduce = chance(0.5);
    int64_t end = 0;
    for (int64_t n = 0; n < N; ++n) {
      steps.push_back(static_cast<int32_t>(full ? T : chance(0.1) ? 0 : draw(1, T)));
      labels.push_back(static_cast<int32_t>(full ? widest : draw(0, widest)));
      loss.longest_target = std::max<int64_t>(loss.longest_target, labels.back());
      offsets.push_back(joined ? end : n * widest);
      divisors.push_back(draw_real(1, 5));
      end += labels.back();
    }
    loss.input_lengths = steps.data();
    loss.target_lengths = labels.data();
    loss.target_offsets = offsets.data();
    loss.divisors = divisors.data();
    make(joined ? end : N * widest);
    what = "ctc " + x->shape() + " labels up to " + std::to_string(loss.longest_target) +
           (loss.reduce ? " reduced" : "") + (loss.zero_infinity ? " zeroing" : "");
  }
  CtcCase(const CtcCase&) = delete;
  CtcCase& operator=(const CtcCase&) = delete;

  void make(int64_t all_labels) {
    const int64_t row = 2 * loss.longest_target + 1;
    const std::vector<int64_t> shape = loss.reduce ? std::vector<int64_t>{} : std::vector<int64_t>{N};
    const auto operand = [](DType dtype, const std::vector<int64_t>& extents, Lies lies = Lies::Shifted) {
      return std::make_unique<Operand>(dtype, extents, lies);
    };
    x = operand(dtype, {T, N, C}, Lies::Anyhow);
    target = operand(DType::I32, {all_labels});
    result = operand(dtype, shape);
    dresult = operand(dtype, shape);
    losses = operand(DType::F64, {N});
    alpha = operand(DType::F64, {N, T, row});
    beta = operand(DType::F64, {N, 2, row});
    dx = operand(dtype, {T, N, C});
    x->fill([] { return draw_real(-4, 0); });
    target->fill(
        [&] { return static_cast<double>((loss.blank + draw(1, std::min<int64_t>(C - 1, 3))) % C); });  // labels repeat
  }
  DeviceFault agree_on(Device& device, LossKernels& cuda) {
    return agree(device, cpu_backend().losses(), cuda, what,
                 {x.get(), target.get(), result.get(), losses.get(), dresult.get(), dx.get()}, kLoss,
                 [&](LossKernels& kernels, const Side& at) {
                   Status status = kernels.ctc(loss, at(*x), at(*target), at(*result), at(*losses), at(*alpha));
                   for (int i = 0; i < 2 && status.is_ok();
                        ++i)  // again, as a graph that is kept: alpha must be as it was
                     status = kernels.ctc_backward(loss, at(*x), at(*target), at(*losses), at(*alpha), at(*dresult),
                                                   at(*beta), at(*dx));
                   return status;
                 });
  }
};

void check_wrong_ctc_label(Device& device, LossKernels& cuda) {
  CtcCase c;
  if (c.labels[0] == 0) return;
  const int64_t label = one_of<int64_t>({c.loss.blank, -1, c.C, 1'000'000});
  c.target->set(c.offsets[0], static_cast<double>(label));
  const DeviceFault fault = c.agree_on(device, cuda);
  require(fault.code != 0 && fault.value == label, c.what + ": label " + std::to_string(label) + " goes unnoticed");
  require(std::isnan(first_on_device(device, *c.result)) && std::isnan(first_on_device(device, *c.dx)),
          c.what + ": a wrong label gives a number");
}

void check_all() {
  Device device;
  CudaLosses cuda(device.context);
  for (int round = 0; round < 60; ++round) {
    for (int function = 0; function < 8; ++function) check_pointwise(device, cuda, static_cast<Pointwise>(function));
    for (const Pointwise function :
         {Pointwise::BinaryCrossEntropy, Pointwise::BinaryCrossEntropyWithLogits, Pointwise::Divergence})
      check_no_probability(device, cuda, function);
  }
  for (const DType dtype : {DType::F32, DType::F64}) check_long_sums(device, cuda, dtype);
  for (int round = 0; round < 300; ++round) check_cross_entropy(device, cuda);
  for (int round = 0; round < 40; ++round) {
    check_infinite_logits(device, cuda);
    check_wrong_label(device, cuda);
    check_nothing_counts(device, cuda);
  }
  check_large_cross_entropy(device, cuda, 5000, 40);
  check_large_cross_entropy(device, cuda, 3, 9000);
  check_large_cross_entropy(device, cuda, 20'000, 5);
  for (int round = 0; round < 300; ++round) CtcCase().agree_on(device, cuda);
  for (int round = 0; round < 4; ++round)
    CtcCase(900, 400, true).agree_on(device, cuda);  // more labels than a block has threads
  for (int round = 0; round < 60; ++round) check_wrong_ctc_label(device, cuda);
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  stm::cuda::test::begin(argc, argv);
  stm::cuda::test::check_all();
  return stm::cuda::test::finish("cuda_losses_test");
}
