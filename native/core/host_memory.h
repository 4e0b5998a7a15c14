#pragma once

namespace stm {

/// Has the C library keep what is freed, up to 128 MB of it, for the next request, so that arrays of results and copies
/// of what comes from the host lie in memory that has been touched. By itself glibc gives most of it back to the system
/// each time that JavaScript collects such arrays, and the next ones are faulted in anew, page by page, which takes as
/// long as the computation that fills them. Arrays above 32 MB still come and go. `emptyCache` gives all of it back.
///
/// Of the process; does nothing where the user has set glibc's own variables for it. Any thread.
void keep_freed_memory() noexcept;

}  // namespace stm
