#include "kernels/buffer.h"

#include <sys/mman.h>

#include <new>

namespace wattline::kernels {
namespace {

constexpr size_t kHugePageByte = size_t{2} << 20;

// Unmaps what lies outside of `kept_byte` from the first border of a huge page on: a mapping starts
// where the system likes (Linux aligns large ones itself from 6.7 on), and its first and last
// partial huge page would stay small.
std::byte* TrimToHugePages(std::byte* mapped, size_t mapped_byte, size_t kept_byte) {
  const auto begin = reinterpret_cast<uintptr_t>(mapped);
  const size_t head_byte = (kHugePageByte - begin % kHugePageByte) % kHugePageByte;
  const size_t tail_byte = mapped_byte - head_byte - kept_byte;
  if (head_byte > 0) munmap(mapped, head_byte);
  if (tail_byte > 0) munmap(mapped + head_byte + kept_byte, tail_byte);
  return mapped + head_byte;
}

}  // namespace

RawBuffer::RawBuffer(size_t byte) : byte_(byte) {
  if (byte == 0) return;
  const bool large = byte >= kHugePageByte;
  const size_t unit = large ? kHugePageByte : 4096;
  // Rounded up to whole huge pages, so that the last one can be huge too.
  const size_t kept_byte = (byte + unit - 1) / unit * unit;
  const size_t mapped_byte = large ? kept_byte + kHugePageByte : kept_byte;
  void* mapped = mmap(nullptr, mapped_byte, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* data = static_cast<std::byte*>(mapped);
  if (large) data = TrimToHugePages(data, mapped_byte, kept_byte);
#ifdef MADV_HUGEPAGE
  // A hint: where it is refused, small pages serve.
  if (large) madvise(data, kept_byte, MADV_HUGEPAGE);
#endif
  data_ = std::unique_ptr<std::byte[], Free>(data, Free{kept_byte});
}

void RawBuffer::Free::operator()(std::byte* data) const { munmap(data, mapped_byte); }

}  // namespace wattline::kernels
