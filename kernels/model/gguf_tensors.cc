#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "kernels/model/gguf.h"

namespace wattline::kernels {
namespace {

// ggml.h, enum ggml_type: those that Format lacks.
std::string TypeName(uint32_t code) {
  constexpr struct {
    uint32_t code;
    const char* name;
  } kOther[] = {{6, "Q5_0"},    {7, "Q5_1"},     {9, "Q8_1"},    {10, "Q2_K"},    {11, "Q3_K"},
                {15, "Q8_K"},   {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"},
                {20, "IQ4_NL"}, {21, "IQ3_S"},   {22, "IQ2_S"},  {23, "IQ4_XS"},  {24, "I8"},
                {25, "I16"},    {26, "I32"},     {27, "I64"},    {28, "F64"},     {29, "IQ1_M"},
                {34, "TQ1_0"},  {35, "TQ2_0"},   {39, "MXFP4"},  {40, "NVFP4"},   {41, "Q1_0"},
                {42, "Q2_0"}};
  for (const auto& other : kOther) {
    if (other.code == code) return other.name;
  }
  return "unknown";
}

std::string SupportedTypes() {
  std::string names;
  for (const FormatInfo& info : AllFormats()) {
    if (!info.gguf_type) continue;
    if (!names.empty()) names += ", ";
    for (const char letter : info.name) {
      names += letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    }
  }
  return names;
}

// Sets format and data of one tensor; what is wrong with it, or empty.
std::string Locate(const GgufFile& file, GgufTensor& tensor) {
  const std::optional<Format> format = FormatFromGgufType(tensor.type);
  if (!format) {
    return fmt::format("has type {} (code {}); supported: {}", TypeName(tensor.type), tensor.type,
                       SupportedTypes());
  }
  tensor.format = *format;
  const FormatInfo& info = Info(*format);
  if (tensor.ne[0] % info.block_elements != 0) {
    return fmt::format("has rows of {} elements, no multiple of the {} in a block of {}",
                       tensor.ne[0], info.block_elements, info.name);
  }
  if (tensor.offset_byte % file.alignment_byte != 0) {
    return fmt::format("has offset {}, no multiple of the alignment {}", tensor.offset_byte,
                       file.alignment_byte);
  }
  const int64_t rows = tensor.ne[1] * tensor.ne[2] * tensor.ne[3];
  // At most kMaxGgufElements of at most 4 bytes each.
  const auto byte = static_cast<uint64_t>(rows * RowByte(*format, tensor.ne[0]));
  const uint64_t size_byte = file.bytes.size();
  const uint64_t data_byte =
      size_byte > file.data_start_byte ? size_byte - file.data_start_byte : 0;
  if (tensor.offset_byte > data_byte || byte > data_byte - tensor.offset_byte) {
    return fmt::format(
        "needs {} bytes at offset {} of the data, which starts at byte {}, but the "
        "file has {} bytes; it is truncated or damaged",
        byte, tensor.offset_byte, file.data_start_byte, size_byte);
  }
  tensor.data = file.bytes.subspan(file.data_start_byte + tensor.offset_byte, byte);
  return {};
}

}  // namespace

std::string LocateTensors(GgufFile& file) {
  std::vector<const GgufTensor*> by_offset;
  for (GgufTensor& tensor : file.tensors) {
    if (const std::string fault = Locate(file, tensor); !fault.empty()) {
      return fmt::format("{}: tensor {} {}", file.source, Quoted(tensor.name), fault);
    }
    by_offset.push_back(&tensor);
  }
  std::sort(by_offset.begin(), by_offset.end(), [](const GgufTensor* a, const GgufTensor* b) {
    return a->offset_byte < b->offset_byte;
  });
  for (size_t i = 1; i < by_offset.size(); ++i) {
    const GgufTensor& before = *by_offset[i - 1];
    const GgufTensor& after = *by_offset[i];
    if (before.offset_byte + before.data.size() > after.offset_byte) {
      return fmt::format("{}: tensor {} at offset {} of the data overlaps tensor {} at offset {}",
                         file.source, Quoted(after.name), after.offset_byte, Quoted(before.name),
                         before.offset_byte);
    }
  }
  return {};
}

}  // namespace wattline::kernels
