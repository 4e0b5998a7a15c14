#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace stm::standin {

/// Something that standin_leaks() counts.
class Counted {
 public:
  explicit Counted(const char* what);
  virtual size_t count() const = 0;
  const char* what() const { return what_; }
  static std::vector<const Counted*> all();

 protected:
  ~Counted() = default;

 private:
  const char* what_;
};

/// A value that no handle had before and no memory has: to follow one, or to use one again after it has been destroyed,
/// never works.
void* new_handle();

/// Objects that the caller knows by opaque handles.
template <class T>
class Handles final : public Counted {
 public:
  using Counted::Counted;

  void* add(std::shared_ptr<T> object) {
    void* const handle = new_handle();
    const std::lock_guard<std::mutex> lock(mutex_);
    objects_[handle] = std::move(object);
    return handle;
  }
  /// Null if there is none of that handle.
  std::shared_ptr<T> find(const void* handle) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto at = objects_.find(handle);
    return at == objects_.end() ? nullptr : at->second;
  }
  std::shared_ptr<T> remove(const void* handle) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto at = objects_.find(handle);
    if (at == objects_.end()) return nullptr;
    std::shared_ptr<T> object = std::move(at->second);
    objects_.erase(at);
    return object;
  }
  std::vector<std::shared_ptr<T>> list() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::shared_ptr<T>> objects;
    for (const auto& entry : objects_) objects.push_back(entry.second);
    return objects;
  }
  size_t count() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return objects_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::map<const void*, std::shared_ptr<T>> objects_;
};

/// The one table of all T, which outlives everything.
template <class T>
Handles<T>& handles() {
  static Handles<T>& table = *new Handles<T>(T::kWhat);
  return table;
}

}  // namespace stm::standin
