#include "cuda-standin/settings.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>

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

// The number of the text that the variable has; 0 without one.
int chosen(const char* name, std::initializer_list<const char*> texts) {
  const char* const text = std::getenv(name);
  if (!text || !*text) return 0;
  std::string all;
  int number = 0;
  for (const char* const one : texts) {
    if (std::strcmp(text, one) == 0) return number;
    ++number;
    if (*one) all += (all.empty() ? "" : ", ") + std::string(one);
  }
  std::fprintf(stderr, "cuda stand-in: got %s=%s, expected one of %s, or nothing.\n", name, text, all.c_str());
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
  s.plain_layout = chosen("STMNET_STANDIN_LAYOUT", {"", "plain"}) == 1;
  s.lengths = static_cast<CapturedLengths>(chosen("STMNET_STANDIN_LENGTHS", {"", "temporary", "refused"}));
  s.biases = static_cast<Biases>(chosen("STMNET_STANDIN_BIASES", {"column", "row", "pair"}));
  s.faults = std::getenv("STMNET_STANDIN_FAIL");
  s.algorithms = std::getenv("STMNET_STANDIN_ALGORITHMS");
  s.log = std::getenv("STMNET_STANDIN_LOG");
  return s;
}

}  // namespace

const Settings& settings() {
  static const Settings read_once = read();
  return read_once;
}

}  // namespace stm::standin
