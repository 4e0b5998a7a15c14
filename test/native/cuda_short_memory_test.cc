// The plug-in where the host runs out of memory: every allocation of its own fails once, on the executor's thread, and
// all of them on the thread that waits for the device. An error is told and nothing ends, leaks, or is left half done.
#include <dlfcn.h>

#include <cstdlib>
#include <future>
#include <new>

#include "backend/cuda/device/backend.h"
#include "cuda-standin/control.h"
#include "cuda_kernels.h"

namespace {
thread_local long left = -1;  ///< allocations until the one that fails; below 0: none does
thread_local bool all_fail = false;

bool fails() {
  if (standin_is_inside()) return false;
  return all_fail || (left >= 0 && left-- == 0);
}
}  // namespace

// Not inlined, or the compiler thinks of a mismatched pair.
__attribute__((noinline)) void* operator new(size_t bytes) {
  if (fails()) throw std::bad_alloc();
  if (void* const data = std::malloc(bytes ? bytes : 1)) return data;
  throw std::bad_alloc();
}
__attribute__((noinline)) void operator delete(void* data) noexcept { std::free(data); }
__attribute__((noinline)) void operator delete(void* data, size_t) noexcept { std::free(data); }

namespace stm::cuda::test {
namespace {

constexpr size_t kBytes = 12 << 20;  // several pieces

View matrix(void* data, int64_t rows, int64_t columns) {
  View view;
  view.data = data;
  view.dtype = DType::F32;
  view.rank = 2;
  view.extent[0] = rows, view.extent[1] = columns;
  view.stride[0] = columns, view.stride[1] = 1;
  return view;
}

/// A back end, what it computes on, and what became of that.
class Work {
 public:
  Work() : there_(kBytes), back_(kBytes) {
    for (size_t i = 0; i < kBytes; ++i) there_[i] = static_cast<char>(i / 4096);
  }
  /// Everything, while allocation number `place` fails. False if there are not so many.
  bool run(long place) {
    std::fill(back_.begin(), back_.end(), char{});
    std::promise<Status> settled;
    std::future<Status> future = settled.get_future();
    Status statuses[6];
    for (Status& status : statuses) status = Status::ok();
    left = place;
    statuses[0] = open();
    if (backend_) {
      void* data = nullptr;
      statuses[1] = backend_->entering("test");
      if (statuses[1].is_ok()) statuses[1] = backend_->allocate(kBytes + 4096, &data);
      if (data) {
        statuses[2] = backend_->upload(data, there_.data(), kBytes);
        char* const out = static_cast<char*>(data) + kBytes;
        View bias = matrix(data, 1, 9);
        bias.rank = 1, bias.extent[0] = 9, bias.stride[0] = 1;
        statuses[3] =
            backend_->matmul().linear(MathMode::Fma, matrix(data, 5, 12), matrix(data, 9, 12), bias, matrix(out, 5, 9));
        statuses[4] = backend_->download(back_.data(), data, kBytes);
      }
      backend_->notify([](void* to, const Status& status,
                          const char*) { static_cast<std::promise<Status>*>(to)->set_value(status); },
                       &settled);
      statuses[5] = future.get();
      if (data) backend_->release(data);
    }
    const bool reached = place >= 0 && left < 0;
    left = -1;
    check(place, statuses, reached);
    return reached;
  }
  void close() {
    if (backend_) backend_->close();
    backend_ = nullptr;
  }

 private:
  Status open() { return backend_ ? Status::ok() : open_device(0, &backend_); }
  void check(long place, const Status (&statuses)[6], bool reached) {
    const std::string name = "allocation " + std::to_string(place) + ": ";
    bool failed = false;
    for (const Status& status : statuses) {
      failed = failed || !status.is_ok();
      require(status.is_ok() || (reached && status.kind == StatusKind::OutOfMemory), name + text_of(status));
    }
    require(failed || back_ == there_, name + "other bytes arrived");
  }
  Backend* backend_ = nullptr;
  std::vector<char> there_, back_;
};

void check_executor() {
  for (const bool warm : {false, true}) {
    Work work;
    for (long place = 0;; ++place) {
      if (warm) (void)work.run(-1);  // lists have room already, and other things fail
      const bool reached = work.run(place);
      require(!work.run(-1), "no allocation is to fail");
      if (!warm) work.close();
      if (reached) continue;
      require(place > (warm ? 3 : 10), "hardly anything is allocated");
      break;
    }
    work.close();
  }
}

/// The thread that waits for the device gives back what it is done with, and calls back, without any memory.
void check_completion() {
  Backend* backend = nullptr;
  require(open_device(0, &backend), "open_device");
  require(backend->entering("test"), "entering");
  void* data = nullptr;
  const std::vector<char> there(kBytes, 7);
  require(backend->allocate(kBytes, &data), "allocate");
  require(backend->upload(data, there.data(), kBytes), "upload");
  backend->notify([](void*, const Status&, const char*) { all_fail = true; }, nullptr);
  for (int i = 0; i < 3; ++i) {
    std::vector<char> back(kBytes);
    std::promise<Status> settled;
    require(backend->download(back.data(), data, kBytes), "download");
    backend->notify(
        [](void* to, const Status& status, const char*) {
          all_fail = false;  // the promise is the test's
          static_cast<std::promise<Status>*>(to)->set_value(status);
          all_fail = true;
        },
        &settled);
    require(settled.get_future().get(), "notify");
    require(back == there, "other bytes arrived");
  }
  backend->release(data);
  backend->close();
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  using namespace stm::cuda::test;
  begin(argc, argv);
  // The libraries are those that this program is linked with.
  Dl_info standin;
  if (!dladdr(reinterpret_cast<const void*>(&standin_reset_counts), &standin)) return 1;
  for (const char* name : {"STMNET_CUBLAS_LIB", "STMNET_CUDNN_LIB"}) setenv(name, standin.dli_fname, 1);
  check_executor();
  check_completion();
  char text[512];
  require(standin_leaks(text, sizeof text) == 0, std::string("left behind: ") + text);
  return finish("cuda_short_memory_test");
}
