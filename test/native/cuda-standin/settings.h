#pragma once
#include <cstddef>

namespace stm::standin {

/// Extents by which a bias is described (control.h).
enum class Biases { Column, Row, Pair };

/// What becomes of lengths that differ in a captured call of cuDNN's.
enum class CapturedLengths { Kept, Temporary, Refused };

/// What the environment asks for (control.h), read once.
struct Settings {
  int devices, capability, driver;
  size_t memory, cudnn;
  bool plain_layout, pools;
  CapturedLengths lengths;
  Biases biases;
  const char *faults, *algorithms, *log;  ///< null if unset
};

const Settings& settings();

constexpr int kRuntimeVersion = 13000, kMostDevices = 64;

}  // namespace stm::standin
