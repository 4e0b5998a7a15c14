#pragma once
// The stand-in for CUDA, cuBLAS and cuDNN: the functions of those libraries that the plug-in uses, computed on the CPU,
// late and without mercy. What a test says to it beyond their own interfaces:
//
//   STMNET_STANDIN_FAIL        NAME:N=CODE, the Nth call of NAME gives CODE instead of running; NAME:N+=CODE from the
//                              Nth on; several with commas between
//   STMNET_STANDIN_LOG         a file that gets one line for each call
//   STMNET_STANDIN_DEVICES     how many devices there are (1) STMNET_STANDIN_CAPABILITY of each, 75 for 7.5 (90)
//   STMNET_STANDIN_DRIVER      the driver's version (13000), 0: none STMNET_STANDIN_CUDNN cuDNN's version (92400)
//   STMNET_STANDIN_MEMORY      bytes of each device (8 GiB)
//   STMNET_STANDIN_POOLS       0: the devices have no memory pools, and nothing that allocates in the order of a stream
//                              (1)
//   STMNET_STANDIN_BIASES      how cuDNN describes a bias of r numbers: "column" [1, r, 1] (default), "row" [1, 1, r],
//                              "pair" [r, 1]
//   STMNET_STANDIN_LENGTHS     "temporary": a captured call of lengths that differ reads them at each replay where they
//                              lay during the call, in memory that is
//                              free since then, as a copy from pageable memory does that a library captured; "refused":
//                                it cannot be captured
//   STMNET_STANDIN_LAYOUT      "plain": cuDNN's weights lie as stmnet's do, for ALGO_STANDARD
//   STMNET_STANDIN_ALGORITHMS  NAME=HOW, what cuDNN's algorithm NAME (standard, persistStatic, persistDynamic,
//                              persistStaticSmallH, any) is like: refused (by the
//                              query of sizes), failing (by forward), wrong (other numbers), or so many milliseconds
//                                slower a call, on the clock of events;
//                              NAME/batch or NAME/time: in batch-major or time-major layouts alone. Several with commas
//                                between
#include <cstddef>

extern "C" {
/// Replaces all faults; the text is that of STMNET_STANDIN_FAIL. False, and a line on stderr, if it makes no sense.
bool standin_set_faults(const char* text);
/// Replaces what algorithms are like; the text is that of STMNET_STANDIN_ALGORITHMS. False, and a line on stderr, if it
/// makes no sense.
bool standin_set_algorithms(const char* text);
/// Calls of a function since the start or the last reset, those that failed included. Kernel launches count as
/// cudaLaunchKernel.
unsigned long long standin_call_count(const char* name);
void standin_reset_counts();
/// The name of the exported function of that number, from 0; null past the last.
const char* standin_functions(int index);
/// How many allocations, streams, events, graphs, handles and descriptors live; `text` says of which kind.
int standin_leaks(char* text, size_t size);
/// Bytes of page-locked memory that are allocated now.
unsigned long long standin_pinned_bytes();
/// Whether this thread is in a call of the stand-in's, whose memory is none of the plug-in's.
bool standin_is_inside();
/// Forgets fatal errors, as only a new process could.
void standin_recover();
}
