#include "core/call_site.h"

#include <mutex>
#include <unordered_set>
#include <utility>

namespace stm {
namespace {

thread_local std::string current;

/// Names are compared by address, so each is there once. A program has as many as it has lines that call ops; more than
/// that many are not told apart.
class Names {
 public:
  const char* unique(const char* op, const std::string& site) {
    constexpr size_t most = 100'000;
    const std::lock_guard lock(mutex_);
    const std::string name = std::string(op) + '\n' + site;
    const auto found = names_.find(name);
    if (found != names_.end()) return found->c_str();
    return names_.size() < most ? names_.insert(name).first->c_str() : op;
  }

 private:
  std::mutex mutex_;
  std::unordered_set<std::string> names_;  // its elements never move
};

}  // namespace

void set_call_site(std::string site) { current = std::move(site); }
const std::string& call_site() { return current; }

const char* with_call_site(const char* op) {
  if (current.empty()) return op;
  static Names& names = *new Names();  // executors may report a name while the process ends
  return names.unique(op, current);
}

}  // namespace stm
