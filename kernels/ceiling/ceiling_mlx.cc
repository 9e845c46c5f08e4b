#include "kernels/ceiling/ceiling_mlx.h"

#include <mlx/backend/cuda/cuda.h>
#include <mlx/backend/metal/metal.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/arrays_mlx.h"
#include "kernels/backend_mlx.h"
#include "kernels/ceiling/gpu_text.h"
#include "kernels/seconds.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

// As many as the largest GPUs hold at once (H200: 132 multiprocessors of 2048 threads), and a
// multiple of what smaller ones do.
constexpr int kGpuThreads = 1 << 18;
constexpr int kGpuGroup = 256;
// Steps of a unit: 2.1 GFLOP, 0.8 ms of an M1.
constexpr int kGpuUnitSteps = 256;

// What the bodies of gpu_text.h need before them.
constexpr const char* kMetalHeader =
    "inline float MultiplyAdd(float a, float b, float c) { return metal::fma(a, b, c); }\n"
    "inline half MultiplyAdd(half a, half b, half c) { return metal::fma(a, b, c); }\n";
constexpr const char* kCudaHeader =
    "__device__ inline float MultiplyAdd(float a, float b, float c) { return fmaf(a, b, c); }\n";

enum class Language : uint8_t { kNone, kMetal, kCuda };

Language LanguageHere() {
  if (mx::default_device() != mx::Device::gpu) return Language::kNone;
  if (mx::metal::is_available()) return Language::kMetal;
  return mx::cu::is_available() ? Language::kCuda : Language::kNone;
}

mx::fast::CustomKernelFunction Compile(Language language, const std::string& name,
                                       const std::vector<std::string>& inputs,
                                       const std::string& body) {
  const std::string threads =
      "const unsigned int threads = " + std::to_string(kGpuThreads) + "; (void)threads;\n";
  if (language == Language::kMetal) {
    return mx::fast::metal_kernel(
        name, inputs, {"out"},
        "const unsigned int thread = thread_position_in_grid.x;\n" + threads + body + "\n",
        kMetalHeader);
  }
  return mx::fast::cuda_kernel(
      name, inputs, {"out"},
      "const unsigned int thread = cooperative_groups::this_grid().thread_rank();\n" + threads +
          body + "\n",
      kCudaHeader);
}

mx::array Count(int64_t value) { return mx::array({Int(value)}, {1}); }

mx::array Launch(const mx::fast::CustomKernelFunction& kernel, const std::vector<mx::array>& inputs,
                 mx::Dtype type) {
  mx::array out = kernel(inputs, {{kGpuThreads}}, {mx::float32}, {kGpuThreads, 1, 1},
                         {kGpuGroup, 1, 1}, {{"T", type}}, std::nullopt, false, {})[0];
  mx::eval(out);
  return out;
}

// What the graph describes, evaluated so many times without waiting in between; the last of them,
// complete.
template <typename Graph>
mx::array EvaluatedTimes(int64_t times, const Graph& graph) {
  std::optional<mx::array> last;
  for (int64_t i = 0; i < times; ++i) {
    last = graph();
    mx::async_eval(*last);
  }
  mx::eval(*last);
  return *last;
}

// Thrown by a work that computed something else.
struct Wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Chains of multiply-adds on registers.
GpuWork MultiplyAdds(Language language, mx::Dtype type, const char* format) {
  const auto kernel = Compile(language, std::string("wattline_peak_") + format,
                              {"one", "start", "steps"}, WATTLINE_GPU_TEXT(WATTLINE_GPU_PEAK));
  std::vector<float> starts(kGpuChains);
  std::iota(starts.begin(), starts.end(), 0.0f);
  const float value = 1;
  const mx::array one = VectorOf(&value, 1, type);
  const mx::array start = VectorOf(starts.data(), kGpuChains, type);
  const auto run = [=](int64_t steps) { return Launch(kernel, {one, start, Count(steps)}, type); };
  // Few enough for f16, whose integers are exact to 2048.
  constexpr int64_t kSteps = 1000;
  const std::vector<float> sums = FloatsOf(run(kSteps));
  for (size_t thread = 0; thread < sums.size(); ++thread) {
    const double phase = static_cast<double>(thread % kGpuPhases);
    const double want = kGpuChains * (kSteps + phase) + kGpuChains * (kGpuChains - 1) / 2;
    if (sums[thread] != want) throw Wrong("counted other steps than it was to do");
  }
  return {std::string(format) + " fma x" + std::to_string(kGpuChains),
          2.0 * kGpuChains * kGpuUnitSteps * kGpuThreads,
          [run](int64_t units) { run(units * kGpuUnitSteps); }};
}

