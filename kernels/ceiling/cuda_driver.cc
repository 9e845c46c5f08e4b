#include "kernels/ceiling/cuda_driver.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <string_view>
#include <type_traits>

namespace wattline::kernels {
namespace {

// CUDA driver API reference: numbers of errors, of attributes and of the compiler's options.
constexpr int kSuccess = 0;
constexpr int kOutOfMemory = 2;
constexpr int kStubLibrary = 34;
constexpr int kNoDevice = 100;
constexpr int kUnsupportedPtxVersion = 222;
constexpr int kSystemDriverMismatch = 803;
constexpr int kCompatNotSupported = 804;

constexpr int kMultiprocessorCount = 16;
constexpr int kL2Byte = 38;
constexpr int kMultiprocessorSharedByte = 81;
constexpr int kCapabilityMajor = 75;
constexpr int kCapabilityMinor = 76;
constexpr int kMostSharedByte = 8;  // of functions: CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES

constexpr int kJitErrorLog = 5;
constexpr int kJitErrorLogSize = 6;

// What is wrong and what would help, for the errors that a user can do something about.
std::string_view Remedy(int status) {
  switch (status) {
    case kStubLibrary:
      return "this libcuda is made to link with and no driver; NVIDIA's driver brings the real one";
    case kNoDevice:
      return "the driver shows this process no GPU; CUDA_VISIBLE_DEVICES may hide it, and a "
             "container must be started with its GPUs (--gpus all)";
    case kUnsupportedPtxVersion:
      return "the driver is older than these kernels' instructions; a newer one has them";
    case kSystemDriverMismatch:
    case kCompatNotSupported:
      return "the loaded NVIDIA driver and its library are of different versions, as after an "
             "update; a restart of the machine brings them together";
    default:
      return {};
  }
}

}  // namespace

// Handles are pointers, device memory is 64-bit numbers. The symbols' versions are those that
// cuda.h of CUDA 13 maps the plain names to.
struct CudaApi {
  // The library stays open: the driver's own threads and exit handlers are in it.
  void* library = nullptr;

  int (*get_error_string)(int status, const char** text) = nullptr;
  int (*init)(unsigned flags) = nullptr;
  int (*driver_get_version)(int* version) = nullptr;
  int (*device_get_count)(int* count) = nullptr;
  int (*device_get)(int* device, int ordinal) = nullptr;
  int (*device_get_name)(char* name, int length_byte, int device) = nullptr;
  int (*device_get_uuid)(unsigned char* uuid, int device) = nullptr;  // 16 bytes
  int (*device_get_attribute)(int* value, int attribute, int device) = nullptr;
  int (*device_total_memory)(size_t* byte, int device) = nullptr;
  int (*primary_context_retain)(void** context, int device) = nullptr;
  int (*primary_context_release)(int device) = nullptr;
  int (*context_set_current)(void* context) = nullptr;
  int (*stream_synchronize)(void* stream) = nullptr;
  int (*module_load_data_ex)(void** module, const void* image, unsigned options, int* option,
                             void** values) = nullptr;
  int (*module_unload)(void* module) = nullptr;
  int (*module_get_function)(void** function, void* module, const char* name) = nullptr;
  int (*function_set_attribute)(void* function, int attribute, int value) = nullptr;
  int (*memory_get_info)(size_t* free_byte, size_t* total_byte) = nullptr;
  int (*memory_allocate)(uint64_t* at, size_t byte) = nullptr;
  int (*memory_free)(uint64_t at) = nullptr;
  int (*memory_copy_to_host)(void* to, uint64_t from, size_t byte) = nullptr;
  int (*memory_copy_to_gpu)(uint64_t to, const void* from, size_t byte) = nullptr;
  int (*launch_kernel)(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                       unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_byte,
                       void* stream, void** parameters, void** extra) = nullptr;

