#include "kernels/backend_mlx.h"

#include <cstdlib>
#include <string_view>

#include "kernels/arrays_mlx.h"
#include "kernels/linear/weights_mlx.h"

namespace wattline::kernels {

namespace mx = mlx::core;

mx::array ArrayOf(const float* values, mx::Shape shape, mx::Dtype type) {
  const mx::array exact(values, std::move(shape), mx::float32);
  mx::array rounded = mx::astype(exact, type);
  mx::eval(rounded);
  return rounded;
}

mx::array VectorOf(const float* values, int64_t count, mx::Dtype type) {
  return ArrayOf(values, {Int(count)}, type);
}

std::vector<float> FloatsOf(const mx::array& array) {
  mx::array values =
      mx::contiguous(mx::astype(array, mx::float32, mx::Device::cpu), false, mx::Device::cpu);
  mx::eval(values);
  return {values.data<float>(), values.data<float>() + values.size()};
}

double UnitOf(mx::Dtype type) {
  if (type == mx::float16) return 0x1p-11;
  return type == mx::bfloat16 ? 0x1p-8 : 0x1p-24;
}

mx::array HeadsMlx(const mx::array& x, int64_t heads, int64_t head_dim) {
  return mx::transpose(mx::reshape(x, {x.shape(0), x.shape(1), Int(heads), Int(head_dim)}),
                       {0, 2, 1, 3});
}

void MlxWork::Run() {
  out_ = Graph();
  mx::eval(out_);
}

bool MlxOnGpu() { return mx::default_device() == mx::Device::gpu; }

bool MlxHolds(Format weights) { return WhyNotMlxFormat(weights).empty(); }

std::string MlxWork::Kernel() const { return MlxOnGpu() ? "gpu" : "cpu"; }

std::string WhyNotMlx() {
  // On NVIDIA GPUs and on Apple's matrix units MLX may multiply f32 as TF32: a row that says f32
  // has to mean it. Read by MLX when it multiplies first.
  static const bool set = setenv("MLX_ENABLE_TF32", "0", 0) == 0;
  (void)set;
  if (MlxOnGpu() || std::getenv("WATTLINE_MLX_CPU") != nullptr) return {};
  return "MLX finds no GPU, and its CPU stream is there for checks, at a few GFLOP/s: "
         "WATTLINE_MLX_CPU=1 runs it";
}

std::string DescribeMlx() {
  WhyNotMlx();
  std::string text = std::string("MLX ") + mx::version() + (MlxOnGpu() ? ", gpu" : ", cpu");
  const auto& info = mx::device_info();
  for (const char* key : {"device_name", "architecture"}) {
    const auto at = info.find(key);
    if (at == info.end() || !std::holds_alternative<std::string>(at->second)) continue;
    text += ", " + std::get<std::string>(at->second);
  }
  const char* tf32 = std::getenv("MLX_ENABLE_TF32");
  return text + (tf32 != nullptr && std::string_view(tf32) == "0" ? "" : ", TF32 allowed for f32");
}

}  // namespace wattline::kernels
