#include "tests/device/cuda_load.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "tests/device/cuda_kernels.h"

namespace wattline::device {
namespace {

// 1024 threads, which run at once on every kind, up to 64 registers each. On an H200 they have 64
// KiB of reads under way in each multiprocessor; its bandwidth times 0.7 us asks for 25.
constexpr unsigned kBlocksPerMultiprocessor = 4;
constexpr unsigned long long kLargestBuffer_byte = 4ull << 30;

// CUDA driver API reference: numbers of attributes and of the options of the compiler.
constexpr int kMultiprocessorCount = 16;
constexpr int kCapabilityMajor = 75;
constexpr int kCapabilityMinor = 76;
constexpr int kJitErrorLog = 5;
constexpr int kJitErrorLogSize = 6;
constexpr int kStubLibrary = 34;  // CUDA_ERROR_STUB_LIBRARY: made to link with, no driver
constexpr int kNoDevice = 100;    // CUDA_ERROR_NO_DEVICE

}  // namespace

// Handles are pointers, device memory is 64-bit numbers. The symbols' versions are those that
// cuda.h of CUDA 13 maps the plain names to.
struct CudaGpu::Driver {
  void* library = nullptr;
  void* context = nullptr;
  void* module = nullptr;
  void* compute = nullptr;
  void* memory = nullptr;
  void* fill = nullptr;
  std::array<void*, 2> events = {};

  int (*get_error_string)(int status, const char** text);
  int (*init)(unsigned flags);
  int (*device_get_count)(int* count);
  int (*device_get)(int* device, int ordinal);
  int (*device_get_name)(char* name, int length_byte, int device);
  int (*device_get_uuid)(unsigned char* uuid, int device);  // 16 bytes
  int (*device_get_attribute)(int* value, int attribute, int device);
  int (*primary_context_retain)(void** context, int device);
  int (*primary_context_release)(int device);
  int (*context_set_current)(void* context);
  int (*context_synchronize)();
  int (*module_load_data_ex)(void** module, const void* image, unsigned options, int* option,
                             void** values);
  int (*module_unload)(void* module);
  int (*module_get_function)(void** function, void* module, const char* name);
  int (*memory_get_info)(size_t* free_byte, size_t* total_byte);
  int (*memory_allocate)(unsigned long long* at, size_t byte);
  int (*memory_free)(unsigned long long at);
  int (*memory_copy_to_host)(void* to, unsigned long long from, size_t byte);
  int (*launch_kernel)(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                       unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_byte,
                       void* stream, void** parameters, void** extra);
  int (*event_create)(void** event, unsigned flags);
  int (*event_record)(void* event, void* stream);
  int (*event_synchronize)(void* event);
  int (*event_destroy)(void* event);

  template <typename Function>
  bool Find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
  }
};

CudaGpu::CudaGpu() : cuda_(std::make_unique<Driver>()) {}

CudaGpu::~CudaGpu() {
  if (cuda_->context != nullptr) {
    cuda_->context_set_current(cuda_->context);
    cuda_->context_synchronize();
    for (void* event : cuda_->events) {
      if (event != nullptr) cuda_->event_destroy(event);
    }
    if (buffer_ != 0) cuda_->memory_free(buffer_);
    if (out_ != 0) cuda_->memory_free(out_);
    if (cuda_->module != nullptr) cuda_->module_unload(cuda_->module);
    cuda_->primary_context_release(device_);
  }
  // The library stays: the driver's own threads and exit handlers are in it.
}

std::string CudaGpu::capability() const { return fmt::format("sm_{}{}", major_, minor_); }

bool CudaGpu::Ok(int status, const char* call) {
  if (status == 0) return true;
  if (!fault_.empty()) return false;
  const char* words = nullptr;
  if (cuda_->get_error_string == nullptr || cuda_->get_error_string(status, &words) != 0) {
    words = nullptr;
  }
  fault_ = fmt::format("{}: CUDA error {}, {}", call, status,
                       words != nullptr ? words : "of no description");
  return false;
}

