#include "cuda-standin/settings.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace stm::standin {
namespace {

long long number(const char* name, long long fallback, long long most = 1ll << 62) {
  const char* const text = std::getenv(name);
  if (!text || !*text) return fallback;
  char* end = nullptr;
  const long long value = std::strtoll(text, &end, 10);
  if (*end == 0 && value >= 0 && value <= most) return value;
  std::fprintf(stderr, "cuda stand-in: got %s=%s, expected a number from 0 to %lld.\n", name, text, most);
  std::abort();
}

Settings read() {
  Settings s;
  s.devices = static_cast<int>(number("STMNET_STANDIN_DEVICES", 1, kMostDevices));
  s.capability = static_cast<int>(number("STMNET_STANDIN_CAPABILITY", 90));
  s.driver = static_cast<int>(number("STMNET_STANDIN_DRIVER", kRuntimeVersion));
  s.memory = static_cast<size_t>(number("STMNET_STANDIN_MEMORY", 8ll << 30));
  s.cudnn = static_cast<size_t>(number("STMNET_STANDIN_CUDNN", 92400));
  s.pools = number("STMNET_STANDIN_POOLS", 1, 1) == 1;
  const char* const layout = std::getenv("STMNET_STANDIN_LAYOUT");
  s.plain_layout = layout && std::strcmp(layout, "plain") == 0;
  if (layout && *layout && !s.plain_layout) {
    std::fprintf(stderr, "cuda stand-in: got STMNET_STANDIN_LAYOUT=%s, expected plain or nothing.\n", layout);
    std::abort();
  }
  s.faults = std::getenv("STMNET_STANDIN_FAIL");
  s.log = std::getenv("STMNET_STANDIN_LOG");
  return s;
}

}  // namespace

const Settings& settings() {
  static const Settings read_once = read();
  return read_once;
}

}  // namespace stm::standin
