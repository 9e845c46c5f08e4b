#include "kernels/gemm/gemm_onednn.h"

#include <dlfcn.h>

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include "kernels/buffer.h"
#include "kernels/gemm/gemm_elements.h"

namespace wattline::kernels {
namespace {

using dnnl::memory;

memory::data_type TypeOfA(GemmType type) {
  if (type == GemmType::kF32) return memory::data_type::f32;
  if (type == GemmType::kF16) return memory::data_type::f16;
  return type == GemmType::kBF16 ? memory::data_type::bf16 : memory::data_type::u8;
}
memory::data_type TypeOfB(GemmType type) {
  return type == GemmType::kInt8 ? memory::data_type::s8 : TypeOfA(type);
}
memory::data_type TypeOfC(GemmType type) {
  return type == GemmType::kInt8 ? memory::data_type::s32 : memory::data_type::f32;
}

// Debian builds the library on OpenMP, whose threads are set for the calling thread. Found at run
// time, since a build on another runtime has no such function; it then takes its own number.
void SetOpenMpThreads(int threads) {
  using Set = void (*)(int);
  static const auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (set != nullptr) set(threads);
}

class OneDnnGemm : public Work {
 public:
  OneDnnGemm(const GemmCase& c, ThreadPool& pool)
      : type_(c.type),
        threads_(pool.size()),
        engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        a_(GemmElements(c.type, c.a, c.shape.m * c.shape.k)),
        c_(c.shape.m * c.shape.n) {
    SetOpenMpThreads(threads_);
    const GemmShape s = c.shape;
    const memory::desc a({s.m, s.k}, TypeOfA(type_), memory::format_tag::ab);
    const memory::desc packed({s.k, s.n}, TypeOfB(type_), memory::format_tag::any);
    const memory::desc out({s.m, s.n}, TypeOfC(type_), memory::format_tag::ab);
    // The kernel's scratch is ours: the library would allocate it in every Run.
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::matmul::primitive_desc chosen({a, packed, out}, attributes, engine_);
    kernel_ = chosen.impl_info_str();
    // B^T as the caller has it, brought into the layout that the kernel asks for.
    const Buffer<std::byte> bt = GemmElements(c.type, c.bt, s.n * s.k);
    memory from({{s.k, s.n}, TypeOfB(type_), memory::format_tag::ba}, engine_, bt.data());
    memory b(chosen.weights_desc(), engine_);
    dnnl::reorder(from, b).execute(stream_, from, b);
    stream_.wait();
    matmul_ = dnnl::matmul(chosen);
    arguments_ = {{DNNL_ARG_SRC, memory(a, engine_, a_.data())},
                  {DNNL_ARG_WEIGHTS, b},
                  {DNNL_ARG_DST, memory(out, engine_, c_.data())},
                  {DNNL_ARG_SCRATCHPAD, memory(chosen.scratchpad_desc(), engine_)}};
  }
  void Run() override {
    SetOpenMpThreads(threads_);
    matmul_.execute(stream_, arguments_);
    stream_.wait();
  }
  std::vector<float> Result() const override {
    std::vector<float> out(static_cast<size_t>(c_.size()));
    for (int64_t i = 0; i < c_.size(); ++i) {
      int32_t integer = 0;
      std::memcpy(&integer, c_.data() + i, 4);
      out[static_cast<size_t>(i)] = type_ == GemmType::kInt8 ? static_cast<float>(integer) : c_[i];
    }
    return out;
  }
  std::string Kernel() const override { return kernel_; }

 private:
  GemmType type_;
  int threads_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  Buffer<std::byte> a_;
  Buffer<float> c_;
  std::string kernel_;
  dnnl::matmul matmul_;
  std::unordered_map<int, memory> arguments_;
};

std::string RuntimeName(unsigned runtime) {
  if (runtime == DNNL_RUNTIME_OMP) return "OpenMP";
  if (runtime == DNNL_RUNTIME_TBB) return "TBB";
  return runtime == DNNL_RUNTIME_SEQ ? "one thread" : "runtime " + std::to_string(runtime);
}

std::string IsaName(dnnl::cpu_isa isa) {
  switch (isa) {
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return "isa " + std::to_string(static_cast<int>(isa));
  }
}

}  // namespace

std::string DescribeOneDnn() {
  const dnnl_version_t& v = *dnnl_version();
  return "oneDNN " + std::to_string(v.major) + "." + std::to_string(v.minor) + "." +
         std::to_string(v.patch) + ", " + IsaName(dnnl::get_effective_cpu_isa()) + ", " +
         RuntimeName(v.cpu_runtime);
}

MadeWork MakeOneDnnGemm(const Backend&, const GemmCase& c, ThreadPool& pool) {
  try {
    return {std::make_unique<OneDnnGemm>(c, pool), {}};
  } catch (const dnnl::error& error) {
    return {nullptr,
            "oneDNN has no " + std::string(Name(c.type)) + " matmul here: " + error.what()};
  } catch (const std::bad_alloc&) {
    return {nullptr, "the operands and results do not fit into memory"};
  }
}

}  // namespace wattline::kernels
