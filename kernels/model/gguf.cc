#include "kernels/model/gguf.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <unordered_set>

namespace wattline::kernels {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint64_t kMaxAlignmentByte = uint64_t{1} << 20;
// The least that a pair (length, 1 letter, type, 1 byte) and a tensor (length, 1 letter, number of
// dimensions, 1 dimension, type, offset) take: what bounds the counts that a file can hold.
constexpr uint64_t kLeastPairByte = 8 + 1 + 4 + 1;
constexpr uint64_t kLeastTensorByte = 8 + 1 + 4 + 8 + 4 + 8;

// Bytes of a scalar of the type; 0 for strings and arrays.
uint64_t ScalarByte(GgufType type) {
  switch (type) {
    case GgufType::kU8:
    case GgufType::kI8:
    case GgufType::kBool:
      return 1;
    case GgufType::kU16:
    case GgufType::kI16:
      return 2;
    case GgufType::kU32:
    case GgufType::kI32:
    case GgufType::kF32:
      return 4;
    case GgufType::kU64:
    case GgufType::kI64:
    case GgufType::kF64:
      return 8;
    case GgufType::kString:
    case GgufType::kArray:
      return 0;
  }
  return 0;
}

// Reads forward; after the first failure everything fails and `error` keeps its sentence.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::string& source)
      : bytes_(bytes), source_(source) {}

  uint64_t offset() const { return offset_; }
  uint64_t left() const { return bytes_.size() - offset_; }
  const std::string& error() const { return error_; }

  bool Fail(const std::string& what) {
    if (error_.empty()) error_ = fmt::format("{}: {}", source_, what);
    return false;
  }

