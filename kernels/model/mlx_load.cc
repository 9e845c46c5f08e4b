#include "kernels/model/mlx_load.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <new>
#include <optional>

#include "kernels/buffer.h"
#include "kernels/float16.h"
#include "kernels/model/gguf.h"
#include "kernels/model/mlx_blocks.h"
#include "kernels/model/mlx_config.h"
#include "kernels/model/mlx_module.h"
#include "kernels/model/safetensors.h"
#include "kernels/model/shapes.h"
#include "kernels/model/tensors.h"

namespace wattline::kernels {
namespace {

std::optional<Format> DenseFormat(std::string_view dtype) {
  if (dtype == "F32") return Format::kF32;
  if (dtype == "F16") return Format::kF16;
  if (dtype == "BF16") return Format::kBF16;
  return std::nullopt;
}

// A tensor of the model and where it was found; `scales` of packed matrices, `biases` of affine
// ones.
struct Found {
  TensorSpec spec;
  Format format = Format::kF32;
  const SafeTensor* weight = nullptr;
  const SafeTensor* scales = nullptr;
  const SafeTensor* biases = nullptr;
};

class MlxLoader {
 public:
  LoadedModel Load(const NamedBytes& config, const std::vector<NamedBytes>& weights) {
    const bool good = ReadConfig(config) && ReadTensors(weights) && FindTensors() &&
                      CheckForeignTensors() && Copy();
    if (!good) return {nullptr, error_};
    NameFormat();
    model_->storage = buffer_;
    return {model_, {}, Note()};
  }

 private:
  bool Fail(const std::string& what) {
    error_ = what;
    return false;
  }
  bool FailTensor(const std::string& name, const std::string& what) {
    const auto source = sources_.find(name);
    return Fail(fmt::format("{}: tensor {} {}",
                            source == sources_.end() ? weights_source_ : source->second,
                            Quoted(name), what));
  }

  bool ReadConfig(const NamedBytes& config) {
    config_ = ParseMlxConfig(
        {reinterpret_cast<const char*>(config.bytes.data()), config.bytes.size()}, config.source);
    model_->shape = config_.shape;
    return config_.error.empty() || Fail(config_.error);
  }

  bool ReadTensors(const std::vector<NamedBytes>& weights) {
    for (const NamedBytes& file : weights) {
      weights_source_ = file.source;
      ParsedSafetensors parsed = ParseSafetensors(file.bytes, file.source);
      if (!parsed.error.empty()) return Fail(parsed.error);
      for (SafeTensor& tensor : parsed.tensors) {
        const std::string name = tensor.name;
        if (!sources_.emplace(name, file.source).second) {
          return Fail(
              fmt::format("{}: tensor {} is in {} too", file.source, Quoted(name), sources_[name]));
        }
        tensors_.emplace(name, std::move(tensor));
      }
    }
    // mlx_lm leaves an output matrix out where the embedding table stands in for it.
    const bool has_output = tensors_.contains("lm_head.weight");
    model_->shape.tied_output = config_.tied.value_or(!has_output);
    return true;
  }

  // Takes it out of those that are foreign.
  const SafeTensor* Take(const std::string& name) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) return nullptr;
    const SafeTensor* tensor = &taken_.emplace(name, std::move(found->second)).first->second;
    tensors_.erase(found);
    return tensor;
  }

  bool CheckShape(const SafeTensor& tensor, const std::vector<int64_t>& wanted) {
    if (tensor.shape == wanted) return true;
    return FailTensor(tensor.name, fmt::format("has the shape {}, but by config.json it must be {}",
                                               ShapeText(tensor.shape), ShapeText(wanted)));
  }

  bool FindTensors() {
    for (TensorSpec& spec : LlamaTensors(model_->shape)) {
      const std::string module = MlxModule(spec);
      Found found;
      found.weight = Take(module + ".weight");
      if (found.weight == nullptr) return FailTensor(module + ".weight", "is missing");
      found.scales = Take(module + ".scales");
      found.biases = Take(module + ".biases");
      found.spec = std::move(spec);
      if (!(found.scales == nullptr ? TakeDense(found) : TakePacked(module, found))) return false;
      found_.push_back(std::move(found));
    }
    return true;
  }

  bool TakeDense(Found& found) {
    const TensorSpec& spec = found.spec;
    const SafeTensor& weight = *found.weight;
    const std::optional<Format> format = DenseFormat(weight.dtype);
    if (!format) {
      return FailTensor(weight.name, fmt::format("has dtype {} without scales; supported: F32, "
                                                 "F16, BF16, and U32 with scales and biases",
                                                 weight.dtype));
    }
    found.format = *format;
    if (IsNorm(spec.role)) return CheckShape(weight, {spec.cols});
    return CheckShape(weight, {spec.rows, spec.cols});
  }