  // "cuInit: the driver shows ... (CUDA error 100, no CUDA-capable device is detected)"
  std::string Explain(const char* call, int status) const {
    const char* words = nullptr;
    if (get_error_string(status, &words) != kSuccess || words == nullptr) {
      words = "of no description";
    }
    const std::string said = fmt::format("CUDA error {}, {}", status, words);
    const std::string_view remedy = Remedy(status);
    return remedy.empty() ? fmt::format("{}: {}", call, said)
                          : fmt::format("{} ({}: {})", remedy, call, said);
  }
};

namespace {

struct LoadedApi {
  std::shared_ptr<const CudaApi> api;
  std::string why_not;
};

LoadedApi LoadApi(const std::string& file) {
  auto api = std::make_shared<CudaApi>();
  api->library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (api->library == nullptr) {
    const char* words = dlerror();
    const std::string said = words != nullptr ? words : "no reason given";
    const bool missing = said.find("o such file") != std::string::npos;
    return {nullptr, fmt::format("{}; it comes with NVIDIA's driver, and a container must be "
                                 "started with its GPUs (--gpus all)",
                                 missing ? file + " is not there" : "cannot be opened: " + said)};
  }
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name, const char* older = nullptr) {
    using Function = std::remove_reference_t<decltype(function)>;
    function = reinterpret_cast<Function>(dlsym(api->library, name));
    if (function == nullptr && older != nullptr) {
      function = reinterpret_cast<Function>(dlsym(api->library, older));
    }
    if (function == nullptr) missing = name;
  };
  find(api->get_error_string, "cuGetErrorString");
  find(api->init, "cuInit");
  find(api->driver_get_version, "cuDriverGetVersion");
  find(api->device_get_count, "cuDeviceGetCount");
  find(api->device_get, "cuDeviceGet");
  find(api->device_get_name, "cuDeviceGetName");
  find(api->device_get_uuid, "cuDeviceGetUuid_v2", "cuDeviceGetUuid");
  find(api->device_get_attribute, "cuDeviceGetAttribute");
  find(api->device_total_memory, "cuDeviceTotalMem_v2");
  find(api->primary_context_retain, "cuDevicePrimaryCtxRetain");
  find(api->primary_context_release, "cuDevicePrimaryCtxRelease_v2", "cuDevicePrimaryCtxRelease");
  find(api->context_set_current, "cuCtxSetCurrent");
  find(api->stream_synchronize, "cuStreamSynchronize");
  find(api->module_load_data_ex, "cuModuleLoadDataEx");
  find(api->module_unload, "cuModuleUnload");
  find(api->module_get_function, "cuModuleGetFunction");
  find(api->function_set_attribute, "cuFuncSetAttribute");
  find(api->memory_get_info, "cuMemGetInfo_v2");
  find(api->memory_allocate, "cuMemAlloc_v2");
  find(api->memory_free, "cuMemFree_v2");
  find(api->memory_copy_to_host, "cuMemcpyDtoH_v2");
  find(api->memory_copy_to_gpu, "cuMemcpyHtoD_v2");
  find(api->launch_kernel, "cuLaunchKernel");
  if (missing != nullptr) {
    return {nullptr,
            fmt::format("{} has no {}: the driver is too old; a newer one has it", file, missing)};
  }
  if (const int status = api->init(0); status != kSuccess) {
    return {nullptr, api->Explain("cuInit", status)};
  }
  return {std::move(api), ""};
}

// Of device `ordinal`; else what failed.
std::string ReadFacts(const CudaApi& api, int ordinal, CudaFacts& facts) {
  int device = 0;
  int major = 0;
  int minor = 0;
  int l2_byte = 0;
  int shared_byte = 0;
  int version = 0;
  size_t memory_byte = 0;
  std::array<char, 256> text{};
  std::array<unsigned char, 16> uuid{};
  std::string fault;
  const auto ok = [&](int status, const char* call) {
    if (status != kSuccess && fault.empty()) fault = api.Explain(call, status);
    return fault.empty();
  };
  if (!ok(api.device_get(&device, ordinal), "cuDeviceGet") ||
      !ok(api.device_get_name(text.data(), static_cast<int>(text.size()) - 1, device),
          "cuDeviceGetName") ||
      !ok(api.device_get_uuid(uuid.data(), device), "cuDeviceGetUuid") ||
      !ok(api.device_total_memory(&memory_byte, device), "cuDeviceTotalMem") ||
      !ok(api.device_get_attribute(&facts.multiprocessors, kMultiprocessorCount, device),
          "cuDeviceGetAttribute(multiprocessors)") ||
      !ok(api.device_get_attribute(&major, kCapabilityMajor, device),
          "cuDeviceGetAttribute(capability)") ||
      !ok(api.device_get_attribute(&minor, kCapabilityMinor, device),
          "cuDeviceGetAttribute(capability)")) {
    return fault;
  }
  facts.name = text.data();
  facts.capability = 10 * major + minor;
  facts.memory_byte = static_cast<int64_t>(memory_byte);
  if (api.device_get_attribute(&l2_byte, kL2Byte, device) == kSuccess && l2_byte > 0) {
    facts.l2_byte = l2_byte;
  }
  if (api.device_get_attribute(&shared_byte, kMultiprocessorSharedByte, device) == kSuccess &&
      shared_byte > 0) {
    facts.shared_byte = shared_byte;
  }
  if (api.driver_get_version(&version) == kSuccess && version > 0) {
    facts.cuda_version = fmt::format("{}.{}", version / 1000, version % 1000 / 10);
  }
  facts.uuid = "GPU-";
  for (size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) facts.uuid += '-';
    facts.uuid += fmt::format("{:02x}", uuid[i]);
  }
  return {};
}