  template <typename T>
  bool Read(T& value, const std::string& what) {
    if (!error_.empty()) return false;
    if (left() < sizeof(T)) {
      return Fail(fmt::format("ends at byte {}, inside {} at byte {}; the file is truncated",
                              bytes_.size(), what, offset_));
    }
    std::memcpy(&value, bytes_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return true;
  }

  bool ReadString(std::string_view& text, const std::string& what) {
    uint64_t length = 0;
    const uint64_t at = offset_;
    if (!Read(length, "the length of " + what)) return false;
    if (length > left()) {
      return Fail(
          fmt::format("{} at byte {} says that it has {} bytes, but only {} follow; the "
                      "file is truncated or damaged",
                      what, at, length, left()));
    }
    text = {reinterpret_cast<const char*>(bytes_.data() + offset_), length};
    offset_ += length;
    return true;
  }

  bool Skip(uint64_t byte) {
    offset_ += byte;
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& source_;
  uint64_t offset_ = 0;
  std::string error_;
};

bool ReadType(Cursor& cursor, const std::string& what, GgufType& type) {
  uint32_t code = 0;
  const uint64_t at = cursor.offset();
  if (!cursor.Read(code, "the type of " + what)) return false;
  if (code > static_cast<uint32_t>(GgufType::kF64)) {
    return cursor.Fail(
        fmt::format("{} has value type {} at byte {}; GGUF knows 0 to 12", what, code, at));
  }
  type = static_cast<GgufType>(code);
  return true;
}

template <typename Stored, typename Kept>
bool ReadScalar(Cursor& cursor, const std::string& what, GgufValue& value) {
  Stored stored{};
  if (!cursor.Read(stored, what)) return false;
  value = static_cast<Kept>(stored);
  return true;
}

bool ReadArray(Cursor& cursor, const std::string& what, GgufValue& value) {
  GgufArray array;
  if (!ReadType(cursor, "the array in " + what, array.type)) return false;
  if (array.type == GgufType::kArray) {
    return cursor.Fail(fmt::format("{} is an array of arrays, which no Llama file has", what));
  }
  const uint64_t at = cursor.offset();
  if (!cursor.Read(array.count, "the length of the array in " + what)) return false;
  // A string is at least its length.
  const uint64_t least_byte = array.type == GgufType::kString ? 8 : ScalarByte(array.type);
  if (array.count > cursor.left() / least_byte) {
    return cursor.Fail(
        fmt::format("{} says at byte {} that its array has {} elements, but only {} "
                    "bytes follow; the file is truncated or damaged",
                    what, at, array.count, cursor.left()));
  }
  value = array;
  if (array.type != GgufType::kString) return cursor.Skip(array.count * least_byte);
  const std::string element = "a string in " + what;
  for (uint64_t i = 0; i < array.count; ++i) {
    std::string_view text;
    if (!cursor.ReadString(text, element)) return false;
  }
  return true;
}

bool ReadBool(Cursor& cursor, const std::string& what, GgufValue& value) {
  uint8_t stored = 0;
  const uint64_t at = cursor.offset();
  if (!cursor.Read(stored, what)) return false;
  if (stored > 1) {
    return cursor.Fail(
        fmt::format("{} is a truth value of {} at byte {}, but must be 0 or 1", what, stored, at));
  }
  value = stored == 1;
  return true;
}

bool ReadValue(Cursor& cursor, const std::string& what, GgufValue& value) {
  GgufType type{};
  if (!ReadType(cursor, what, type)) return false;
  switch (type) {
    case GgufType::kU8:
      return ReadScalar<uint8_t, uint64_t>(cursor, what, value);
    case GgufType::kI8:
      return ReadScalar<int8_t, int64_t>(cursor, what, value);
    case GgufType::kU16:
      return ReadScalar<uint16_t, uint64_t>(cursor, what, value);
    case GgufType::kI16:
      return ReadScalar<int16_t, int64_t>(cursor, what, value);
    case GgufType::kU32:
      return ReadScalar<uint32_t, uint64_t>(cursor, what, value);
    case GgufType::kI32:
      return ReadScalar<int32_t, int64_t>(cursor, what, value);
    case GgufType::kF32:
      return ReadScalar<float, double>(cursor, what, value);
    case GgufType::kU64:
      return ReadScalar<uint64_t, uint64_t>(cursor, what, value);
    case GgufType::kI64:
      return ReadScalar<int64_t, int64_t>(cursor, what, value);
    case GgufType::kF64:
      return ReadScalar<double, double>(cursor, what, value);
    case GgufType::kBool:
      return ReadBool(cursor, what, value);
    case GgufType::kArray:
      return ReadArray(cursor, what, value);
    case GgufType::kString: {
      std::string_view text;
      if (!cursor.ReadString(text, what)) return false;
      value = text;
      return true;
    }
  }
  return false;
}

bool ReadMagic(Cursor& cursor) {
  char magic[4] = {};
  uint32_t version = 0;
  if (!cursor.Read(magic, "the magic")) return false;
  if (std::memcmp(magic, "GGUF", 4) != 0) {
    return cursor.Fail(
        fmt::format("starts with {}, not with 'GGUF': this is no GGUF file", Quoted({magic, 4})));
  }
  if (!cursor.Read(version, "the version")) return false;
  if (version == 2 || version == 3) return true;
  if (version == 0x03000000u || version == 0x02000000u) {
    return cursor.Fail("is a big-endian GGUF file; convert it to little-endian first");
  }
  return cursor.Fail(fmt::format("is GGUF version {} (bytes 4 to 7); supported: 2 and 3", version));
}

bool ReadCounts(Cursor& cursor, uint64_t& tensors, uint64_t& pairs) {
  if (!cursor.Read(tensors, "the number of tensors")) return false;
  if (!cursor.Read(pairs, "the number of metadata pairs")) return false;
  if (tensors > cursor.left() / kLeastTensorByte) {
    return cursor.Fail(
        fmt::format("says at byte 8 that it has {} tensors, more than the {} bytes "
                    "that follow can hold; the file is truncated or damaged",
                    tensors, cursor.left()));
  }
  if (pairs > cursor.left() / kLeastPairByte) {
    return cursor.Fail(
        fmt::format("says at byte 16 that it has {} metadata pairs, more than the {} "
                    "bytes that follow can hold; the file is truncated or damaged",
                    pairs, cursor.left()));
  }
  return true;
}

bool ReadPairs(Cursor& cursor, uint64_t count, GgufFile& file) {
  std::unordered_set<std::string_view> keys;
  for (uint64_t i = 0; i < count; ++i) {
    GgufPair pair;
    const uint64_t at = cursor.offset();
    if (!cursor.ReadString(pair.key, fmt::format("metadata key {}", i))) return false;
    const std::string what = "key " + Quoted(pair.key);
    if (pair.key.empty())
      return cursor.Fail(fmt::format("metadata key {} at byte {} is empty", i, at));
    if (!keys.insert(pair.key).second) {
      return cursor.Fail(fmt::format("{} occurs twice, again at byte {}", what, at));
    }
    if (!ReadValue(cursor, what, pair.value)) return false;
    file.pairs.push_back(pair);
  }
  return true;
}

bool ReadDimensions(Cursor& cursor, const std::string& what, GgufTensor& tensor) {
  uint32_t dimensions = 0;
  uint64_t at = cursor.offset();
  if (!cursor.Read(dimensions, "the number of dimensions of " + what)) return false;
  if (dimensions < 1 || dimensions > 4) {
    return cursor.Fail(
        fmt::format("{} has {} dimensions at byte {}, but must have 1 to 4", what, dimensions, at));
  }
  uint64_t elements = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    uint64_t size = 0;
    at = cursor.offset();
    if (!cursor.Read(size, fmt::format("dimension {} of {}", i, what))) return false;
    if (size < 1 || size > kMaxGgufElements / elements) {
      return cursor.Fail(
          fmt::format("dimension {} of {} is {} at byte {}, but must be at least 1 "
                      "and leave the tensor at most 2^48 elements",
                      i, what, static_cast<int64_t>(size), at));
    }
    elements *= size;
    tensor.ne[i] = static_cast<int64_t>(size);
  }
  return true;
}

bool ReadTensors(Cursor& cursor, uint64_t count, GgufFile& file) {
  std::unordered_set<std::string_view> names;
  for (uint64_t i = 0; i < count; ++i) {
    GgufTensor tensor;
    const uint64_t at = cursor.offset();
    if (!cursor.ReadString(tensor.name, fmt::format("the name of tensor {}", i))) return false;
    const std::string what = "tensor " + Quoted(tensor.name);
    if (tensor.name.empty()) {
      return cursor.Fail(fmt::format("the name of tensor {} at byte {} is empty", i, at));
    }
    if (!names.insert(tensor.name).second) {
      return cursor.Fail(fmt::format("{} occurs twice, again at byte {}", what, at));
    }
    if (!ReadDimensions(cursor, what, tensor)) return false;
    if (!cursor.Read(tensor.type, "the type of " + what)) return false;
    if (!cursor.Read(tensor.offset_byte, "the offset of " + what)) return false;
    file.tensors.push_back(tensor);
  }
  return true;
}

bool SetAlignment(Cursor& cursor, GgufFile& file) {
  const GgufValue* value = file.Find("general.alignment");
  if (value == nullptr) return true;
  const auto* number = std::get_if<uint64_t>(value);
  if (number == nullptr) {
    return cursor.Fail("key 'general.alignment' is no unsigned integer");
  }
  // A multiple of 8 by the format's text, a power of two by every writer.
  if (*number < 8 || *number > kMaxAlignmentByte || !std::has_single_bit(*number)) {
    return cursor.Fail(
        fmt::format("key 'general.alignment' is {}, but must be a power of two from "
                    "8 to {}",
                    *number, kMaxAlignmentByte));
  }
  file.alignment_byte = *number;
  return true;
}

}  // namespace

