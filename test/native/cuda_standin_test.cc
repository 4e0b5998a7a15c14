// The stand-in for CUDA: that it is late, strict, and finds the mistakes that it is there to find.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "cuda-standin/launch.h"
#include "cuda_standin_arrays.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))
#else
#define UNCHECKED
#endif

namespace {

using namespace stm::standin;

constexpr size_t kMemory = size_t{64} << 20;

UNCHECKED void write_unchecked(char* at) { *reinterpret_cast<volatile char*>(at) = 1; }

void check_devices() {
  int count = 0, version = 0, value = 0, device = -1;
  OK(cudaGetDeviceCount(&count));
  CHECK(count == 2);
  OK(cudaDriverGetVersion(&version));
  CHECK(version == 13000);
  OK(cudaDeviceGetAttribute(&value, cudaDevAttrComputeCapabilityMajor, 1));
  CHECK(value == 9);
  cudaDeviceProp prop;
  OK(cudaGetDeviceProperties(&prop, 0));
  CHECK(std::strstr(prop.name, "stand-in") && prop.major == 9 && prop.totalGlobalMem == kMemory);
  CHECK_CODE(cudaSetDevice(2), cudaErrorInvalidDevice);
  CHECK_CODE(cudaPeekAtLastError(), cudaErrorInvalidDevice);
  CHECK_CODE(cudaGetLastError(), cudaErrorInvalidDevice);
  OK(cudaGetLastError());
  OK(cudaSetDevice(1));
  OK(cudaGetDevice(&device));
  CHECK(device == 1);
  cudaStream_t stream = make_stream();
  OK(cudaSetDevice(0));
  CHECK_CODE(standin_launch("elsewhere", stream, [] {}), cudaErrorInvalidResourceHandle);
  OK(cudaStreamDestroy(stream));
  CHECK_CODE(cudaStreamDestroy(stream), cudaErrorInvalidResourceHandle);
  CHECK(std::string(cudaGetErrorName(cudaErrorIllegalAddress)) == "cudaErrorIllegalAddress");
  (void)cudaGetLastError();
}

void check_order_and_delay() {
  cudaStream_t stream = make_stream();
  std::vector<int> order;
  OK(standin_launch("first", stream, [&] { order.push_back(1); }));
  OK(standin_launch("second", stream, [&] { order.push_back(2); }));
  CHECK(order.empty());
  OK(cudaStreamSynchronize(stream));
  CHECK((order == std::vector<int>{1, 2}));

  int runs = 0;
  for (int i = 0; i < 300; ++i) OK(standin_launch("many", stream, [&] { ++runs; }));
  CHECK(runs > 0 && runs < 300);  // a queue has an end
  CHECK_CODE(cudaStreamQuery(stream), cudaErrorNotReady);
  int queries = 0;
  while (cudaStreamQuery(stream) == cudaErrorNotReady) ++queries;
  CHECK(runs == 300 && queries > 3);

  float* data = device_array<float>(4, stream);
  const std::vector<float> fresh = to_host(data, 4, stream);
  for (const float value : fresh) CHECK(std::isnan(value));

  void* memory = nullptr;
  OK(cudaMallocHost(&memory, 16));
  float* pinned = static_cast<float*>(memory);
  float pageable[4] = {1, 2, 3, 4};
  std::copy_n(pageable, 4, pinned);
  float* other = device_array<float>(4, stream);
  OK(cudaMemcpyAsync(data, pageable, 16, cudaMemcpyHostToDevice, stream));
  OK(cudaMemcpyAsync(other, pinned, 16, cudaMemcpyHostToDevice, stream));
  pageable[0] = pinned[0] = 9;
  CHECK(to_host(data, 4, stream)[0] == 1);   // staged at the call
  CHECK(to_host(other, 4, stream)[0] == 9);  // read when the stream comes to it
  float result[4] = {};
  OK(cudaMemsetAsync(data, 0, 8, stream));
  OK(cudaMemcpyAsync(result, data, 16, cudaMemcpyDeviceToHost, stream));
  CHECK(result[3] == 0);
  OK(cudaStreamSynchronize(stream));
  CHECK(result[0] == 0 && result[3] == 4);
  OK(cudaFreeHost(pinned));
  OK(cudaFreeAsync(data, stream));
  OK(cudaFreeAsync(other, stream));
  OK(cudaStreamDestroy(stream));
}

void check_events() {
  cudaStream_t a = make_stream(), b = make_stream();
  cudaEvent_t begin, end, quiet;
  OK(cudaEventCreateWithFlags(&begin, 0));
  OK(cudaEventCreateWithFlags(&end, 0));
  OK(cudaEventCreateWithFlags(&quiet, cudaEventDisableTiming));
  OK(cudaEventQuery(end));  // never recorded
  std::vector<int> order;
  OK(cudaEventRecord(begin, a));
  OK(standin_launch("a", a, [&] { order.push_back(1); }));
  OK(cudaEventRecord(end, a));
  OK(cudaStreamWaitEvent(b, end, 0));
  OK(standin_launch("b", b, [&] { order.push_back(2); }));
  float milliseconds = -1;
  CHECK_CODE(cudaEventElapsedTime(&milliseconds, begin, end), cudaErrorNotReady);
  OK(cudaStreamSynchronize(b));
  CHECK((order == std::vector<int>{1, 2}));
  OK(cudaEventQuery(end));
  OK(cudaEventElapsedTime(&milliseconds, begin, end));
  CHECK(milliseconds >= 0);
  OK(cudaEventRecord(quiet, a));
  OK(cudaEventSynchronize(quiet));
  CHECK_CODE(cudaEventElapsedTime(&milliseconds, begin, quiet), cudaErrorInvalidResourceHandle);
  for (cudaEvent_t event : {begin, end, quiet}) OK(cudaEventDestroy(event));
  CHECK_CODE(cudaEventRecord(begin, a), cudaErrorInvalidResourceHandle);
  OK(cudaStreamDestroy(a));
  OK(cudaStreamDestroy(b));
  (void)cudaGetLastError();
}

void check_memory() {
  cudaStream_t stream = make_stream();
  size_t free = 0, total = 0;
  OK(cudaMemGetInfo(&free, &total));
  CHECK(total == kMemory);
  const size_t most = free;
  void *data = nullptr, *more = nullptr;
  CHECK_CODE(cudaMallocAsync(&data, total + 1, stream), cudaErrorMemoryAllocation);
  CHECK_CODE(cudaGetLastError(), cudaErrorMemoryAllocation);
  CHECK_CODE(cudaMallocAsync(&data, 0, stream), cudaErrorInvalidValue);
  const size_t large = total / 8 * 5;
  OK(cudaMallocAsync(&data, large, stream));
  OK(cudaMemGetInfo(&free, &total));
  CHECK(free == most - large);
  CHECK_CODE(cudaMallocAsync(&more, large, stream), cudaErrorMemoryAllocation);
  OK(cudaFreeAsync(data, stream));
  CHECK_CODE(cudaFreeAsync(data, stream), cudaErrorInvalidValue);
  OK(cudaMallocAsync(&more, large, stream));  // in the order of the stream there is room

  cudaMemPoolProps props = {};
  props.allocType = cudaMemAllocationTypePinned;
  props.location.type = cudaMemLocationTypeDevice;
  props.location.id = 0;
  cudaMemPool_t pool = nullptr;
  OK(cudaMemPoolCreate(&pool, &props));
  uint64_t value = total;
  OK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &value));
  CHECK_CODE(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &value), cudaErrorInvalidValue);
  OK(cudaMallocFromPoolAsync(&data, 1000, pool, stream));
  OK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &value));
  CHECK(value == 1000);
  OK(cudaFreeAsync(data, stream));
  OK(cudaStreamSynchronize(stream));
  OK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &value));
  CHECK(value == 0);
  OK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &value));
  CHECK(value == 1000);  // kept, as the threshold asks
  OK(cudaMemPoolTrimTo(pool, 0));
  OK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &value));
  CHECK(value == 0);
  OK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &value));
  CHECK(value == 1000);
  OK(cudaMemPoolDestroy(pool));
  OK(cudaFreeAsync(more, stream));
  OK(cudaStreamSynchronize(stream));
  OK(cudaMemGetInfo(&free, &total));
  CHECK(free == most);
  OK(cudaMalloc(&data, 100));
  OK(cudaFree(data));
  CHECK_CODE(cudaFree(data), cudaErrorInvalidValue);
  OK(cudaStreamDestroy(stream));
  (void)cudaGetLastError();
}