FoundGpus FindGpus(const CudaApi& api) {
  FoundGpus found;
  int count = 0;
  int status = api.device_get_count(&count);
  if (status == kSuccess && count == 0) status = kNoDevice;
  if (status != kSuccess) {
    found.why_not = api.Explain("cuDeviceGetCount", status);
    return found;
  }
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    CudaFacts& facts = found.gpus.emplace_back();
    found.why_not = ReadFacts(api, ordinal, facts);
    if (!found.why_not.empty()) return {{}, found.why_not};
  }
  return found;
}

}  // namespace

FoundGpus FindCudaGpus(const std::string& library) {
  const LoadedApi loaded = LoadApi(library);
  if (!loaded.api) return {{}, loaded.why_not};
  return FindGpus(*loaded.api);
}

std::string WhyNotCuda() { return FindCudaGpus().why_not; }

std::string DescribeCuda() {
  std::string text = "PTX kernels compiled by NVIDIA's driver for";
  const FoundGpus found = FindCudaGpus();
  for (size_t i = 0; i < found.gpus.size(); ++i) {
    const CudaFacts& gpu = found.gpus[i];
    text += fmt::format("{} {}: {} (sm_{})", i > 0 ? "," : "", i, gpu.name, gpu.capability);
  }
  return text;
}

OpenedCuda OpenCuda(int ordinal, const std::string& library) {
  LoadedApi loaded = LoadApi(library);
  if (!loaded.api) return {nullptr, loaded.why_not};
  FoundGpus found = FindGpus(*loaded.api);
  if (!found.why_not.empty()) return {nullptr, found.why_not};
  if (ordinal < 0 || static_cast<size_t>(ordinal) >= found.gpus.size()) {
    return {nullptr, fmt::format("there is no GPU {}: CUDA shows {}, counted from 0", ordinal,
                                 found.gpus.size())};
  }
  std::unique_ptr<CudaGpu> gpu(new CudaGpu());
  gpu->api_ = std::move(loaded.api);
  gpu->facts_ = found.gpus[static_cast<size_t>(ordinal)];
  const CudaApi& api = *gpu->api_;
  if (!gpu->Ok(api.device_get(&gpu->device_, ordinal), "cuDeviceGet") ||
      !gpu->Ok(api.primary_context_retain(&gpu->context_, gpu->device_),
               "cuDevicePrimaryCtxRetain") ||
      !gpu->UseOnThisThread()) {
    return {nullptr, gpu->fault()};
  }
  return {std::move(gpu), ""};
}