std::string Quoted(std::string_view text) {
  constexpr size_t kMost = 64;
  std::string quoted = "'";
  for (const char letter : text.substr(0, kMost)) {
    quoted += letter >= ' ' && letter <= '~' ? letter : '?';
  }
  quoted += text.size() > kMost ? "...'" : "'";
  return quoted;
}

const GgufValue* GgufFile::Find(std::string_view key) const {
  for (const GgufPair& pair : pairs) {
    if (pair.key == key) return &pair.value;
  }
  return nullptr;
}

ParsedGguf ParseGguf(std::span<const std::byte> bytes, std::string source) {
  ParsedGguf parsed;
  GgufFile& file = parsed.file;
  file.source = std::move(source);
  file.bytes = bytes;
  Cursor cursor(bytes, file.source);
  uint64_t tensors = 0;
  uint64_t pairs = 0;
  const bool good = ReadMagic(cursor) && ReadCounts(cursor, tensors, pairs) &&
                    ReadPairs(cursor, pairs, file) && ReadTensors(cursor, tensors, file) &&
                    SetAlignment(cursor, file);
  if (good) {
    const uint64_t mask = file.alignment_byte - 1;
    file.data_start_byte = (cursor.offset() + mask) & ~mask;
  }
  parsed.error = cursor.error();
  return parsed;
}

}  // namespace wattline::kernels
