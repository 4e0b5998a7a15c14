#pragma once
#include <map>
#include <string>

#include "backend/kernels/recurrent.h"

namespace stm::cuda {

/// Which algorithm was the fastest for which problem, in memory and in a file that processes share: one line each, "<key> <algorithm>". The file lies in
/// STMNET_CACHE_DIR, else in stmnet below XDG_CACHE_HOME, else in ~/.cache/stmnet. One that cannot be read or written is as good as none: what it would have
/// said is measured again.
class TuningCache {
 public:
  TuningCache();
  /// False if the problem has not been measured. `key` has no white space.
  bool find(const std::string& key, Algorithm* out);
  /// Remembers a choice, for this process alone or for all.
  void put(const std::string& key, Algorithm algorithm, bool lasting);

 private:
  void read();
  void write() const;
  std::string folder_, file_;
  bool read_ = false;
  std::map<std::string, Algorithm> lasting_, passing_;
};

const char* name_of(Algorithm algorithm);

}  // namespace stm::cuda
