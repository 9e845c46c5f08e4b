#include "kernels/model/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "kernels/model/gguf.h"

namespace wattline::kernels {
namespace {

static_assert(std::endian::native == std::endian::little);

using Json = nlohmann::json;

// The limit of the format's own reader (safetensors/src/tensor.rs, MAX_HEADER_SIZE).
constexpr uint64_t kMostHeaderByte = 100'000'000;

// Whole bytes; the format has types of 4 and 6 bits too, which MLX does not write.
std::optional<uint64_t> DtypeByte(std::string_view dtype) {
  constexpr struct {
    const char* name;
    uint64_t byte;
  } kTypes[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
                {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
                {"U32", 4},  {"F32", 4}, {"I64", 8}, {"U64", 8},     {"F64", 8}};
  for (const auto& type : kTypes) {
    if (type.name == dtype) return type.byte;
  }
  return std::nullopt;
}

// A list of whole numbers from 0 on; null where it is none.
std::optional<std::vector<uint64_t>> Numbers(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return std::nullopt;
  std::vector<uint64_t> numbers;
  for (const Json& one : *found) {
    if (!one.is_number_unsigned()) return std::nullopt;
    numbers.push_back(one.get<uint64_t>());
  }
  return numbers;
}

// Fills in all but the name; what is wrong, or empty. `data` is what follows the header.
std::string ReadEntry(const Json& entry, std::span<const std::byte> data, SafeTensor& tensor) {
  const auto dtype = entry.is_object() ? entry.find("dtype") : entry.end();
  if (!entry.is_object() || dtype == entry.end() || !dtype->is_string()) return "has no dtype";
  tensor.dtype = dtype->get<std::string>();
  const std::optional<uint64_t> element_byte = DtypeByte(tensor.dtype);
  if (!element_byte) return fmt::format("has the unknown dtype {}", Quoted(tensor.dtype));
  const auto shape = Numbers(entry, "shape");
  if (!shape) return "has no shape of whole numbers";
  uint64_t elements = 1;
  for (const uint64_t size : *shape) {
    if (size > kMaxGgufElements || (size > 0 && elements > kMaxGgufElements / size)) {
      return fmt::format("has {} in its shape, but may have at most 2^48 elements", size);
    }
    elements *= size;
    tensor.shape.push_back(static_cast<int64_t>(size));
  }
  const auto offsets = Numbers(entry, "data_offsets");
  if (!offsets || offsets->size() != 2) return "has no data_offsets of two whole numbers";
  const uint64_t begin = offsets->front(), end = offsets->back();
  if (begin > end || end > data.size()) {
    return fmt::format(
        "has data_offsets {} to {}, but {} bytes of data follow the header; the file is truncated "
        "or damaged",
        begin, end, data.size());
  }
  if (end - begin != elements * *element_byte) {
    return fmt::format("has {} bytes at data_offsets {} to {}, but {} of {} need {}", end - begin,
                       begin, end, ShapeText(tensor.shape), tensor.dtype, elements * *element_byte);
  }
  tensor.data = data.subspan(begin, end - begin);
  return {};
}

// The first two tensors that share a byte, as a sentence; or empty.
std::string Overlap(const std::vector<SafeTensor>& tensors, const std::byte* data) {
  std::vector<const SafeTensor*> by_place;
  for (const SafeTensor& tensor : tensors) {
    if (!tensor.data.empty()) by_place.push_back(&tensor);
  }
  std::sort(by_place.begin(), by_place.end(), [](const SafeTensor* a, const SafeTensor* b) {
    return a->data.data() < b->data.data();
  });
  for (size_t i = 1; i < by_place.size(); ++i) {
    const SafeTensor &before = *by_place[i - 1], &after = *by_place[i];
    if (before.data.data() + before.data.size() <= after.data.data()) continue;
    return fmt::format("tensor {} at data offset {} overlaps tensor {} at {}", Quoted(after.name),
                       after.data.data() - data, Quoted(before.name), before.data.data() - data);
  }
  return {};
}

std::string Parse(std::span<const std::byte> bytes, std::vector<SafeTensor>& tensors) {
  uint64_t header_byte = 0;
  if (bytes.size() < sizeof header_byte) {
    return fmt::format("has {} bytes, but a safetensors file begins with 8", bytes.size());
  }
  std::memcpy(&header_byte, bytes.data(), sizeof header_byte);
  bytes = bytes.subspan(sizeof header_byte);
  if (header_byte > bytes.size() || header_byte > kMostHeaderByte) {
    return fmt::format(
        "says in its first 8 bytes that its header has {} bytes, but {} follow and a header has at "
        "most {}; the file is truncated or no safetensors file",
        header_byte, bytes.size(), kMostHeaderByte);
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  std::unordered_set<std::string> names;
  std::string twice;
  const auto see = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth != 1 || event != Json::parse_event_t::key) return true;
    const auto& name = value.get_ref<const std::string&>();
    if (!names.insert(name).second) twice = name;
    return true;
  };
  const Json header = Json::parse(text, text + header_byte, see, /*allow_exceptions=*/false);
  if (!header.is_object()) return "has a header that is no JSON object; the file is damaged";
  if (!twice.empty()) return fmt::format("names tensor {} twice in its header", Quoted(twice));
  const std::span<const std::byte> data = bytes.subspan(header_byte);
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    SafeTensor tensor;
    tensor.name = name;
    if (const std::string fault = ReadEntry(entry, data, tensor); !fault.empty()) {
      return fmt::format("tensor {} {}", Quoted(name), fault);
    }
    tensors.push_back(std::move(tensor));
  }
  return Overlap(tensors, data.data());
}

}  // namespace

std::string ShapeText(std::span<const int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

ParsedSafetensors ParseSafetensors(std::span<const std::byte> bytes, const std::string& source) {
  ParsedSafetensors parsed;
  parsed.error = Parse(bytes, parsed.tensors);
  if (!parsed.error.empty()) parsed.error = fmt::format("{}: {}", source, parsed.error);
  return parsed;
}

}  // namespace wattline::kernels
