#pragma once

/// SHA-256 (hex) of the sources the addon, or the plug-in, was built from, as cmake/source-hash.cmake computes it.
/// Tests compare it with the working tree, so that a stale addon is named instead of tested; a plug-in of another hash
/// is refused.
const char* stmnet_source_hash();
