#include "backend/cuda/recurrent/mover.h"

namespace stm::cuda {

Status Mover::start() {
  if (!plan_.has_padding) return Status::ok();
  return context_.constants(Context::kLengths, p_.lengths, p_.N, &lengths_);
}

Status Mover::enter(const Chunk& chunk) {
  chunk_ = &chunk;
  rows_ = nullptr;
  if (chunk.rows.empty()) return Status::ok();
  return context_.constants(Context::kLengthsToo, chunk.rows.data(), chunk.batch, &rows_);
}

Steps Mover::steps(const Part& part) const {
  char* const data = static_cast<char*>(part.data) + static_cast<size_t>(part.offset) * size_of(p_.dtype);
  if (p_.batch_first) return {data, p_.T * part.total, part.total};
  return {data, part.total, p_.N * part.total};
}

Window Mover::steps_window(const PassPlan& pass, int64_t width) const {
  return {chunk_->batch, chunk_->steps,       chunk_->from,       width, rows_, lengths_,
          p_.T,          plan_.batch_major(), pass.pass.flipped()};
}

Steps Mover::states(const PassPlan& pass, const void* data, int64_t width) const {
  const int64_t first = (pass.pass.layer * p_.K + pass.pass.direction) * p_.N * width;
  char* const begin = static_cast<char*>(const_cast<void*>(data)) + static_cast<size_t>(first) * size_of(p_.dtype);
  return {begin, width, p_.N * width};
}

/// The pseudo-layers of the pass, as if they were steps.
Window Mover::states_window(const PassPlan& pass, int64_t width) const {
  const int64_t count = pass.pass.layers * pass.pass.directions;
  return {chunk_->batch, count, 0, width, rows_, nullptr, count, false, false};
}

Status Mover::gather_steps(const PassPlan& pass, const Part& part, void* block) {
  if (!plan_.converts_steps)
    return gather(context_, p_.dtype, plan_.element, steps(part), steps_window(pass, part.width), block);
  in_.push_back({part.data, block, p_.N * p_.T * part.width});
  return Status::ok();
}

Status Mover::scatter_steps(const PassPlan& pass, const void* block, const Part& part, bool add) {
  if (!plan_.converts_steps)
    return scatter(context_, p_.dtype, plan_.element, block, steps_window(pass, part.width), steps(part), add);
  out_.push_back({block, part.data, p_.N * p_.T * part.width});
  return Status::ok();
}

Status Mover::gather_states(const PassPlan& pass, const void* data, int64_t width, void* block) {
  if (!plan_.converts_states)
    return gather(context_, p_.dtype, plan_.element, states(pass, data, width), states_window(pass, width), block);
  in_.push_back({data, block, p_.L * p_.K * p_.N * width});
  return Status::ok();
}

Status Mover::scatter_states(const PassPlan& pass, const void* block, int64_t width, void* data) {
  if (!plan_.converts_states)
    return scatter(context_, p_.dtype, plan_.element, block, states_window(pass, width), states(pass, data, width),
                   false);
  out_.push_back({block, data, p_.L * p_.K * p_.N * width});
  return Status::ok();
}

void Mover::gather_weights(const PassPlan& pass, const void* blob, void* space) {
  const auto at = [space](size_t byte) { return static_cast<char*>(space) + byte; };
  for (const WeightRun& run : pass.runs)
    in_.push_back(
        {static_cast<const char*>(blob) + static_cast<size_t>(run.blob) * size_of(p_.dtype), at(run.space), run.count});
  for (const WeightGap& gap : pass.network->gaps) in_.push_back({nullptr, at(gap.space), gap.count});
}

Status Mover::scatter_weights(const PassPlan& pass, const void* space, void* blob, bool add) {
  std::vector<Conversion> added;
  for (const WeightRun& run : pass.runs) {
    (add ? added : out_)
        .push_back({static_cast<const char*>(space) + run.space,
                    static_cast<char*>(blob) + static_cast<size_t>(run.blob) * size_of(p_.dtype), run.count});
  }
  return cuda::convert_out(context_, p_.dtype, plan_.element, added, true);
}

Status Mover::convert_in() {
  STM_TRY(cuda::convert_in(context_, p_.dtype, plan_.element, in_));
  in_.clear();
  return Status::ok();
}

Status Mover::convert_out() {
  STM_TRY(cuda::convert_out(context_, p_.dtype, plan_.element, out_, false));
  out_.clear();
  return Status::ok();
}

Status Mover::clear_padding(void* data, int64_t width) {
  return cuda::clear_padding(context_, p_.dtype, steps({data, width, 0, width}), p_.N, p_.T, width, lengths_);
}

Status Mover::zero(void* data, size_t bytes) {
  if (bytes) STM_CUDA(context_, cudaMemsetAsync(data, 0, bytes, context_.stream));
  return Status::ok();
}

Status Mover::copy_or_zero(void* to, const void* from, size_t bytes) {
  if (!from) return zero(to, bytes);
  if (bytes) STM_CUDA(context_, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, context_.stream));
  return Status::ok();
}

}  // namespace stm::cuda
