#pragma once
#include <cstdint>

#include "backend/status.h"

namespace stm::cuda {

/// What the environment may ask the plug-in for, in words of which the first is the default. An empty variable is none.
///
///   STMNET_CUDNN_AUTOTUNE   1: `auto` is what is measured to be the fastest. 0: the standard algorithm for everything;
///                           nothing is timed. all: the one that is compiled as it runs is timed wherever it can be
///   STMNET_CUDNN_LAYOUT     any: cuDNN gets steps in the caller's order, or in what is the fastest. time: in the order
///                           of time, whatever the caller's is. batch: row by row
///   STMNET_CUDNN_DROPOUT    set: networks have a dropout descriptor that is set to none. null: they have no descriptor
///   STMNET_CUDA_GRAPHS      1: compiled steps are captured. 0: they run their ops one by one
///   STMNET_CUBLASLT         1: products with a bias are cuBLASLt's. 0: it is left alone
enum class Switch { Autotune, Layout, Dropout, Graphs, CublasLt };

/// The word that it is set to; the default where that is none of them.
const char* word_of(Switch which);
bool is(Switch which, const char* word);

///   STMNET_CUDNN_MAX_STEPS  steps of one call, at most and by default the 65,535 that cuDNN takes: longer sequences
///                           are cut
int64_t most_steps();

/// Ok, or which of all those is set to something else. Asked when a device is set up: nobody shall believe to have
/// switched something off that is on.
Status check_switches();

}  // namespace stm::cuda
