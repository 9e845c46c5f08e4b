// NVIDIA's driver through its C interface, opened at run time: no part of CUDA is needed to build,
// and a machine without the driver says so in one sentence.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace wattline::kernels {

inline constexpr const char* kCudaLibrary = "libcuda.so.1";

struct CudaFacts {
  std::string name;  // "NVIDIA H200"
  std::string uuid;  // as NVML writes it, "GPU-8f1c..."; never written to a results file
  int multiprocessors = 0;
  int capability = 0;  // times ten: 90
  int64_t memory_byte = 0;
  std::optional<int64_t> l2_byte;
  // Of one multiprocessor, and of the same memory as its first-level cache: that is no smaller.
  std::optional<int64_t> shared_byte;
  std::string cuda_version;  // the newest that the driver runs: "13.0"
};

// The GPUs that CUDA shows to this process, in its order, or why there is none. Opens no context:
// a fraction of a second at the first call.
struct FoundGpus {
  std::vector<CudaFacts> gpus;
  std::string why_not;
};
FoundGpus FindCudaGpus(const std::string& library = kCudaLibrary);

// As a backend: see Backend.
std::string WhyNotCuda();
std::string DescribeCuda();

struct CudaApi;  // the functions of the library

// One GPU with a context, current to the thread that opened it. The first call that fails leaves
// its words in fault(); what follows does nothing.
class CudaGpu {
 public:
  ~CudaGpu();
  CudaGpu(const CudaGpu&) = delete;
  CudaGpu& operator=(const CudaGpu&) = delete;

  const CudaFacts& facts() const { return facts_; }
  const std::string& fault() const { return fault_; }

  // Makes the context current to the calling thread too.
  bool UseOnThisThread();
  std::optional<int64_t> FreeByte();
  bool CopyToHost(void* to, uint64_t from, size_t byte);
  bool CopyToGpu(uint64_t to, const void* from, size_t byte);
  // Waits until all that was launched is done.
  bool Synchronize();

 private:
  friend class CudaMemory;
  friend class CudaModule;
  friend struct OpenedCuda OpenCuda(int ordinal, const std::string& library);
  CudaGpu() = default;
  bool Ok(int status, const char* call);

  std::shared_ptr<const CudaApi> api_;
  CudaFacts facts_;
  std::string fault_;
  int device_ = 0;
  void* context_ = nullptr;
};

struct OpenedCuda {
  std::unique_ptr<CudaGpu> gpu;
  std::string why_not;
};
OpenedCuda OpenCuda(int ordinal, const std::string& library = kCudaLibrary);

// Memory of a GPU, which outlives it.
class CudaMemory {
 public:
  // Where it does not fit, at() is 0 and the GPU has no fault.
  CudaMemory(CudaGpu& gpu, size_t byte);
  ~CudaMemory();
  CudaMemory(const CudaMemory&) = delete;
  CudaMemory& operator=(const CudaMemory&) = delete;
  uint64_t at() const { return at_; }

 private:
  CudaGpu& gpu_;
  uint64_t at_ = 0;
};

// Compiled PTX with one entry. The GPU outlives it.
class CudaModule {
 public:
  CudaModule(CudaGpu& gpu, const std::string& ptx, const char* entry);
  ~CudaModule();
  CudaModule(const CudaModule&) = delete;
  CudaModule& operator=(const CudaModule&) = delete;
  // One pointer for each parameter of the entry. Returns at once.
  bool Launch(uint32_t blocks, uint32_t block_threads, uint32_t shared_byte,
              std::span<void* const> parameters);

 private:
  CudaGpu& gpu_;
  void* module_ = nullptr;
  void* function_ = nullptr;
};

}  // namespace wattline::kernels
