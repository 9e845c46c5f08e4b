// Memory for tensors: page-aligned, in huge pages where the system grants them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace wattline::kernels {

// Of a cache line, on which tensors, rows and the scratch of a sequence start.
inline constexpr int64_t kLineByte = 64;
constexpr int64_t RoundToLine(int64_t byte) {
  return (byte + kLineByte - 1) / kLineByte * kLineByte;
}

// Owns `byte` bytes, zero-initialised by the system when they are first touched. From 2 MiB on they
// start at a multiple of 2 MiB, and huge pages are asked for.
class RawBuffer {
 public:
  RawBuffer() = default;
  // Throws std::bad_alloc where the memory is not to be had.
  explicit RawBuffer(size_t byte);

  std::byte* data() const { return data_.get(); }
  size_t byte() const { return byte_; }

 private:
  struct Free {
    size_t mapped_byte;
    void operator()(std::byte* data) const;
  };
  std::unique_ptr<std::byte[], Free> data_;
  size_t byte_ = 0;
};

template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t count)
      : raw_(static_cast<size_t>(count) * sizeof(T)), count_(static_cast<size_t>(count)) {}

  T* data() const { return reinterpret_cast<T*>(raw_.data()); }
  int64_t size() const { return static_cast<int64_t>(count_); }
  T& operator[](int64_t i) const { return data()[i]; }
  std::span<T> span() const { return {data(), count_}; }

 private:
  RawBuffer raw_;
  size_t count_ = 0;
};

}  // namespace wattline::kernels