CudaGpu::~CudaGpu() {
  if (context_ != nullptr) api_->primary_context_release(device_);
}

bool CudaGpu::Ok(int status, const char* call) {
  if (status != kSuccess && fault_.empty()) fault_ = api_->Explain(call, status);
  return fault_.empty();
}

bool CudaGpu::UseOnThisThread() {
  return fault_.empty() && Ok(api_->context_set_current(context_), "cuCtxSetCurrent");
}

std::optional<int64_t> CudaGpu::FreeByte() {
  size_t free_byte = 0;
  size_t total_byte = 0;
  if (!fault_.empty() || !Ok(api_->memory_get_info(&free_byte, &total_byte), "cuMemGetInfo")) {
    return std::nullopt;
  }
  return static_cast<int64_t>(free_byte);
}

bool CudaGpu::CopyToHost(void* to, uint64_t from, size_t byte) {
  return fault_.empty() && Ok(api_->memory_copy_to_host(to, from, byte), "cuMemcpyDtoH");
}

bool CudaGpu::CopyToGpu(uint64_t to, const void* from, size_t byte) {
  return fault_.empty() && Ok(api_->memory_copy_to_gpu(to, from, byte), "cuMemcpyHtoD");
}

bool CudaGpu::Synchronize() {
  return fault_.empty() && Ok(api_->stream_synchronize(nullptr), "cuStreamSynchronize");
}

CudaMemory::CudaMemory(CudaGpu& gpu, size_t byte) : gpu_(gpu) {
  if (!gpu_.fault().empty()) return;
  const int status = gpu_.api_->memory_allocate(&at_, byte);
  if (status == kSuccess) return;
  at_ = 0;
  if (status != kOutOfMemory) gpu_.Ok(status, "cuMemAlloc");
}

CudaMemory::~CudaMemory() {
  if (at_ != 0) gpu_.api_->memory_free(at_);
}

CudaModule::CudaModule(CudaGpu& gpu, const std::string& ptx, const char* entry) : gpu_(gpu) {
  if (!gpu_.fault().empty()) return;
  std::array<char, 4096> log{};
  std::array<int, 2> options = {kJitErrorLog, kJitErrorLogSize};
  std::array<void*, 2> values = {log.data(), reinterpret_cast<void*>(log.size() - 1)};
  const CudaApi& api = *gpu_.api_;
  if (!gpu_.Ok(api.module_load_data_ex(&module_, ptx.c_str(), 2, options.data(), values.data()),
               "cuModuleLoadDataEx")) {
    module_ = nullptr;
    if (log[0] != '\0') gpu_.fault_ += fmt::format("; the compiler says: {}", log.data());
    return;
  }
  gpu_.Ok(api.module_get_function(&function_, module_, entry), "cuModuleGetFunction");
}

CudaModule::~CudaModule() {
  if (module_ != nullptr) gpu_.api_->module_unload(module_);
}

bool CudaModule::Launch(uint32_t blocks, uint32_t block_threads, uint32_t shared_byte,
                        std::span<void* const> parameters) {
  if (!gpu_.fault().empty()) return false;
  constexpr uint32_t kUnaskedSharedByte = 48 << 10;
  if (shared_byte > kUnaskedSharedByte &&
      !gpu_.Ok(gpu_.api_->function_set_attribute(function_, kMostSharedByte,
                                                 static_cast<int>(shared_byte)),
               "cuFuncSetAttribute")) {
    return false;
  }
  return gpu_.Ok(gpu_.api_->launch_kernel(function_, blocks, 1, 1, block_threads, 1, 1, shared_byte,
                                          nullptr, const_cast<void**>(parameters.data()), nullptr),
                 "cuLaunchKernel");
}

}  // namespace wattline::kernels