// C = A B of one type, a unit each.
GpuWork Matmuls(mx::Dtype type, int side) {
  const auto operand = [&](uint64_t seed) {
    mx::array x =
        mx::astype(mx::random::normal({side, side}, mx::float32, mx::random::key(seed)), type);
    mx::eval(x);
    return x;
  };
  const mx::array a = operand(1), b = operand(2);
  const auto run = [=](int64_t units) {
    return EvaluatedTimes(units, [&] { return mx::matmul(a, b); });
  };
  // The last row, element by element: sums of `side` products in f32, rounded to the type.
  const auto row = [&](const mx::array& x) {
    return FloatsOf(mx::slice(x, {side - 1, 0}, {side, side}));
  };
  const std::vector<float> c_row = row(run(1)), a_row = row(a), b_all = FloatsOf(b);
  for (int col = 0; col < side; col += std::max(1, side / 64)) {
    double want = 0, size = 0;
    for (int k = 0; k < side; ++k) {
      const double product =
          double{a_row[static_cast<size_t>(k)]} *
          b_all[static_cast<size_t>(k) * static_cast<size_t>(side) + static_cast<size_t>(col)];
      want += product;
      size += std::abs(product);
    }
    const double bound = side * 0x1p-24 * size + UnitOf(type) * (std::abs(want) + size * 0x1p-10);
    if (!(std::abs(c_row[static_cast<size_t>(col)] - want) <= bound)) {
      throw Wrong("multiplied matrices wrongly");
    }
  }
  const std::string n = std::to_string(side);
  return {"MLX matmul " + n + "x" + n + "x" + n, 2.0 * side * side * side,
          [run](int64_t units) { run(units); }};
}

// [rows, kReadCols] of small integers, so that every sum is exact: a block of 16 MiB, repeated.
constexpr int kReadCols = 1 << 12;
constexpr int64_t kReadBlock_byte = int64_t{16} << 20;

struct Words {
  mx::array x;
  double sum = 0;
};

Words MakeWords(int64_t byte) {
  const int times = Int(byte / kReadBlock_byte);
  const int rows = Int(kReadBlock_byte / 4 / kReadCols);
  const mx::array block = mx::astype(
      mx::random::randint(0, 8, {1, rows, kReadCols}, mx::int32, mx::random::key(3)), mx::float32);
  mx::array x = mx::contiguous(
      mx::reshape(mx::broadcast_to(block, {times, rows, kReadCols}), {times * rows, kReadCols}));
  mx::eval(x);
  const std::vector<float> values = FloatsOf(block);
  return {x, times * std::accumulate(values.begin(), values.end(), 0.0)};
}

void CheckSum(const mx::array& sums, double want) {
  const std::vector<float> values = FloatsOf(sums);
  if (std::accumulate(values.begin(), values.end(), 0.0) != want) {
    throw Wrong("did not read every word once");
  }
}

GpuWork Reads(Language language, const Words& words) {
  const auto kernel = Compile(language, "wattline_read", {"x", "count", "passes"},
                              WATTLINE_GPU_TEXT(WATTLINE_GPU_READ));
  const auto run = [kernel, x = words.x](int64_t passes) {
    return Launch(kernel, {x, Count(static_cast<int64_t>(x.size())), Count(passes)}, mx::float32);
  };
  CheckSum(run(1), words.sum);
  return {"word x" + std::to_string(kGpuReads), static_cast<double>(words.x.nbytes()),
          [run](int64_t units) { run(units); }};
}

GpuWork Sums(const Words& words) {
  const auto run = [x = words.x](int64_t units) {
    return EvaluatedTimes(units, [&] { return mx::sum(x, 1); });
  };
  CheckSum(run(1), words.sum);
  return {"MLX sum", static_cast<double>(words.x.nbytes()), [run](int64_t units) { run(units); }};
}

// Adds what `make` returns, or the reason why there is none.
template <typename Make>
void Add(GpuWorks& works, const char* what, const Make& make) {
  try {
    works.works.push_back(make());
  } catch (const std::exception& error) {
    if (!works.why_not.empty()) works.why_not += "; ";
    works.why_not += std::string(what) + ": " + error.what();
  }
}

}  // namespace

GpuWorks MlxCeilingWorks(GpuLimit limit, const MlxCeilingOptions& options) {
  GpuWorks works;
  const Language language = LanguageHere();
  const bool compiles = language != Language::kNone;
  if (limit == GpuLimit::kRead) {
    std::optional<Words> words;
    try {
      words = MakeWords(options.read_byte);
    } catch (const std::exception& error) {
      works.why_not = error.what();
      return works;
    }
    if (compiles) Add(works, "own kernel", [&] { return Reads(language, *words); });
    Add(works, "MLX sum", [&] { return Sums(*words); });
    return works;
  }
  if (compiles) {
    Add(works, "f32 kernel", [&] { return MultiplyAdds(language, mx::float32, "f32"); });
  }
  // On NVIDIA, f16 runs at its full rate in pairs and on tensor cores only.
  if (language == Language::kMetal && limit == GpuLimit::kF16) {
    Add(works, "f16 kernel", [&] { return MultiplyAdds(language, mx::float16, "f16"); });
  }
  const mx::Dtype type = limit == GpuLimit::kF32   ? mx::float32
                         : limit == GpuLimit::kF16 ? mx::float16
                                                   : mx::bfloat16;
  // A large GPU needs a larger product: an H200 of bf16 takes 0.2 ms for one of 4096.
  bool is_short = false;
  Add(works, "MLX matmul", [&] {
    GpuWork work = Matmuls(type, options.matmul_side);
    is_short = Seconds([&] { work.run(1); }) < options.short_s;
    return work;
  });
  if (is_short) {
    Add(works, "larger MLX matmul", [&] { return Matmuls(type, 2 * options.matmul_side); });
  }
  return works;
}

GpuWorks MakeMlxGpuWorks(const Backend&, GpuLimit limit) { return MlxCeilingWorks(limit); }

}  // namespace wattline::kernels
