#include "core/session.h"

#include <random>

#include "core/dry_run.h"
#include "core/plugins.h"
#include "core/recording.h"

namespace stm {

namespace {

/// A seed that no other process or worker has.
uint64_t fresh_seed() {
  std::random_device source;
  return ((uint64_t{source()} << 32) | source()) & Generator::kLargest;
}

}  // namespace

Session::Session() : generator{fresh_seed()} {
  devices_.push_back(std::make_unique<Device>("cpu", open_backend("cpu")));
}

// Recordings give their commands back to the queues of the devices.
Session::~Session() {
  dry_run.reset();
  recorder.reset();
  recordings.clear();
}

Device& Session::device(const std::string& given) {
  const std::string name = canonical_device_name(given);
  for (const auto& device : devices_)
    if (device->name == name) return *device;
  devices_.push_back(std::make_unique<Device>(name, open_backend(given)));
  devices_.back()->executor.set_limits(queue_limits);
  if (stopped_) devices_.back()->stop();
  return *devices_.back();
}

void Session::compute_dry_run() {
  if (const std::unique_ptr<DryRun> held = std::move(dry_run)) held->compute();
}

void Session::stop() {
  stopped_ = true;
  for (const auto& device : devices_) device->stop();
}

}  // namespace stm