// Every mistake must be fatal: that call, or the next that waits, and all after it.
void check_fatal(const char* what, void (*mistake)(cudaStream_t, char*)) {
  cudaStream_t stream = make_stream();
  char* const data = device_array<char>(100, stream);
  mistake(stream, data);
  const cudaError_t synchronized = cudaStreamSynchronize(stream);
  const cudaError_t after = cudaMemsetAsync(data, 0, 1, stream);
  require(synchronized == cudaErrorIllegalAddress && after == cudaErrorIllegalAddress &&
              cudaGetLastError() == cudaErrorIllegalAddress && cudaGetLastError() == cudaErrorIllegalAddress,
          std::string(what) + " is not found");
  recover();
  (void)cudaFree(data);  // a mistake may have freed it
  recover();
  OK(cudaStreamDestroy(stream));
}

void check_mistakes() {
  check_fatal("a write past the end",
              [](cudaStream_t s, char* d) { OK(standin_launch("k", s, [d] { write_unchecked(d + 100); })); });
  check_fatal("a write before the begin",
              [](cudaStream_t s, char* d) { OK(standin_launch("k", s, [d] { write_unchecked(d - 1); })); });
  check_fatal("a fill past the end",
              [](cudaStream_t s, char* d) { CHECK_CODE(cudaMemsetAsync(d + 1, 0, 100, s), cudaErrorIllegalAddress); });
  check_fatal("a copy from past the end", [](cudaStream_t s, char* d) {
    char host[101];
    CHECK_CODE(cudaMemcpyAsync(host, d, 101, cudaMemcpyDeviceToHost, s), cudaErrorIllegalAddress);
  });
  check_fatal("a device pointer as the host's end", [](cudaStream_t s, char* d) {
    CHECK_CODE(cudaMemcpyAsync(d, d + 50, 10, cudaMemcpyHostToDevice, s), cudaErrorIllegalAddress);
  });
  check_fatal("a host pointer as the device's end", [](cudaStream_t s, char*) {
    char host[8] = {};
    CHECK_CODE(cudaMemcpyAsync(host, host + 4, 4, cudaMemcpyHostToDevice, s), cudaErrorIllegalAddress);
  });
  check_fatal("a use after a free", [](cudaStream_t s, char* d) {
    OK(cudaFreeAsync(d, s));
    CHECK_CODE(cudaMemsetAsync(d, 0, 1, s), cudaErrorIllegalAddress);
  });
  check_fatal("a free before another stream's use", [](cudaStream_t s, char* d) {
    cudaStream_t other = make_stream();
    OK(cudaMemsetAsync(d, 0, 1, other));
    OK(cudaFreeAsync(d, s));
    OK(cudaStreamSynchronize(s));
    (void)cudaStreamDestroy(other);
  });
  check_fatal("pinned memory freed too early", [](cudaStream_t s, char* d) {
    void* pinned = nullptr;
    OK(cudaMallocHost(&pinned, 100));
    OK(cudaMemcpyAsync(d, pinned, 100, cudaMemcpyHostToDevice, s));
    OK(cudaFreeHost(pinned));
  });
}

