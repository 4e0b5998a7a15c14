#pragma once

namespace stm {

/// Cores, not hyper-threads, that the affinity and the cgroup quota of this process allow, as they are now; 1 at least.
int allowed_cores();

}  // namespace stm