  bool TakePacked(const std::string& module, Found& found) {
    const TensorSpec& spec = found.spec;
    if (IsNorm(spec.role)) return FailTensor(found.scales->name, "belongs to a norm");
    const std::optional<MlxPacking> packing = Inferred(found);
    if (!packing) {
      return FailTensor(
          found.weight->name,
          fmt::format("has the shape {} and its scales have {}, which is no packing "
                      "of {} columns",
                      ShapeText(found.weight->shape), ShapeText(found.scales->shape), spec.cols));
    }
    const std::optional<Format> format = FormatOf(*packing);
    if (!format) {
      return FailTensor(found.weight->name, fmt::format("is packed as {}; supported: {}",
                                                        PackingText(*packing), KnownPackings()));
    }
    found.format = *format;
    if (found.weight->dtype != "U32") {
      return FailTensor(found.weight->name, fmt::format("has dtype {}, but packed it must be U32",
                                                        found.weight->dtype));
    }
    const int64_t groups = spec.cols / packing->group;
    return CheckPacking(module, *packing, found) && CheckBiases(module, *packing, found) &&
           CheckShape(*found.weight, {spec.rows, spec.cols * packing->bits / 32}) &&
           CheckShape(*found.scales, {spec.rows, groups}) &&
           (found.biases == nullptr || CheckShape(*found.biases, {spec.rows, groups}));
  }

  // What config.json says of the module, or of all.
  bool CheckPacking(const std::string& module, const MlxPacking& packing, const Found& found) {
    std::string said;
    const auto own = config_.packings.find(module);
    if (own != config_.packings.end()) {
      if (own->second != packing) said = PackingText(own->second);
    } else if (config_.mode && *config_.mode != packing.mode) {
      said = "mode " + Quoted(*config_.mode);
    }
    return said.empty() ||
           FailTensor(found.weight->name, fmt::format("is packed as {}, but config.json says {}",
                                                      PackingText(packing), said));
  }

  bool CheckBiases(const std::string& module, const MlxPacking& packing, const Found& found) {
    if (!packing.HasBiases()) {
      if (found.biases == nullptr) return true;
      return FailTensor(found.biases->name, fmt::format("has no place: the weights are packed as "
                                                        "{}",
                                                        PackingText(packing)));
    }
    if (found.biases == nullptr) return FailTensor(module + ".biases", "is missing");
    const std::string& type = found.scales->dtype;
    if ((type == "F16" || type == "BF16") && found.biases->dtype == type) return true;
    return FailTensor(found.scales->name,
                      fmt::format("has dtype {} and the biases have {}; both must be F16, or "
                                  "both BF16",
                                  type, found.biases->dtype));
  }

  // mlx_lm's infer_quant_config. Scales of one byte are those of the modes without biases, which
  // differ in groups or bits.
  static std::optional<MlxPacking> Inferred(const Found& found) {
    const std::vector<int64_t>&words = found.weight->shape, &groups = found.scales->shape;
    const int64_t cols = found.spec.cols;
    if (words.size() != 2 || groups.size() != 2) return std::nullopt;
    if (groups[1] < 1 || cols % groups[1] != 0 || words[1] * 32 % cols != 0) return std::nullopt;
    MlxPacking packing{cols / groups[1], words[1] * 32 / cols};
    if (found.scales->dtype == "U8") {
      packing.mode = packing.bits == 8 ? "mxfp8" : packing.group == 16 ? "nvfp4" : "mxfp4";
    }
    return packing;
  }

  static std::string KnownPackings() {
    std::string text;
    for (const FormatInfo& info : AllFormats()) {
      const std::optional<MlxPacking> packing = PackingOf(info.format);
      if (!packing || FormatOf(*packing) != info.format) continue;
      text += (text.empty() ? "" : "; ") + PackingText(*packing);
    }
    return text;
  }

  // What is left would change the result and cannot be computed here.
  bool CheckForeignTensors() {
    for (const auto& [name, tensor] : tensors_) {
      // mlx_lm leaves out both: frequencies that rope_theta says, and the output matrix of a model
      // whose embedding table is one.
      if (name.ends_with("rotary_emb.inv_freq")) continue;
      if (model_->shape.tied_output && name.starts_with("lm_head.")) continue;
      if (name.ends_with(".bias")) {
        return FailTensor(name, "is a bias; only Llama models without biases are supported");
      }
      return FailTensor(name, "is no part of a Llama model with this config.json");
    }
    return true;
  }

