// NVIDIA's assembler takes every kernel of the ceilings, spills no register, and keeps every
// multiply-add: `build/tests/ptx_check [FOLDER]`. The texts and what was made of them stay in
// FOLDER, if one is named. Exit code 77 where there is no ptxas.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/ceiling/cuda_kernels.h"

namespace {

using namespace wattline::kernels;  // NOLINT: a program of one file

struct Text {
  std::string name;
  std::string ptx;
};

std::vector<Text> AllTexts() {
  std::vector<Text> texts = {{"fill", FillPtx()}, {"level", CudaLevelKernel().ptx}};
  const auto add = [&texts](const std::string& name, const std::vector<CudaKernel>& kernels) {
    for (size_t i = 0; i < kernels.size(); ++i) {
      texts.push_back({fmt::format("{}_{}", name, i), kernels[i].ptx});
    }
  };
  for (const CudaFormat format :
       {CudaFormat::kF32, CudaFormat::kBF16, CudaFormat::kF16, CudaFormat::kInt8}) {
    add(fmt::format("peak_{}", Name(format)), CudaPeakKernels(format, 90));
  }
  for (const StreamKind kind :
       {StreamKind::kRead, StreamKind::kWrite, StreamKind::kCopy, StreamKind::kTriad}) {
    add(Name(kind), CudaStreamKernels(kind));
  }
  for (const CudaFormat format : {CudaFormat::kF32, CudaFormat::kBF16}) {
    std::vector<CudaKernel> kernels;
    for (double x = 0.0625; x <= 1024; x *= 2) kernels.push_back(CudaIntensityKernel(format, x));
    for (double x = 6; x < 512; x *= 2) kernels.push_back(CudaIntensityKernel(format, x));
    add(fmt::format("intensity_{}", Name(format)), kernels);
  }
  return texts;
}

struct Output {
  int status = 0;
  std::string text;
};

Output Command(const std::string& command) {
  Output output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {1, "popen failed"};
  char buffer[4096];
  for (size_t byte = 0; (byte = fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    output.text.append(buffer, byte);
  }
  output.status = pclose(pipe);
  return output;
}

std::string FindProgram(const std::string& name) {
  for (const std::string& path : {name, "/usr/local/cuda/bin/" + name}) {
    if (Command(path + " --version").status == 0) return path;
  }
  return {};
}

int Count(const std::string& text, const std::string& word) {
  int count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

// What is wrong with the machine code; empty where nothing is. The compiler may repeat a loop's
// body, never drop an instruction of it.
std::string CodeFault(const std::string& ptx, const std::string& code) {
  if (Count(code, "LDL") + Count(code, "STL") > 0) return "local memory is used";
  struct Kind {
    const char* in_ptx;
    std::vector<const char*> in_code;
  };
  for (const Kind& kind : std::vector<Kind>{{"fma.rn.f32", {"FFMA"}},
                                            {"wgmma.mma_async", {"HGMMA", "IGMMA"}},
                                            {" mma.sync", {"HMMA", "IMMA"}},
                                            {"ld.global", {"LDG"}},
                                            {"st.global", {"STG"}}}) {
    int found = 0;
    for (const char* word : kind.in_code) found += Count(code, word);
    const int asked = Count(ptx, kind.in_ptx);
    if (found < asked) {
      return fmt::format("{} of {} {} are left", found, asked, kind.in_ptx);
    }
  }
  return {};
}

// Assembles one text. Empty, or what is wrong.
std::string Check(const Text& text, const std::string& ptxas, const std::string& nvdisasm,
                  const std::filesystem::path& folder) {
  const std::string ptx = folder / (text.name + ".ptx");
  const std::string cubin = folder / (text.name + ".cubin");
  std::ofstream(ptx) << text.ptx;
  const bool hopper_only = Count(text.ptx, ".target sm_90a") > 0;
  const Output assembled = Command(
      fmt::format("{} -v -arch={} {} -o {}", ptxas, hopper_only ? "sm_90a" : "sm_90", ptx, cubin));
  if (assembled.status != 0) return assembled.text;
  if (Count(assembled.text, " 0 bytes spill stores") != 1 || Count(assembled.text, "warning") > 0) {
    return assembled.text;
  }
  if (nvdisasm.empty()) return {};
  const Output code = Command(fmt::format("{} -c {}", nvdisasm, cubin));
  return code.status == 0 ? CodeFault(text.ptx, code.text) : code.text;
}

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  const std::string ptxas = FindProgram("ptxas");
  if (ptxas.empty()) {
    fmt::print("skipped: there is no ptxas here\n");
    return 77;
  }
  const std::string nvdisasm = FindProgram("nvdisasm");
  const fs::path folder = argc > 1 ? fs::path(argv[1]) : fs::temp_directory_path() / "ptx_check";
  fs::create_directories(folder);
  int faults = 0;
  const std::vector<Text> texts = AllTexts();
  for (const Text& text : texts) {
    const std::string fault = Check(text, ptxas, nvdisasm, folder);
    if (fault.empty()) continue;
    fmt::print(stderr, "ptx_check: {}: {}\n", text.name, fault);
    ++faults;
  }
  if (argc <= 1) fs::remove_all(folder);
  fmt::print("{} kernels assembled{}, {} at fault\n", texts.size(),
             nvdisasm.empty() ? "; no nvdisasm, so their code was not looked at" : "", faults);
  return faults > 0 ? 1 : 0;
}
