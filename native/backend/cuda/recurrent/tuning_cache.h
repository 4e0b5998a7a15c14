#pragma once
#include <map>
#include <string>

#include "backend/cuda/recurrent/choice.h"

namespace stm::cuda {

/// What measuring a problem has found.
struct Verdict {
  Choice choice;
  /// Of each candidate the milliseconds, or why it has none: "standard/batch=1.234ms persistStatic/batch=refused(…)".
  /// For people, and for the next.
  std::string findings;
  /// Whether any of the static persistent algorithms computed the problem rightly.
  bool has_static() const;
};

/// The verdicts, in memory and in a file that processes share: one line each, "<key> <choice> <findings>". It lies in
/// STMNET_CACHE_DIR, else in stmnet below XDG_CACHE_HOME, else in ~/.cache/stmnet. A file that cannot be read or
/// written is as good as none: what it would have said is measured again.
class TuningCache {
 public:
  TuningCache();
  /// False if the problem has not been measured. `key` has no white space.
  bool find(const std::string& key, Verdict* out);
  /// Remembers a verdict, for this process alone or for all.
  void put(const std::string& key, Verdict verdict, bool lasting);

  /// Whether a key is of this form of the file. What older and newer versions have written stays unread, and goes when
  /// something is written.
  static constexpr const char* kForm = "2:";

 private:
  void read();
  void write() const;
  std::string folder_, file_;
  bool read_ = false;
  std::map<std::string, Verdict> lasting_, passing_;
};

}  // namespace stm::cuda
