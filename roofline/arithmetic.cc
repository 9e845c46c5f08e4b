#include "roofline/arithmetic.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace wattline::roofline {
namespace {

using Formats = std::vector<std::string>;

constexpr double kSamePeak = 0.01;
// kGemvTokens of kernels/linear/linear.h.
constexpr double kStreamTokens = 8;

bool IsDense(const std::string& format) {
  return format == "f32" || format == "f16" || format == "bf16" || format == "int8";
}

// M of "MxNxK".
double GemmTokens(const Address& address) { return std::strtod(address.subject.c_str(), nullptr); }

// Tokens that one pass of the linear layers works on; absent for other fixtures.
std::optional<double> LinearTokens(const Address& address) {
  if (address.fixture == "gemm") return GemmTokens(address);
  if (address.fixture == "block" || address.fixture == "encode") {
    return address.CaseNumber("tokens");
  }
  if (address.fixture != "decode") return std::nullopt;
  const std::optional<double> prompt = address.CaseNumber("prefill");
  return prompt ? prompt : address.CaseNumber("batch").value_or(1);
}

// Whether the rows of a CPU backend ran with this instruction set.
bool HasIsa(const std::string& isa, const std::string& backend, const Machine& machine) {
  if (backend.find(isa) != std::string::npos) return true;
  const auto told = machine.backends.find(backend);
  return backend == "cpu" && told != machine.backends.end() &&
         told->second.find(" " + isa + " ") != std::string::npos;
}

// AVX-512, or AMX, which extends it.
bool HasAvx512(const std::string& backend, const Machine& machine) {
  return HasIsa("avx512", backend, machine) || HasIsa("amx", backend, machine);
}

Formats TensorFormats(const std::string& format) {
  if (format == "f32" || format == "int8") return {format};
  return format == "bf16" ? Formats{"bf16", "f16"} : Formats{"f16", "bf16"};
}

Formats CpuLinear(const Address& address, double tokens, const Machine& machine) {
  const bool is_dense_gemm =
      address.fixture == "gemm" && address.Case("weights").empty() &&
      (address.format == "f32" || address.format == "bf16" || address.format == "int8");
  // A training step multiplies in its own format, too.
  const bool is_step = address.fixture == "block" && !address.Case("pass").empty();
  if (is_dense_gemm || is_step) return {address.format};
  const bool is_stream = tokens <= kStreamTokens;
  if (!IsDense(address.format)) {
    return {!is_stream && HasIsa("amx", address.backend, machine) ? "bf16" : "int8"};
  }
  if (is_stream) return {"f32"};
  return {HasAvx512(address.backend, machine) ? "bf16" : "f32"};
}

Formats FromTable(const Address& address, const Machine& machine) {
  const Device device = DeviceOf(address.backend, machine);
  if (address.fixture == "ceiling" || device == Device::kOther) return {address.format};
  if (address.fixture == "dequant") return {"f32"};
  if (device == Device::kCuda) return TensorFormats(address.format);
  if (address.fixture == "attention") return {"f32"};
  if (const auto tokens = LinearTokens(address)) return CpuLinear(address, *tokens, machine);
  return {address.format};
}

}  // namespace

Device DeviceOf(const std::string& backend) {
  for (const char* prefix : {"cpu", "openblas", "onednn", "blas", "accelerate", "mlx_cpu"}) {
    if (backend.starts_with(prefix)) return Device::kCpu;
  }
  for (const char* prefix : {"cuda", "cublas", "cudnn"}) {
    if (backend.starts_with(prefix)) return Device::kCuda;
  }
  return Device::kOther;
}

Device DeviceOf(const std::string& backend, const Machine& told) {
  const auto described = told.backends.find(backend);
  if (backend != "mlx" || described == told.backends.end()) return DeviceOf(backend);
  const std::string& text = described->second;
  if (text.find(", cpu") != std::string::npos) return Device::kCpu;
  const auto is_named = [&text](const GpuNote& gpu) {
    return !gpu.name.empty() && text.find(", gpu, " + gpu.name) != std::string::npos;
  };
  return std::any_of(told.gpus.begin(), told.gpus.end(), is_named) ? Device::kCuda : Device::kOther;
}

bool Streams(const Row& row) {
  if (row.Counter("MBU") || row.Counter("MBU_ceiling")) return true;
  if (!row.address) return false;
  const Address& address = *row.address;
  if (address.Case("weights") == "cold") return true;
  if (address.fixture == "decode") return address.Case("prefill").empty();
  if (address.fixture == "attention") return address.subject == "single_query";
  const std::optional<double> tokens = address.CaseNumber("tokens");
  return address.fixture == "block" && tokens && *tokens <= kStreamTokens;
}

std::vector<std::string> ArithmeticOf(const Row& row, const Machine& machine) {
  if (!row.address) return {};
  const Formats from_table = FromTable(*row.address, machine);
  const std::optional<double> flop_per_s = row.FlopPerS();
  const std::optional<double> mfu = row.Counter("MFU");
  if (!flop_per_s || !mfu || !(*mfu > 0)) return from_table;
  const double peak = *flop_per_s / *mfu;
  const auto is_peak_of = [&](const std::string& format) {
    const auto found = machine.ceilings.find(format);
    return found != machine.ceilings.end() && std::abs(found->second / peak - 1) <= kSamePeak;
  };
  // Two formats may have the same peak, as f32 and bf16 on a CPU that widens bf16.
  for (const std::string& format : from_table) {
    if (is_peak_of(format)) return {format};
  }
  for (const char* format : {"f32", "bf16", "int8"}) {
    if (is_peak_of(format)) return {format};
  }
  return from_table;
}

}  // namespace wattline::roofline
