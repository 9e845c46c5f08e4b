// Names of models and weight formats as other programs write them, under ours.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wattline::roofline {

// "meta-llama/Llama-3.1-8B-Instruct" and "Meta-Llama-3.1-8B.Q4_K_M.gguf" are "llama-3.1-8b": a
// tuned model does the work of its base. Absent where the text names none of those that we know.
std::optional<std::string> KnownModel(std::string_view text);

struct ModelName {
  std::string name;
  std::string remark;  // why it is not sure; else empty
};

// Of llama.cpp's description "llama 8B Q4_K - Medium", its count of parameters (0: not told;
// `within` is the share that it may be off by: printed tables round) and the model's file name.
ModelName ModelOfGguf(std::string_view type, double params, double within, std::string_view file);
// "Q4_K - Medium" of the same description: "q4_k_m"; "unknown" where it has none.
std::string FormatOfGguf(std::string_view type);

// "mlx-community/Llama-3.2-1B-Instruct-4bit" -> "mlx_4bit", "...-bf16" -> "bf16".
std::optional<std::string> FormatOfMlx(std::string_view model);
// "float16", "torch.bfloat16" -> "f16", "bf16"; others as they are called.
std::string FormatOfTorch(std::string_view dtype);

}  // namespace wattline::roofline
