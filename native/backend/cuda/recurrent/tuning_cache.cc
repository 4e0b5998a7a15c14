#include "backend/cuda/recurrent/tuning_cache.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <system_error>

namespace stm::cuda {
namespace {

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

bool Verdict::has_static() const {
  const std::string name = name_of(Algorithm::PersistStatic);  // that of the other begins alike
  for (size_t at = findings.find(name); at != std::string::npos; at = findings.find(name, at + 1)) {
    const size_t equals = findings.find('=', at);
    if (equals != std::string::npos && equals + 1 < findings.size() && findings[equals + 1] >= '0' &&
        findings[equals + 1] <= '9')
      return true;
  }
  return false;
}

TuningCache::TuningCache()
    : folder_(folder_of_cache()), file_(folder_.empty() ? "" : folder_ + "/cudnn-algorithms.txt") {}

bool TuningCache::find(const std::string& key, Verdict* out) {
  if (!read_) read();
  for (const auto* known : {&passing_, &lasting_}) {
    const auto found = known->find(key);
    if (found == known->end()) continue;
    *out = found->second;
    return true;
  }
  return false;
}

void TuningCache::put(const std::string& key, Verdict verdict, bool lasting) {
  if (!lasting) {
    passing_[key] = std::move(verdict);
    return;
  }
  read();  // what other processes have found out meanwhile
  lasting_[key] = std::move(verdict);
  write();
}

/// Lines that make no sense are passed over.
void TuningCache::read() {
  read_ = true;
  std::ifstream file(file_);
  for (std::string line; std::getline(file, line);) {
    const size_t space = line.find(' ');
    if (line.rfind(kForm, 0) != 0 || space == std::string::npos) continue;
    const size_t end = std::min(line.find(' ', space + 1), line.size());
    Verdict verdict;
    if (!Choice::parse(line.substr(space + 1, end - space - 1), &verdict.choice)) continue;
    verdict.findings = line.substr(std::min(end + 1, line.size()));
    lasting_.emplace(line.substr(0, space), std::move(verdict));
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
    for (const auto& [key, verdict] : lasting_)
      file << key << ' ' << verdict.choice.text() << ' ' << verdict.findings << '\n';
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