  // All tensors, then the RoPE factors, in one buffer.
  bool Copy() {
    std::vector<float> factors = RopeFactors(model_->shape);
    if (config_.rope_divisor != 1.0) {
      factors.assign(static_cast<size_t>(model_->shape.rope_dim / 2),
                     static_cast<float>(config_.rope_divisor));
    }
    int64_t byte = static_cast<int64_t>(factors.size() * sizeof(float));
    for (const Found& found : found_) byte += RoundToLine(Byte(found));
    buffer_ = std::make_shared<RawBuffer>(static_cast<size_t>(byte));
    model_->layers.resize(static_cast<size_t>(model_->shape.layers));
    std::byte* to = buffer_->data();
    for (const Found& found : found_) {
      if (!CopyOne(found, to)) return false;
      const bool is_norm = IsNorm(found.spec.role);
      PlaceTensor(found.spec, is_norm ? Format::kF32 : found.format, to, *model_);
      to += RoundToLine(Byte(found));
    }
    if (factors.empty()) return true;
    std::memcpy(to, factors.data(), factors.size() * sizeof(float));
    model_->rope_factors = reinterpret_cast<const float*>(to);
    return true;
  }

  // In the buffer.
  static int64_t Byte(const Found& found) {
    const TensorSpec& spec = found.spec;
    return spec.rows * RowByte(IsNorm(spec.role) ? Format::kF32 : found.format, spec.cols);
  }

  bool CopyOne(const Found& found, std::byte* to) {
    if (IsNorm(found.spec.role)) return CopyNorm(found, to);
    if (found.scales == nullptr) {
      std::memcpy(to, found.weight->data.data(), found.weight->data.size());
      return true;
    }
    const MlxSource from = {found.weight->data.data(), found.scales->data.data(),
                            found.biases == nullptr ? nullptr : found.biases->data.data(),
                            found.scales->dtype == "BF16"};
    const int64_t groups = found.spec.rows * found.spec.cols / Info(found.format).block_elements;
    const std::string fault = PackBlocks(found.format, groups, from, to, rounding_);
    return fault.empty() || FailTensor(found.weight->name, fault);
  }

  bool CopyNorm(const Found& found, std::byte* to) {
    for (int64_t i = 0; i < found.spec.cols; ++i) {
      const std::byte* at = found.weight->data.data() + i * Info(found.format).block_byte;
      float value = 0;
      if (found.format == Format::kF32) {
        std::memcpy(&value, at, sizeof value);
      } else {
        uint16_t bits = 0;
        std::memcpy(&bits, at, sizeof bits);
        value = found.format == Format::kF16 ? FloatFromF16(bits) : FloatFromBf16(bits);
      }
      if (!std::isfinite(value)) {
        return FailTensor(
            found.weight->name,
            fmt::format("has the element {} at place {}; the file is damaged", value, i));
      }
      std::memcpy(to + i * static_cast<int64_t>(sizeof value), &value, sizeof value);
    }
    return true;
  }

  void NameFormat() {
    std::map<Format, int64_t> byte;
    for (const Found& found : found_) byte[found.format] += Byte(found);
    Format most = found_.front().format;
    for (const auto& [format, of_format] : byte) {
      if (of_format > byte[most]) most = format;
    }
    model_->format = Info(most).name;
  }

  std::string Note() const {
    if (rounding_.rounded == 0) return {};
    return fmt::format(
        "{}: {} of {} groups have a scale or bias in bf16 that f16 has not; weights "
        "moved by up to {:.1e}",
        weights_source_, rounding_.rounded, rounding_.groups, rounding_.most);
  }

  MlxConfig config_;
  std::string weights_source_;
  std::map<std::string, SafeTensor> tensors_, taken_;
  std::map<std::string, std::string> sources_;
  std::vector<Found> found_;
  HalfRounding rounding_;
  std::shared_ptr<RawBuffer> buffer_;
  std::shared_ptr<Model> model_ = std::make_shared<Model>();
  std::string error_;
};

}  // namespace

LoadedModel LoadMlxFromMemory(const NamedBytes& config, const std::vector<NamedBytes>& weights) {
  try {
    return MlxLoader().Load(config, weights);
  } catch (const std::bad_alloc&) {
    return {nullptr, fmt::format("{}: there is no memory left to read the model", config.source)};
  }
}

}  // namespace wattline::kernels
