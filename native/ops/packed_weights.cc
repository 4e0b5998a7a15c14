#include "ops/packed_weights.h"

#include <algorithm>

#include "backend/hash.h"

namespace stm::ops {
namespace {

/// Which arrangement of the weights a buffer holds: everything of the problem that the blob's own bytes do not say.
/// Problems that differ in the rest, such as T, may still want another layout: see repacked(). In a step that is being
/// recorded they get a buffer each, since what one of them finds there must not depend on which ran before.
uint64_t packing_key(const StackProblem& p, int64_t offset, bool one_problem) {
  Hash key;
  key.add(p.cell, p.dtype, p.D, p.H, p.P, p.L, p.K, p.bias, p.training, p.math, p.algorithm, p.lengths != nullptr,
          p.quantized, offset);
  if (!one_problem) return key.value();
  key.add(p.N, p.T, p.batch_first, p.deterministic);
  if (p.kept_lengths)
    for (const int32_t length : *p.kept_lengths) key.add(length);
  return key.value();
}

Status pack(Backend& backend, const RecurrentProblem& problem, const void* weights, Storage& packed) {
  RecurrentSizes sizes;
  Status status = backend.recurrent().sizes(problem, &sizes);
  if (!status.is_ok() || sizes.packed == 0) return status;
  make_room(packed, sizes);
  packed.layout = 0;
  status = packed.materialize();
  if (status.is_ok()) status = backend.recurrent().pack(problem, weights, packed.data());
  if (status.is_ok()) packed.layout = sizes.layout;
  return status;
}

/// Packs weights in a recorded step. The calls that use them are computed as this command chooses at first, or as
/// the forward call was whose reserve there is: what is captured of them must find this layout ever after.
class PackCommand final : public Command {
 public:
  enum : size_t { kBlob, kReserve, kPacked };

  PackCommand(const StackProblem& problem, std::vector<Operand> operands)
      : Command("recurrent", std::move(operands)), problem_(problem) {}

  Status prepare(Backend& backend) override {
    RecurrentSizes sizes;
    Status status = choose(backend);
    if (status.is_ok()) status = backend.recurrent().sizes(problem_, &sizes);
    if (status.is_ok()) make_room(*operands[kPacked].storage, sizes);
    return status;
  }
  Status run(Backend& backend) override {
    return pack(backend, problem_, operands[kBlob].view.data, *operands[kPacked].storage);
  }
  bool worth_keeping() const override { return true; }

 private:
  Status choose(Backend& backend) {
    Status status = Status::ok();
    if (operands[kReserve].storage) problem_.choice = operands[kReserve].storage->choice;
    else if (problem_.choice == 0) status = backend.recurrent().choose(problem_, true, &problem_.choice);
    operands[kPacked].storage->choice = problem_.choice;
    return status;
  }
  StackProblem problem_;
};

void enqueue_pack(const StackProblem& problem, const Tensor& blob, const Tensor& reserve, const Tensor& packed) {
  Device* device = nullptr;
  std::vector<Operand> operands = operands_of("recurrent", {blob, reserve}, {packed}, Access::Write, &device);
  device->push(std::make_unique<PackCommand>(problem, std::move(operands)));
}

}  // namespace

Tensor packed_weights(const StackProblem& problem, const Tensor& blob, const Tensor& reserve) {
  const Tensor packed = scratch(0, blob.device());
  Recording* recording = Session::current().recording();
  const uint64_t key = packing_key(problem, blob->offset, recording != nullptr), version = blob->storage->version();
  std::vector<Storage::Derived>& kept = recording ? recording->derived(*blob->storage) : blob->storage->derived;
  const auto found = std::find_if(kept.begin(), kept.end(),
                                  [key](const Storage::Derived& d) { return d.key == key && !d.storage->failed(); });
  if (found != kept.end() && found->version == version) {
    packed->storage = found->storage;
    return packed;
  }
  if (recording) enqueue_pack(problem, blob, reserve, packed);
  std::erase_if(kept, [version](const Storage::Derived& d) { return d.version != version || d.storage->failed(); });
  kept.push_back({key, version, packed->storage});
  return packed;
}

namespace {

uint64_t ahead_key(const StackProblem& p, const Tensor& blob, const Tensor& h) {
  Hash key;
  key.add(packing_key(p, blob->offset, false), p.N, h->offset);
  return key.value();
}

}  // namespace

Tensor sums_ahead(const StackProblem& problem, const Tensor& blob, const Tensor& h) {
  const std::vector<Storage::Derived>& kept = h->storage->derived;
  if (kept.empty()) return Tensor();
  const uint64_t key = ahead_key(problem, blob, h);
  const auto found = std::find_if(kept.begin(), kept.end(), [&](const Storage::Derived& d) {
    return d.key == key && d.version == h->storage->version() && d.other.lock() == blob->storage &&
           d.other_version == blob->storage->version() && !d.storage->failed();
  });
  if (found == kept.end()) return Tensor();
  const Tensor sums = scratch(0, h.device());
  sums->storage = found->storage;
  return sums;
}

Tensor new_sums_ahead(const StackProblem& problem, const Tensor& blob, const Tensor& h) {
  const Tensor sums = scratch(0, h.device());
  const uint64_t key = ahead_key(problem, blob, h);
  std::vector<Storage::Derived>& kept = h->storage->derived;
  std::erase_if(kept, [key](const Storage::Derived& d) { return d.key == key; });
  kept.push_back({key, h->storage->version(), sums->storage, blob->storage, blob->storage->version()});
  return sums;
}

void make_room(Storage& packed, const RecurrentSizes& sizes) {
  if (packed.bytes() >= sizes.packed) return;
  packed.resize(sizes.packed);
  packed.layout = 0;
}

Status repacked(Backend& backend, const RecurrentProblem& problem, const void* weights, Storage& packed,
                const void** out) {
  RecurrentSizes sizes;
  Status status = backend.recurrent().sizes(problem, &sizes);
  if (status.is_ok() && sizes.packed != 0 && sizes.layout != packed.layout)
    status = pack(backend, problem, weights, packed);
  *out = sizes.packed == 0 ? nullptr : packed.data();
  return status;
}

}  // namespace stm::ops