void check_faults() {
  cudaStream_t stream = make_stream();
  CHECK(!standin_set_faults("nonsense") && !standin_set_faults("cudaFoo:1=2") && !standin_set_faults("cudaMalloc:0=2"));
  standin_reset_counts();
  CHECK(standin_set_faults("cudaMallocAsync:2=2,cudaLaunchKernel:1+=98"));
  void *first = nullptr, *second = nullptr;
  OK(cudaMallocAsync(&first, 8, stream));
  CHECK_CODE(cudaMallocAsync(&second, 8, stream), cudaErrorMemoryAllocation);
  OK(cudaMallocAsync(&second, 8, stream));
  CHECK(standin_call_count("cudaMallocAsync") == 3);
  bool ran = false;
  (void)cudaGetLastError();
  for (int i = 0; i < 2; ++i) {
    (void)standin_launch("k", stream, [&] { ran = true; });
    CHECK_CODE(cudaGetLastError(), cudaErrorInvalidDeviceFunction);
  }
  OK(cudaStreamSynchronize(stream));
  CHECK(!ran);
  CHECK(standin_set_faults("cudaMemsetAsync:1=719"));
  CHECK_CODE(cudaMemsetAsync(first, 0, 8, stream), cudaErrorLaunchFailure);
  CHECK_CODE(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);  // stays
  CHECK(standin_set_faults(""));
  recover();
  OK(cudaFreeAsync(first, stream));
  OK(cudaFreeAsync(second, stream));
  OK(cudaStreamDestroy(stream));
}

void check_functions(const char* log) {
  int count = 0;
  for (; standin_functions(count); ++count) {
    const std::string name = standin_functions(count);
    CHECK(name == "cudaLaunchKernel" || dlsym(RTLD_DEFAULT, name.c_str()));
  }
  CHECK(count > 80);
  std::ifstream file(log);
  std::string line, found;
  while (std::getline(file, line)) {
    if (line.find("cudaMallocAsync bytes=8 ") == 0) found = line;
  }
  CHECK(found.find("-> 0") != std::string::npos);
  check_leaks();
}

