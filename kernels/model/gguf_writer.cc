#include "kernels/model/gguf_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "kernels/model/gguf.h"

namespace wattline::kernels {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint64_t kAlignmentByte = 32;
constexpr uint64_t Padded(uint64_t byte) {
  return (byte + kAlignmentByte - 1) / kAlignmentByte * kAlignmentByte;
}

template <typename T>
void Put(std::string& to, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  to.append(bytes, sizeof(T));
}

void PutText(std::string& to, std::string_view text) {
  Put<uint64_t>(to, text.size());
  to += text;
}

// Writes everything or leaves the reason in errno.
bool WriteAll(int fd, const char* data, uint64_t byte) {
  constexpr uint64_t kMost = uint64_t{1} << 28;  // macOS refuses 2^31 and more in one call
  while (byte > 0) {
    const ssize_t written = write(fd, data, std::min(byte, kMost));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data += written;
    byte -= static_cast<uint64_t>(written);
  }
  return true;
}

}  // namespace

void GgufWriter::AddPair(std::string_view key, uint32_t type) {
  PutText(pairs_, key);
  Put(pairs_, type);
  ++pair_count_;
}

void GgufWriter::AddArray(std::string_view key, uint32_t element_type, uint64_t count) {
  AddPair(key, static_cast<uint32_t>(GgufType::kArray));
  Put(pairs_, element_type);
  Put(pairs_, count);
}

void GgufWriter::AddU32(std::string_view key, uint32_t value) {
  AddPair(key, static_cast<uint32_t>(GgufType::kU32));
  Put(pairs_, value);
}

void GgufWriter::AddF32(std::string_view key, float value) {
  AddPair(key, static_cast<uint32_t>(GgufType::kF32));
  Put(pairs_, value);
}

void GgufWriter::AddBool(std::string_view key, bool value) {
  AddPair(key, static_cast<uint32_t>(GgufType::kBool));
  Put<uint8_t>(pairs_, value ? 1 : 0);
}

void GgufWriter::AddText(std::string_view key, std::string_view value) {
  AddPair(key, static_cast<uint32_t>(GgufType::kString));
  PutText(pairs_, value);
}

void GgufWriter::AddTexts(std::string_view key, std::span<const std::string> values) {
  AddArray(key, static_cast<uint32_t>(GgufType::kString), values.size());
  for (const std::string& value : values) PutText(pairs_, value);
}

void GgufWriter::AddFloats(std::string_view key, std::span<const float> values) {
  AddArray(key, static_cast<uint32_t>(GgufType::kF32), values.size());
  for (const float value : values) Put(pairs_, value);
}

void GgufWriter::AddInts(std::string_view key, std::span<const int32_t> values) {
  AddArray(key, static_cast<uint32_t>(GgufType::kI32), values.size());
  for (const int32_t value : values) Put(pairs_, value);
}

void GgufWriter::AddTensor(std::string_view name, std::span<const int64_t> ne, uint32_t type,
                           std::span<const std::byte> data) {
  Tensor tensor;
  PutText(tensor.info, name);
  Put(tensor.info, static_cast<uint32_t>(ne.size()));
  for (const int64_t size : ne) Put(tensor.info, size);
  Put(tensor.info, type);
  tensor.data = data;
  tensors_.push_back(std::move(tensor));
}

std::string GgufWriter::Header() const {
  std::string header = "GGUF";
  Put<uint32_t>(header, 3);
  Put<uint64_t>(header, tensors_.size());
  Put(header, pair_count_);
  header += pairs_;
  uint64_t offset_byte = 0;
  for (const Tensor& tensor : tensors_) {
    header += tensor.info;
    Put(header, offset_byte);
    offset_byte += Padded(tensor.data.size());
  }
  header.resize(Padded(header.size()), '\0');
  return header;
}

std::string GgufWriter::Bytes() const {
  std::string bytes = Header();
  for (const Tensor& tensor : tensors_) {
    bytes.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
    bytes.resize(Padded(bytes.size()), '\0');
  }
  return bytes;
}

uint64_t GgufWriter::Byte() const {
  uint64_t byte = Header().size();
  for (const Tensor& tensor : tensors_) byte += Padded(tensor.data.size());
  return byte;
}

std::string GgufWriter::Write(const std::string& path) const {
  const std::string temporary = fmt::format("{}.{}.tmp", path, getpid());
  const auto failed = [&](const char* what) {
    const std::string reason = std::strerror(errno);
    unlink(temporary.c_str());
    return fmt::format("{}: cannot {} it: {}; it needs {} bytes", path, what, reason, Byte());
  };
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) {
    return fmt::format("{}: cannot create it: {}", path, std::strerror(errno));
  }
  constexpr char kZeros[kAlignmentByte] = {};
  const std::string header = Header();
  bool good = WriteAll(fd, header.data(), header.size());
  for (const Tensor& tensor : tensors_) {
    const uint64_t byte = tensor.data.size();
    good = good && WriteAll(fd, reinterpret_cast<const char*>(tensor.data.data()), byte) &&
           WriteAll(fd, kZeros, Padded(byte) - byte);
  }
  if (!good) {
    const std::string error = failed("write");
    close(fd);
    return error;
  }
  if (close(fd) != 0) return failed("close");
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return failed("rename a finished file to");
  return {};
}

}  // namespace wattline::kernels