bool CudaGpu::Bind() {
  Driver& cuda = *cuda_;
  cuda.library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (cuda.library == nullptr) {
    absent_ = true;
    fault_ = "libcuda.so.1 is not found: no NVIDIA driver is installed";
    return false;
  }
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name, const char* older = nullptr) {
    if (cuda.Find(function, name) || (older != nullptr && cuda.Find(function, older))) return;
    missing = name;
  };
  find(cuda.get_error_string, "cuGetErrorString");
  find(cuda.init, "cuInit");
  find(cuda.device_get_count, "cuDeviceGetCount");
  find(cuda.device_get, "cuDeviceGet");
  find(cuda.device_get_name, "cuDeviceGetName");
  find(cuda.device_get_uuid, "cuDeviceGetUuid_v2", "cuDeviceGetUuid");
  find(cuda.device_get_attribute, "cuDeviceGetAttribute");
  find(cuda.primary_context_retain, "cuDevicePrimaryCtxRetain");
  find(cuda.primary_context_release, "cuDevicePrimaryCtxRelease_v2", "cuDevicePrimaryCtxRelease");
  find(cuda.context_set_current, "cuCtxSetCurrent");
  find(cuda.context_synchronize, "cuCtxSynchronize");
  find(cuda.module_load_data_ex, "cuModuleLoadDataEx");
  find(cuda.module_unload, "cuModuleUnload");
  find(cuda.module_get_function, "cuModuleGetFunction");
  find(cuda.memory_get_info, "cuMemGetInfo_v2");
  find(cuda.memory_allocate, "cuMemAlloc_v2");
  find(cuda.memory_free, "cuMemFree_v2");
  find(cuda.memory_copy_to_host, "cuMemcpyDtoH_v2");
  find(cuda.launch_kernel, "cuLaunchKernel");
  find(cuda.event_create, "cuEventCreate");
  find(cuda.event_record, "cuEventRecord");
  find(cuda.event_synchronize, "cuEventSynchronize");
  find(cuda.event_destroy, "cuEventDestroy_v2");
  if (missing != nullptr) fault_ = fmt::format("libcuda.so.1 has no {}", missing);
  return missing == nullptr;
}

bool CudaGpu::UseOnThisThread() {
  return Ok(cuda_->context_set_current(cuda_->context), "cuCtxSetCurrent");
}

bool CudaGpu::Prepare() {
  Driver& cuda = *cuda_;
  if (!Bind()) return false;
  const int status = cuda.init(0);
  absent_ = status == kNoDevice || status == kStubLibrary;
  if (!Ok(status, "cuInit")) return false;
  int count = 0;
  if (!Ok(cuda.device_get_count(&count), "cuDeviceGetCount")) return false;
  absent_ = count == 0;
  if (absent_) return Ok(kNoDevice, "cuDeviceGetCount");
  std::array<char, 256> text{};
  std::array<unsigned char, 16> uuid{};
  if (!Ok(cuda.device_get(&device_, 0), "cuDeviceGet") ||
      !Ok(cuda.device_get_name(text.data(), static_cast<int>(text.size()) - 1, device_),
          "cuDeviceGetName") ||
      !Ok(cuda.device_get_uuid(uuid.data(), device_), "cuDeviceGetUuid") ||
      !Ok(cuda.device_get_attribute(&multiprocessors_, kMultiprocessorCount, device_),
          "cuDeviceGetAttribute(multiprocessors)") ||
      !Ok(cuda.device_get_attribute(&major_, kCapabilityMajor, device_),
          "cuDeviceGetAttribute(capability)") ||
      !Ok(cuda.device_get_attribute(&minor_, kCapabilityMinor, device_),
          "cuDeviceGetAttribute(capability)")) {
    return false;
  }
  name_ = text.data();
  uuid_ = "GPU-";
  for (size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) uuid_ += '-';
    uuid_ += fmt::format("{:02x}", uuid[i]);
  }
  threads_ = static_cast<unsigned>(multiprocessors_) * kBlocksPerMultiprocessor * kBlockThreads;

  if (!Ok(cuda.primary_context_retain(&cuda.context, device_), "cuDevicePrimaryCtxRetain") ||
      !UseOnThisThread()) {
    return false;
  }
  const std::string ptx = LoadPtx();
  std::array<char, 4096> log{};
  std::array<int, 2> options = {kJitErrorLog, kJitErrorLogSize};
  std::array<void*, 2> values = {log.data(), reinterpret_cast<void*>(log.size() - 1)};
  if (!Ok(cuda.module_load_data_ex(&cuda.module, ptx.c_str(), 2, options.data(), values.data()),
          "cuModuleLoadDataEx")) {
    fault_ += fmt::format("; the compiler says: {}", log.data());
    return false;
  }
  if (!Ok(cuda.module_get_function(&cuda.compute, cuda.module, "compute_load"),
          "cuModuleGetFunction(compute_load)") ||
      !Ok(cuda.module_get_function(&cuda.memory, cuda.module, "memory_load"),
          "cuModuleGetFunction(memory_load)") ||
      !Ok(cuda.module_get_function(&cuda.fill, cuda.module, "fill_words"),
          "cuModuleGetFunction(fill_words)")) {
    return false;
  }
  for (void*& event : cuda.events) {
    if (!Ok(cuda.event_create(&event, 0), "cuEventCreate")) return false;
  }
  size_t free_byte = 0;
  size_t total_byte = 0;
  if (!Ok(cuda.memory_get_info(&free_byte, &total_byte), "cuMemGetInfo")) return false;
  // Whole rows of all threads.
  const unsigned long long row_byte =
      static_cast<unsigned long long>(threads_) * kRead_byte * kReads;
  buffer_byte_ = std::min<unsigned long long>(kLargestBuffer_byte, free_byte / 4);
  buffer_byte_ -= buffer_byte_ % row_byte;
  if (buffer_byte_ == 0) {
    fault_ = fmt::format("only {} bytes of the GPU's memory are free", free_byte);
    return false;
  }
  return Ok(cuda.memory_allocate(&buffer_, buffer_byte_), "cuMemAlloc(buffer)") &&
         Ok(cuda.memory_allocate(&out_, size_t{threads_} * 4), "cuMemAlloc(results)") &&
         FillBuffer() && CalibrateLoads();
}