// Several threads with streams of their own, and one that others wait for.
void check_threads() {
  cudaStream_t shared = make_stream();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([shared] {
      cudaStream_t mine = make_stream();
      cudaEvent_t event;
      OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
      for (int round = 0; round < 50; ++round) {
        int* data = to_device(std::vector<int>(100, round), mine);
        OK(standin_launch("add", mine, [data] { ++data[99]; }));
        OK(cudaEventRecord(event, mine));
        OK(cudaStreamWaitEvent(shared, event, 0));
        if (round % 3 == 0) OK(cudaStreamSynchronize(shared));
        CHECK(to_host(data, 100, mine)[99] == round + 1);
        OK(cudaFreeAsync(data, mine));
      }
      OK(cudaEventDestroy(event));
      OK(cudaStreamDestroy(mine));
    });
  }
  for (std::thread& thread : threads) thread.join();
  OK(cudaStreamDestroy(shared));
}

// ---- other machines, each in a process of its own, as the environment is read once

std::string program;

void check_machine(const char* environment, const char* what) {
  const std::string command = std::string(environment) + " '" + program + "' " + what;
  require(std::system(command.c_str()) == 0, command);
}

int run_machine(const std::string& what) {
  int count = -1, version = -1, value = -1;
  cublasHandle_t blas = nullptr;
  cudnnHandle_t dnn = nullptr;
  if (what == "without") {
    const char* const driver = std::getenv("STMNET_STANDIN_DRIVER");
    const cudaError_t expected = driver ? cudaErrorInsufficientDriver : cudaErrorNoDevice;
    CHECK_CODE(cudaGetDeviceCount(&count), expected);
    CHECK_CODE(cudaSetDevice(0), expected);
    OK(cudaDriverGetVersion(&version));
    CHECK(version == (driver ? std::atoi(driver) : 13000));
    CHECK_CODE(cublasCreate(&blas), CUBLAS_STATUS_NOT_INITIALIZED);
    CHECK_CODE(cudnnCreate(&dnn), CUDNN_STATUS_NOT_INITIALIZED);
    cudnnRNNDescriptor_t rnn = nullptr;  // descriptors need no device
    OK(cudnnCreateRNNDescriptor(&rnn));
    OK(cudnnDestroyRNNDescriptor(rnn));
    return finish("cuda_standin_test, " + what);
  }
  OK(cudaDeviceGetAttribute(&value, cudaDevAttrComputeCapabilityMinor, 0));
  CHECK(value == 5);
  OK(cudnnCreate(&dnn));
  cudnnRNNDescriptor_t rnn = nullptr;
  OK(cudnnCreateRNNDescriptor(&rnn));
  size_t bytes = 0;
  for (const cudnnDataType_t type : {CUDNN_DATA_FLOAT, CUDNN_DATA_BFLOAT16}) {
    OK(cudnnSetRNNDescriptor_v8(rnn, CUDNN_RNN_ALGO_STANDARD, CUDNN_LSTM, CUDNN_RNN_DOUBLE_BIAS, CUDNN_UNIDIRECTIONAL,
                                CUDNN_LINEAR_INPUT, type, CUDNN_DATA_FLOAT, CUDNN_DEFAULT_MATH, 4, 5, 5, 1, nullptr,
                                1));
    CHECK_CODE(cudnnGetRNNWeightSpaceSize(dnn, rnn, &bytes),
               type == CUDNN_DATA_FLOAT ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH);
  }
  CHECK(cudnnGetVersion() == 91000);
  return finish("cuda_standin_test, " + what);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) return run_machine(argv[1]);
  program = argv[0];
  const std::string log = "cuda_standin_test." + std::to_string(getpid()) + ".log";
  setenv("STMNET_STANDIN_LOG", log.c_str(), 1);
  setenv("STMNET_STANDIN_MEMORY", std::to_string(kMemory).c_str(), 1);
  setenv("STMNET_STANDIN_DEVICES", "2", 1);
  check_devices();
  check_order_and_delay();
  check_events();
  check_memory();
  check_mistakes();
  check_faults();
  check_threads();
  check_functions(log.c_str());
  unsetenv("STMNET_STANDIN_LOG");
  unsetenv("STMNET_STANDIN_DEVICES");
  check_machine("STMNET_STANDIN_DEVICES=0", "without");
  check_machine("STMNET_STANDIN_DRIVER=0", "without");
  check_machine("STMNET_STANDIN_DRIVER=12040", "without");
  check_machine("STMNET_STANDIN_CAPABILITY=75 STMNET_STANDIN_CUDNN=91000", "old");
  std::remove(log.c_str());
  return finish("cuda_standin_test");
}
