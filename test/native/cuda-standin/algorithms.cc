#include "cuda-standin/algorithms.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "cuda-standin/control.h"
#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

constexpr const char* kNames[] = {"standard", "persistStatic", "persistDynamic",
                                  "persistStaticSmallH"};  // by cuDNN's numbers

struct Rule {
  int algorithm = -1;  // of any
  bool batch = true, time = true;
  Manner manner;
};

struct Rules {
  std::mutex mutex;
  std::vector<Rule> all;
};

bool parse_effect(const std::string& text, Manner* manner) {
  char* end = nullptr;
  manner->refused = text == "refused";
  manner->failing = text == "failing";
  manner->wrong = text == "wrong";
  if (manner->refused || manner->failing || manner->wrong) return true;
  manner->milliseconds = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == 0 && manner->milliseconds >= 0;
}

// ALGORITHM[/LAYOUT]=EFFECT
bool parse(const std::string& text, Rule* rule) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return false;
  std::string name = text.substr(0, equals);
  const size_t slash = name.find('/');
  if (slash != std::string::npos) {
    const std::string layout = name.substr(slash + 1);
    if (layout != "batch" && layout != "time") return false;
    rule->batch = layout == "batch";
    rule->time = layout == "time";
    name.resize(slash);
  }
  for (int i = 0; i < 4; ++i) {
    if (name == kNames[i]) rule->algorithm = i;
  }
  return (name == "any" || rule->algorithm >= 0) && parse_effect(text.substr(equals + 1), &rule->manner);
}

bool parse_all(const char* text, std::vector<Rule>* rules) {
  const std::string all = text ? text : "";
  for (size_t at = 0; at < all.size();) {
    const size_t comma = std::min(all.find(',', at), all.size());
    Rule rule;
    if (!parse(all.substr(at, comma - at), &rule)) {
      std::fprintf(stderr,
                   "cuda stand-in: got the algorithms '%s', expected "
                   "NAME[/batch|/time]=refused|failing|wrong|MILLISECONDS, with commas between\n",
                   text);
      return false;
    }
    rules->push_back(rule);
    at = comma + 1;
  }
  return true;
}

Rules& rules() {
  static Rules* const made = [] {
    auto* const fresh = new Rules;  // outlives every thread
    if (!parse_all(settings().algorithms, &fresh->all)) std::abort();
    return fresh;
  }();
  return *made;
}

std::atomic<int64_t> taken_us{0};

}  // namespace

Manner manner_of(cudnnRNNAlgo_t algorithm, cudnnRNNDataLayout_t layout) {
  Rules& r = rules();
  const std::lock_guard<std::mutex> lock(r.mutex);
  Manner manner;
  const bool batch = layout == CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED;
  for (const Rule& rule : r.all) {
    if ((rule.algorithm >= 0 && rule.algorithm != algorithm) || !(batch ? rule.batch : rule.time)) continue;
    manner.refused = manner.refused || rule.manner.refused;
    manner.failing = manner.failing || rule.manner.failing;
    manner.wrong = manner.wrong || rule.manner.wrong;
    manner.milliseconds += rule.manner.milliseconds;
  }
  return manner;
}

std::chrono::steady_clock::time_point device_time() {
  return std::chrono::steady_clock::now() + std::chrono::microseconds(taken_us.load());
}
void take_time(double milliseconds) { taken_us += static_cast<int64_t>(1000 * milliseconds); }

}  // namespace stm::standin

bool standin_set_algorithms(const char* text) {
  using namespace stm::standin;
  std::vector<Rule> fresh;
  if (!parse_all(text, &fresh)) return false;
  Rules& r = rules();
  const std::lock_guard<std::mutex> lock(r.mutex);
  r.all = std::move(fresh);
  return true;
}
