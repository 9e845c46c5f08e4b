// The container of a model file: GGUF versions 2 and 3, little-endian, read in place from bytes
// that nobody has checked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/format.h"

namespace wattline::kernels {

// ggml docs/gguf.md, "gguf_metadata_value_type".
enum class GgufType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
};

struct GgufArray {
  GgufType type = GgufType::kU8;
  uint64_t count = 0;
};

using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string_view, GgufArray>;

struct GgufPair {
  std::string_view key;
  GgufValue value;
};

// No tensor may have more: sizes in bytes then stay far from overflow.
constexpr uint64_t kMaxGgufElements = uint64_t{1} << 48;

struct GgufTensor {
  std::string_view name;
  std::array<int64_t, 4> ne = {1, 1, 1, 1};  // ne[0] is the row's length, fastest
  uint32_t type = 0;                         // ggml_type code
  uint64_t offset_byte = 0;                  // from the start of the data
  Format format = Format::kF32;              // this one and `data`: set by LocateTensors
  std::span<const std::byte> data;
};

// Views into the bytes that were parsed, which must outlive it.
struct GgufFile {
  std::string source;  // what errors call it: the path
  std::span<const std::byte> bytes;
  std::vector<GgufPair> pairs;
  std::vector<GgufTensor> tensors;
  uint64_t alignment_byte = 32;
  uint64_t data_start_byte = 0;

  const GgufValue* Find(std::string_view key) const;
};

// `error` is empty or says in one sentence what is wrong, with the value, its key or tensor and its
// offset. Nothing is read outside of `bytes`; memory stays within a small multiple of its size.
struct ParsedGguf {
  GgufFile file;
  std::string error;
};
ParsedGguf ParseGguf(std::span<const std::byte> bytes, std::string source);

// Checks types, sizes, offsets and overlaps of all tensors and sets their format and data. The
// error, or empty. Apart from parsing so that a foreign architecture is named before its types.
std::string LocateTensors(GgufFile& file);

// Text from a file for an error: quoted, unprintable bytes as '?', cut at 64.
std::string Quoted(std::string_view text);

}  // namespace wattline::kernels
