#pragma once
#include <cstddef>

namespace stm::standin {

/// What the environment asks for (control.h), read once.
struct Settings {
  int devices, capability, driver;
  size_t memory, cudnn;
  bool plain_layout, pools;
  const char *faults, *log;  ///< null if unset
};

const Settings& settings();

constexpr int kRuntimeVersion = 13000, kMostDevices = 64;

}  // namespace stm::standin