bool CudaGpu::FillBuffer() {
  unsigned word_count = static_cast<unsigned>(buffer_byte_ / 4);
  std::array<void*, 3> parameters = {&buffer_, &word_count, &threads_};
  return Ok(cuda_->launch_kernel(cuda_->fill, threads_ / kBlockThreads, 1, 1, kBlockThreads, 1, 1,
                                 0, nullptr, parameters.data(), nullptr),
            "cuLaunchKernel(fill_words)") &&
         Ok(cuda_->context_synchronize(), "cuCtxSynchronize after fill_words");
}

bool CudaGpu::Launch(Load load, unsigned turns) {
  const unsigned blocks = threads_ / kBlockThreads;
  if (load == Load::kCompute) {
    float angle = kAngle;
    std::array<void*, 3> parameters = {&out_, &turns, &angle};
    return Ok(cuda_->launch_kernel(cuda_->compute, blocks, 1, 1, kBlockThreads, 1, 1, 0, nullptr,
                                   parameters.data(), nullptr),
              "cuLaunchKernel(compute_load)");
  }
  unsigned long long row_step = static_cast<unsigned long long>(threads_) * kRead_byte;
  unsigned rows = static_cast<unsigned>(buffer_byte_ / (row_step * kReads));
  std::array<void*, 5> parameters = {&buffer_, &out_, &turns, &rows, &row_step};
  return Ok(cuda_->launch_kernel(cuda_->memory, blocks, 1, 1, kBlockThreads, 1, 1, 0, nullptr,
                                 parameters.data(), nullptr),
            "cuLaunchKernel(memory_load)");
}

unsigned CudaGpu::TurnsOf(Load load) const {
  return load == Load::kCompute ? compute_turns_ : memory_turns_;
}

double CudaGpu::WorkOf(Load load) const {
  if (load == Load::kCompute) return kTurn_flop * threads_ * compute_turns_;
  return static_cast<double>(buffer_byte_) * memory_turns_;
}

bool CudaGpu::RunOnce(Load load) {
  return Launch(load, TurnsOf(load)) && Ok(cuda_->context_synchronize(), "cuCtxSynchronize");
}

