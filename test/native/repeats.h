#pragma once
// Repeats what the team computes together: the bits must be the same each time, and the values those of one thread. A
// member that reads what another has not yet written shows as a difference here, and as a data race under
// ThreadSanitizer, which needs no luck and so fewer repeats.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "backend/cpu/team.h"
#include "check.h"

namespace stm::testing {

/// Numbers of one call, all that it has written.
using Numbers = std::vector<double>;

inline bool same_bits(const Numbers& a, const Numbers& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return x == y || (x != x && y != y); });
}

inline bool close(const Numbers& a, const Numbers& b, double tolerance) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [=](double x, double y) {
           return x == y || std::fabs(x - y) <= tolerance * (1 + std::fabs(y));
         });
}

class Repeats {
 public:
  /// How often each call is made, from the command line: 50 times if it does not say.
  Repeats(int argc, char** argv) : count_(argc > 1 ? std::atoi(argv[1]) : 50) {}

  /// `call` computes with as many threads as are set and gives what it has written.
  void check(const std::string& name, double tolerance, const std::function<Numbers()>& call) {
    set_num_threads(1);
    const Numbers alone = call();
    for (const int threads : {1, 2, 3, 4, 8}) {
      set_num_threads(threads);
      const Numbers first = call();
      const std::string where = name + ", with " + std::to_string(threads) + " threads";
      require(close(first, alone, tolerance), where + ": differs from one thread");
      for (int i = 1; i < count_; ++i) {
        if (same_bits(call(), first)) continue;
        fail(where + ": gives other bits when it is repeated");
        break;
      }
    }
    set_num_threads(0);
  }

 private:
  int count_;
};

}  // namespace stm::testing
