#include "kernels/model/random_model.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <new>
#include <optional>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/model/random_row.h"
#include "kernels/model/shapes.h"
#include "kernels/model/tensors.h"
#include "kernels/random.h"

namespace wattline::kernels {
namespace {

// One array to be filled with random rows about `mean`; only f32 has a mean.
struct Fill {
  Format format = Format::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  double sd = 0.0;
  float mean = 0.0f;
  int64_t offset_byte = 0;
};

// Lays the arrays out one after the other; the end of the last.
int64_t LayOut(std::vector<Fill>& fills) {
  int64_t end_byte = 0;
  for (Fill& fill : fills) {
    fill.offset_byte = end_byte;
    end_byte += RoundToLine(fill.rows * RowByte(fill.format, fill.cols));
  }
  return end_byte;
}

uint64_t SubSeed(uint64_t seed, uint64_t index) {
  return Random(seed ^ (index * 0xd1342543de82ef95u)).Next();
}

void FillRow(const Fill& fill, uint64_t seed, std::byte* row) {
  RandomRow(fill.format, fill.cols, fill.sd, seed, row);
  if (fill.mean == 0.0f) return;
  auto* values = reinterpret_cast<float*>(row);
  for (int64_t i = 0; i < fill.cols; ++i) values[i] += fill.mean;
}

void FillAll(const std::vector<Fill>& fills, uint64_t seed, std::byte* data, ThreadPool& pool) {
  pool.Run([&](Worker& worker) {
    for (size_t i = 0; i < fills.size(); ++i) {
      const Fill& fill = fills[i];
      const uint64_t fill_seed = SubSeed(seed, i);
      const int64_t row_byte = RowByte(fill.format, fill.cols);
      const Range range = Share(fill.rows, 1, worker.slice());
      for (int64_t row = range.begin; row < range.end; ++row) {
        FillRow(fill, SubSeed(fill_seed, static_cast<uint64_t>(row)),
                data + fill.offset_byte + row * row_byte);
      }
    }
  });
}

// Deviations from 1 / sqrt(cols), as factors:
// - attn_q, attn_k 1.25: scores of sd 1.6, so that attention prefers some positions;
// - the matrices that write to the residual stream: 2 layers of them add up to an rms of 2.
//   SwiGLU of two unit normals has an rms of 0.6, so ffn_down makes up for that;
// - token_embd and output 3: logits of sd 3. Small against the stream's final rms, so that a tied
//   table does not answer with the token that went in (its logit gains 9 / 2 on average).
double Gain(TensorRole role, const ModelShape& s) {
  const double damped = 2.0 / std::sqrt(2.0 * static_cast<double>(s.layers));
  switch (role) {
    case TensorRole::kAttnQ:
    case TensorRole::kAttnK:
      return 1.25;
    case TensorRole::kAttnOutput:
      return damped;
    case TensorRole::kFfnDown:
      return damped / 0.6;
    case TensorRole::kTokenEmbd:
    case TensorRole::kOutput:
      return 3.0;
    default:
      return 1.0;
  }
}

Fill TensorFill(const TensorSpec& spec, Format format, const ModelShape& s) {
  // Norm weights of trained models scatter about 1.
  if (IsNorm(spec.role)) return {Format::kF32, 1, spec.cols, 0.1, 1.0f, 0};
  const double sd = Gain(spec.role, s) / std::sqrt(static_cast<double>(spec.cols));
  return {format, spec.rows, spec.cols, sd, 0.0f, 0};
}

// The tensors with their places; the RoPE factors follow them.
struct Layout {
  std::vector<TensorSpec> tensors;
  std::vector<Fill> fills;
  std::vector<float> rope_factors;
  int64_t rope_offset_byte = 0;
  int64_t byte = 0;
  std::string error;
};

Layout MakeLayout(std::vector<TensorSpec> tensors, const ModelShape& s, std::string_view format) {
  Layout layout;
  FormatPlan plan = PlanFormats(tensors, s, format);
  layout.error = std::move(plan.error);
  if (!layout.error.empty()) return layout;
  layout.tensors = std::move(tensors);
  for (size_t i = 0; i < layout.tensors.size(); ++i) {
    layout.fills.push_back(TensorFill(layout.tensors[i], plan.formats[i], s));
  }
  layout.rope_factors = RopeFactors(s);
  layout.rope_offset_byte = LayOut(layout.fills);
  layout.byte =
      layout.rope_offset_byte + static_cast<int64_t>(layout.rope_factors.size() * sizeof(float));
  return layout;
}

std::string WithName(const ModelShape& s, const std::string& error) {
  return error.empty() ? error : fmt::format("model '{}': {}", s.name, error);
}

std::string NoMemory(const ModelShape& s, int64_t byte) {
  return fmt::format(
      "model '{}': its weights need {:.2f} GB, which the system does not give; "
      "choose a smaller model or format",
      s.name, static_cast<double>(byte) / 1e9);
}

// The buffer, filled; null where there is no memory for it.
std::shared_ptr<RawBuffer> MakeFilled(const std::vector<Fill>& fills, int64_t byte, uint64_t seed,
                                      ThreadPool& pool) {
  std::shared_ptr<RawBuffer> buffer;
  try {
    buffer = std::make_shared<RawBuffer>(static_cast<size_t>(byte));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  FillAll(fills, seed, buffer->data(), pool);
  return buffer;
}

const float* PutRopeFactors(const Layout& layout, std::byte* data) {
  if (layout.rope_factors.empty()) return nullptr;
  std::byte* to = data + layout.rope_offset_byte;
  std::memcpy(to, layout.rope_factors.data(), layout.rope_factors.size() * sizeof(float));
  return reinterpret_cast<const float*>(to);
}

}  // namespace

LoadedModel MakeRandomModel(const ModelShape& shape, std::string_view format, uint64_t seed,
                            ThreadPool& pool) {
  if (std::string error = ShapeError(shape); !error.empty())
    return {nullptr, WithName(shape, error)};
  const Layout layout = MakeLayout(LlamaTensors(shape), shape, format);
  if (!layout.error.empty()) return {nullptr, WithName(shape, layout.error)};
  const std::shared_ptr<RawBuffer> buffer = MakeFilled(layout.fills, layout.byte, seed, pool);
  if (!buffer) return {nullptr, NoMemory(shape, layout.byte)};

  auto model = std::make_shared<Model>();
  model->shape = shape;
  model->format = format;
  model->layers.resize(static_cast<size_t>(shape.layers));
  for (size_t i = 0; i < layout.tensors.size(); ++i) {
    PlaceTensor(layout.tensors[i], layout.fills[i].format,
                buffer->data() + layout.fills[i].offset_byte, *model);
  }
  model->rope_factors = PutRopeFactors(layout, buffer->data());
  model->storage = buffer;
  return {std::move(model), {}};
}

std::optional<double> RequiredByte(const ModelShape& shape, std::string_view format) {
  const Layout layout = MakeLayout(LlamaTensors(shape), shape, format);
  if (!layout.error.empty()) return std::nullopt;
  return static_cast<double>(layout.byte);
}

LoadedLayer MakeRandomLayer(const ModelShape& shape, std::string_view format, uint64_t seed,
                            ThreadPool& pool) {
  LoadedLayer loaded;
  loaded.error = WithName(shape, ShapeError(shape));
  if (!loaded.error.empty()) return loaded;
  const Layout layout = MakeLayout(LayerTensors(shape, 0), shape, format);
  loaded.error = WithName(shape, layout.error);
  if (!loaded.error.empty()) return loaded;
  const std::shared_ptr<RawBuffer> buffer = MakeFilled(layout.fills, layout.byte, seed, pool);
  if (!buffer) {
    loaded.error = NoMemory(shape, layout.byte);
    return loaded;
  }
  for (size_t i = 0; i < layout.tensors.size(); ++i) {
    PlaceLayerTensor(layout.tensors[i], layout.fills[i].format,
                     buffer->data() + layout.fills[i].offset_byte, loaded.layer);
  }
  loaded.rope_factors = PutRopeFactors(layout, buffer->data());
  loaded.storage = buffer;
  return loaded;
}

LoadedBertLayer MakeRandomBertLayer(const ModelShape& shape, std::string_view format, uint64_t seed,
                                    ThreadPool& pool) {
  LoadedBertLayer loaded;
  BertLayer& layer = loaded.layer;
  const std::optional<Format> pure = FormatFromName(format);
  if (!pure) {
    loaded.error = WithName(shape, fmt::format("weight format '{}' is not known here", format));
    return loaded;
  }
  const int64_t block = Info(*pure).block_elements;
  const int64_t dim = shape.model_dim;
  if (dim % block != 0 || shape.ffn_dim % block != 0) {
    loaded.error = WithName(shape, fmt::format("rows of {} and {} weights are no multiples of the "
                                               "{} in a block of {}",
                                               dim, shape.ffn_dim, block, format));
    return loaded;
  }
  const struct {
    Matrix* matrix;
    int64_t rows, cols;
  } matrices[] = {{&layer.attn_q, dim, dim},           {&layer.attn_k, dim, dim},
                  {&layer.attn_v, dim, dim},           {&layer.attn_output, dim, dim},
                  {&layer.ffn_up, shape.ffn_dim, dim}, {&layer.ffn_down, dim, shape.ffn_dim}};
  const struct {
    const float** vector;
    int64_t cols;
    float mean;
  } vectors[] = {{&layer.attn_q_bias, dim, 0.0f},
                 {&layer.attn_k_bias, dim, 0.0f},
                 {&layer.attn_v_bias, dim, 0.0f},
                 {&layer.attn_output_bias, dim, 0.0f},
                 {&layer.attn_norm, dim, 1.0f},
                 {&layer.attn_norm_bias, dim, 0.0f},
                 {&layer.ffn_up_bias, shape.ffn_dim, 0.0f},
                 {&layer.ffn_down_bias, dim, 0.0f},
                 {&layer.ffn_norm, dim, 1.0f},
                 {&layer.ffn_norm_bias, dim, 0.0f}};
  std::vector<Fill> fills;
  for (const auto& m : matrices) {
    fills.push_back({*pure, m.rows, m.cols, 1.0 / std::sqrt(static_cast<double>(m.cols)), 0.0f, 0});
  }
  for (const auto& v : vectors) fills.push_back({Format::kF32, 1, v.cols, 0.1, v.mean, 0});
  const int64_t byte = LayOut(fills);
  const std::shared_ptr<RawBuffer> buffer = MakeFilled(fills, byte, seed, pool);
  if (!buffer) {
    loaded.error = NoMemory(shape, byte);
    return loaded;
  }
  size_t next = 0;
  for (const auto& m : matrices) {
    *m.matrix = {*pure, m.rows, m.cols, buffer->data() + fills[next++].offset_byte};
  }
  for (const auto& v : vectors) {
    *v.vector = reinterpret_cast<const float*>(buffer->data() + fills[next++].offset_byte);
  }
  loaded.storage = buffer;
  return loaded;
}

}  // namespace wattline::kernels