bool CudaGpu::CalibrateLoads() {
  for (const Load load : {Load::kCompute, Load::kMemory}) {
    // The driver brings a kernel to the GPU when it is launched first.
    if (!Launch(load, 1) || !Ok(cuda_->context_synchronize(), "cuCtxSynchronize of a first load")) {
      return false;
    }
    unsigned turns = 1;
    double elapsed_s = 0;
    // A launch that is long enough to be timed; 2^20 turns of either load are seconds.
    while (elapsed_s < kLaunch_s / 2 && turns < (1u << 20)) {
      if (elapsed_s > 0) turns *= 2;
      const TimePoint start = energy::RealClock().Now();
      if (!Launch(load, turns) || !Ok(cuda_->context_synchronize(), "cuCtxSynchronize of a load")) {
        return false;
      }
      elapsed_s = energy::SecondsBetween(start, energy::RealClock().Now());
    }
    turns = std::max(1u, static_cast<unsigned>(turns * kLaunch_s / elapsed_s));
    (load == Load::kCompute ? compute_turns_ : memory_turns_) = turns;
  }
  return true;
}

std::string CudaGpu::CheckLoads() {
  constexpr unsigned kCheckedTurns = 3;
  const uint64_t row_step = uint64_t{threads_} * kRead_byte;
  const uint32_t rows = static_cast<uint32_t>(buffer_byte_ / (row_step * kReads));
  for (const Load load : {Load::kCompute, Load::kMemory}) {
    if (!Launch(load, load == Load::kCompute ? kCheckedTurns : 1) ||
        !Ok(cuda_->context_synchronize(), "cuCtxSynchronize of the check")) {
      return fault_;
    }
    for (const uint32_t thread : {0u, threads_ / 3, threads_ - 1}) {
      uint32_t found = 0;
      if (!Ok(cuda_->memory_copy_to_host(&found, out_ + 4ull * thread, 4), "cuMemcpyDtoH")) {
        return fault_;
      }
      const uint32_t expected = load == Load::kCompute
                                    ? std::bit_cast<uint32_t>(ComputeResult(thread, kCheckedTurns))
                                    : MemoryResult(thread, rows, row_step);
      if (found == expected) continue;
      return fmt::format("thread {} of the {} load gave {:08x}, not {:08x}", thread,
                         load == Load::kCompute ? "compute" : "memory", found, expected);
    }
  }
  return "";
}

OpenedGpu OpenGpu() {
  OpenedGpu opened;
  opened.gpu.reset(new CudaGpu());
  if (opened.gpu->Prepare()) return opened;
  opened.why_not = opened.gpu->fault_;
  opened.absent = opened.gpu->absent_;
  opened.gpu.reset();
  return opened;
}

RunningLoad::RunningLoad(CudaGpu& gpu, Load load)
    : gpu_(gpu), load_(load), thread_([this] { Run(); }) {}

void RunningLoad::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void RunningLoad::Run() {
  const unsigned turns = gpu_.TurnsOf(load_);
  CudaGpu::Driver& cuda = *gpu_.cuda_;
  const auto log = [this] {
    const std::lock_guard<std::mutex> lock(mutex_);
    ends_.push_back(energy::RealClock().Now());
  };
  const auto start = [&](size_t launch) {
    return gpu_.Launch(load_, turns) &&
           gpu_.Ok(cuda.event_record(cuda.events[launch % 2], nullptr), "cuEventRecord");
  };
  if (!gpu_.UseOnThisThread()) return;
  log();
  if (!start(0)) return;
  for (size_t launch = 0; !stop_; ++launch) {
    if (!start(launch + 1) ||
        !gpu_.Ok(cuda.event_synchronize(cuda.events[launch % 2]), "cuEventSynchronize")) {
      return;
    }
    log();
  }
  gpu_.Ok(cuda.context_synchronize(), "cuCtxSynchronize at the end of a load");
}

std::optional<double> RunningLoad::LaunchesBy(TimePoint at) const {
  const auto after = std::upper_bound(ends_.begin(), ends_.end(), at);
  if (after == ends_.begin() || after == ends_.end()) return std::nullopt;
  const TimePoint before = *(after - 1);
  return static_cast<double>(after - 1 - ends_.begin()) +
         energy::SecondsBetween(before, at) / energy::SecondsBetween(before, *after);
}

std::optional<double> RunningLoad::WorkBetween(TimePoint begin, TimePoint end) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::optional<double> first = LaunchesBy(begin);
  const std::optional<double> last = LaunchesBy(end);
  if (!first || !last) return std::nullopt;
  return (*last - *first) * gpu_.WorkOf(load_);
}

}  // namespace wattline::device
