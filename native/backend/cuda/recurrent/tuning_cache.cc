#include "backend/cuda/recurrent/tuning_cache.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <system_error>

namespace stm::cuda {
namespace {

constexpr Algorithm kAlgorithms[] = {Algorithm::Standard, Algorithm::PersistStatic, Algorithm::PersistDynamic, Algorithm::PersistStaticSmallH};

std::string folder_of_cache() {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (const std::string own = variable("STMNET_CACHE_DIR"); !own.empty()) return own;
  if (const std::string shared = variable("XDG_CACHE_HOME"); !shared.empty()) return shared + "/stmnet";
  const std::string home = variable("HOME");
  return home.empty() ? "" : home + "/.cache/stmnet";
}

}  // namespace

const char* name_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::Standard: return "standard";
    case Algorithm::PersistStatic: return "persistStatic";
    case Algorithm::PersistDynamic: return "persistDynamic";
    case Algorithm::PersistStaticSmallH: return "persistStaticSmallH";
    case Algorithm::Auto: break;
  }
  return "auto";
}

TuningCache::TuningCache() : folder_(folder_of_cache()), file_(folder_.empty() ? "" : folder_ + "/cudnn-algorithms.txt") {}

bool TuningCache::find(const std::string& key, Algorithm* out) {
  if (!read_) read();
  for (const auto* known : {&passing_, &lasting_}) {
    const auto found = known->find(key);
    if (found == known->end()) continue;
    *out = found->second;
    return true;
  }
  return false;
}

void TuningCache::put(const std::string& key, Algorithm algorithm, bool lasting) {
  if (!lasting) {
    passing_[key] = algorithm;
    return;
  }
  read();  // what other processes have found out meanwhile
  lasting_[key] = algorithm;
  write();
}

/// Lines that make no sense are passed over.
void TuningCache::read() {
  read_ = true;
  std::ifstream file(file_);
  std::string key, name, rest;
  for (std::string line; std::getline(file, line);) {
    const size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    for (const Algorithm algorithm : kAlgorithms)
      if (line.compare(space + 1, std::string::npos, name_of(algorithm)) == 0) lasting_.emplace(line.substr(0, space), algorithm);
  }
}

/// Beside the file and then in its place, so that nobody reads half of it.
void TuningCache::write() const {
  if (file_.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  const std::string beside = file_ + "." + std::to_string(std::random_device()());
  {
    std::ofstream file(beside);
    for (const auto& [key, algorithm] : lasting_) file << key << ' ' << name_of(algorithm) << '\n';
    file.close();
    if (!file) error = std::make_error_code(std::errc::io_error);
  }
  if (!error) std::filesystem::rename(beside, file_, error);
  if (error) {
    std::error_code ignored;  // there may be nothing to remove
    std::filesystem::remove(beside, ignored);
  }
}

}  // namespace stm::cuda
