#include "kernels/model/load_name.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace wattline::kernels {
namespace {

// Lower case; runs of other characters than letters, digits and '.' become one '-'.
std::string Sanitised(std::string_view text) {
  std::string name;
  for (const char letter : text.substr(0, 64)) {
    const bool upper = letter >= 'A' && letter <= 'Z';
    const bool kept =
        (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '.';
    if (upper) {
      name += static_cast<char>(letter - 'A' + 'a');
    } else if (kept) {
      name += letter;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name;
}

// llama.h, enum llama_ftype: those made of supported formats.
std::optional<std::string> FileTypeName(int64_t code) {
  constexpr std::pair<int64_t, const char*> kNames[] = {
      {0, "f32"},     {1, "f16"},     {2, "q4_0"},    {3, "q4_1"},  {7, "q8_0"}, {14, "q4_k_s"},
      {15, "q4_k_m"}, {16, "q5_k_s"}, {17, "q5_k_m"}, {18, "q6_k"}, {32, "bf16"}};
  for (const auto& [known, name] : kNames) {
    if (known == code) return name;
  }
  return std::nullopt;
}

std::string FormatOfMostBytes(const GgufFile& file) {
  std::vector<size_t> byte(AllFormats().size());
  Format most = Format::kF32;
  for (const GgufTensor& tensor : file.tensors) {
    byte[static_cast<size_t>(tensor.format)] += tensor.data.size();
  }
  for (const FormatInfo& info : AllFormats()) {
    if (byte[static_cast<size_t>(info.format)] > byte[static_cast<size_t>(most)])
      most = info.format;
  }
  return std::string(Info(most).name);
}

}  // namespace

std::string NameOfText(std::string_view text) {
  const std::string name = Sanitised(text);
  return name.empty() ? "model" : name;
}

std::string ModelName(GgufKeys& keys, std::string_view source) {
  std::string name = Sanitised(keys.MaybeText("general.basename").value_or(""));
  const std::string size = Sanitised(keys.MaybeText("general.size_label").value_or(""));
  if (!name.empty() && !size.empty() && name.find(size) == std::string::npos) name += "-" + size;
  if (name.empty()) name = Sanitised(keys.MaybeText("general.name").value_or(""));
  if (!name.empty()) return name;
  const size_t slash = source.rfind('/');
  std::string_view stem = slash == std::string_view::npos ? source : source.substr(slash + 1);
  if (stem.ends_with(".gguf")) stem.remove_suffix(5);
  return NameOfText(stem);
}

std::string FormatName(GgufKeys& keys, const GgufFile& file) {
  const std::optional<int64_t> file_type = keys.MaybeCount("general.file_type");
  const std::optional<std::string> name = file_type ? FileTypeName(*file_type) : std::nullopt;
  return name ? *name : FormatOfMostBytes(file);
}

}  // namespace wattline::kernels
