#include "backend/cuda/optimizers.h"

#include <cmath>
#include <cstdint>

#include "backend/cuda/kernel/packs.h"
#include "backend/cuda/kernel/pieces.h"

namespace stm::cuda {
namespace {

// ---- what optimizer_updates-inl.h asks of a number, for scalars

using std::abs;
using std::sqrt;
template <class T>
STM_DEVICE T mul_add(T a, T b, T c) {
  return a * b + c;
}
template <class T>
STM_DEVICE T neg_mul_add(T a, T b, T c) {
  return c - a * b;
}
template <class T>
STM_DEVICE T larger(T a, T b) {
  return a > b ? a : b;
}
template <class T>
STM_DEVICE T not_negative(T x) {
  return x < 0 ? T(0) : x;
}
#include "backend/optimizer_updates-inl.h"

// ---- kernels

/// Whether the step is to be left out. Nothing that runs between the two launches of a step changes the answer.
STM_DEVICE bool left_out(const OptimizerRule& rule, const DeviceFault* fault) {
  return (rule.skip && *rule.skip != 0) || fault->code != 0;
}

template <class Rule>
struct BeginSteps {
  static constexpr int kItems = 400;
  Rule rule;
  const DeviceFault* fault;
  typename Rule::Factors* factors;
  double* scalars[kItems];
  STM_DEVICE void operator()(int64_t i) const {
    if (!left_out(rule, fault)) factors[i] = rule.begin(scalars[i]);
  }
};

template <class Rule>
struct StepItem {
  void* parameter;
  const void* gradient;
  void* moment[kMaxOptimizerMoments];
  const typename Rule::Factors* factors;  ///< null if the rule begins without scalars
  int64_t size;
};

template <class Rule, class T>
struct StepPieces {
  static constexpr int kPiece = 2048, kItems = 60, kWidth = kPackWidth<T>;
  using Item = StepItem<Rule>;
  using Table = PieceTable<Item, kPiece, kItems>;
  Rule rule;
  const DeviceFault* fault;
  Table table;

  STM_DEVICE void operator()(Block& block, int64_t piece) const {
    if (left_out(rule, fault)) return;
    table.with_piece(piece, [&](const Item& item, int64_t begin, int64_t size) {
      const typename Rule::Factors factors = item.factors ? *item.factors : rule.begin(nullptr);
      each_pack<kWidth>(block, size, lies_in_packs(item),
                        [&](auto width, int64_t i) { step<decltype(width)::value>(item, factors, begin + i); });
    });
  }

 private:
  STM_DEVICE bool lies_in_packs(const Item& item) const {
    bool all = lie_in_packs<kWidth>(array(item.parameter), array(item.gradient));
    for (int j = 0; j < rule.moments(); ++j) all = all && lie_in_packs<kWidth>(array(item.moment[j]));
    return all;
  }
  STM_DEVICE static T* array(const void* data) { return static_cast<T*>(const_cast<void*>(data)); }
  template <int kSome>
  STM_DEVICE static Pack<T, kSome>& pack(const void* data, int64_t at) {
    return *pack_at<kSome>(array(data) + at);
  }
  template <int kSome>
  STM_DEVICE void step(const Item& item, const typename Rule::Factors& factors, int64_t at) const {
    using Some = Pack<T, kSome>;
    const int moments = rule.moments();
    Some p = pack<kSome>(item.parameter, at), m0 = {}, m1 = {}, m2 = {};
    const Some g = pack<kSome>(item.gradient, at);
    if (moments > 0) m0 = pack<kSome>(item.moment[0], at);
    if (moments > 1) m1 = pack<kSome>(item.moment[1], at);
    if (moments > 2) m2 = pack<kSome>(item.moment[2], at);
    for (int k = 0; k < kSome; ++k) {
      Moments<T> m = {m0.item[k], m1.item[k], m2.item[k]};
      update(rule, factors, p.item[k], g.item[k], m);
      m0.item[k] = m[0];
      m1.item[k] = m[1];
      m2.item[k] = m[2];
    }
    pack<kSome>(item.parameter, at) = p;
    if (moments > 0) pack<kSome>(item.moment[0], at) = m0;
    if (moments > 1) pack<kSome>(item.moment[1], at) = m1;
    if (moments > 2) pack<kSome>(item.moment[2], at) = m2;
  }
};

template <class Rule>
Status begin_steps(Context& context, const Rule& rule, const OptimizerSlot* slots, int64_t count,
                   typename Rule::Factors* factors) {
  using Kernel = BeginSteps<Rule>;
  for (int64_t first = 0; first < count; first += Kernel::kItems) {
    Kernel kernel{rule, context.fault, factors + first, {}};
    const int64_t n = std::min<int64_t>(Kernel::kItems, count - first);
    for (int64_t i = 0; i < n; ++i) kernel.scalars[i] = slots[first + i].scalars;
    STM_TRY(launch_each(context, "begin_steps", n, kernel));
  }
  return Status::ok();
}

/// Steps the parameters of type T.
template <class T, class Rule>
Status step_type(Context& context, const Rule& rule, DType dtype, const OptimizerSlot* slots, int64_t count,
                 const typename Rule::Factors* factors) {
  using Kernel = StepPieces<Rule, T>;
  const auto item = [&](int64_t i) {
    const OptimizerSlot& slot = slots[i];
    return StepItem<Rule>{slot.parameter,
                          slot.gradient,
                          {slot.moment[0], slot.moment[1], slot.moment[2]},
                          factors ? factors + i : nullptr,
                          slot.dtype == dtype ? slot.size : 0};
  };
  return Kernel::Table::for_each(count, item, [&](const typename Kernel::Table& table) {
    return launch_blocks(context, "step_pieces", table.pieces(), Kernel::kPiece, Kernel{rule, context.fault, table});
  });
}

template <class Rule>
Status step_all(Context& context, const Rule& rule, const OptimizerSlot* slots, int64_t count) {
  if (count == 0) return Status::ok();
  typename Rule::Factors* factors = nullptr;
  if (slots[0].scalars) {
    void* scratch = nullptr;
    STM_TRY(context.scratch(Context::kOther, static_cast<size_t>(count) * sizeof *factors, &scratch));
    factors = static_cast<typename Rule::Factors*>(scratch);
    STM_TRY(begin_steps(context, rule, slots, count, factors));
  }
  STM_TRY(step_type<float>(context, rule, DType::F32, slots, count, factors));
  return step_type<double>(context, rule, DType::F64, slots, count, factors);
}

}  // namespace

#define STM_STEP(Name)                                                                                      \
  Status CudaOptimizers::step(const Name##Rule& rule, const OptimizerSlot* slots, int64_t count) noexcept { \
    return step_all(context_, rule, slots, count);                                                          \
  }
STM_OPTIMIZER_RULES(STM_STEP)
#undef STM_STEP

}  // namespace stm::cuda
