#include "backend/cuda/recurrent/buffers.h"
#include "backend/cuda/recurrent/mover.h"
#include "backend/cuda/recurrent/run.h"

namespace stm::cuda {

Status run_pack(Context& context, const Plan& plan, const void* weights, void* packed) {
  if (!plan.packs()) return Status::ok();
  Mover mover(context, plan);
  DeviceCarver carver(packed);
  for (const PassPlan& pass : plan.passes) mover.gather_weights(pass, weights, carver.take(pass.network->weight_bytes));
  return mover.convert_in();
}

Status align(Context& context, std::initializer_list<Input> inputs) {
  constexpr uintptr_t kBoundary = 16;
  const auto lies_across = [](const Input& input) {
    return input.bytes && reinterpret_cast<uintptr_t>(*input.data) % kBoundary != 0;
  };
  DeviceCarver count(nullptr);
  for (const Input& input : inputs)
    if (lies_across(input)) count.take(input.bytes);
  if (count.bytes() == 0) return Status::ok();
  void* scratch = nullptr;
  STM_TRY(context.scratch(Context::kOther, count.bytes(), &scratch));
  DeviceCarver carver(scratch);
  for (const Input& input : inputs) {
    if (!lies_across(input)) continue;
    void* const copy = carver.take(input.bytes);
    STM_CUDA(context, cudaMemcpyAsync(copy, *input.data, input.bytes, cudaMemcpyDeviceToDevice, context.stream));
    *input.data = copy;
  }
  return Status::ok();
}

}  // namespace stm::cuda
