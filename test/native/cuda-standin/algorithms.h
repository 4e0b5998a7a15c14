#pragma once
#include <cudnn.h>

#include <chrono>

namespace stm::standin {

/// How a test wants an algorithm to be in a layout: STMNET_STANDIN_ALGORITHMS (control.h).
struct Manner {
  bool refused = false;     ///< by the query of its sizes
  bool failing = false;     ///< by cudnnRNNForward alone
  bool wrong = false;       ///< forward gives other numbers
  double milliseconds = 0;  ///< that each of its calls takes longer by, on the clock of events
};

Manner manner_of(cudnnRNNAlgo_t algorithm, cudnnRNNDataLayout_t layout);

/// The clock of events: that of the machine, and what calls have added.
std::chrono::steady_clock::time_point device_time();
void take_time(double milliseconds);

}  // namespace stm::standin
