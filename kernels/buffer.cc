#include "kernels/buffer.h"

#include <sys/mman.h>

#include <new>

namespace wattline::kernels {
namespace {

constexpr size_t kHugePageByte = size_t{2} << 20;

}  // namespace

RawBuffer::RawBuffer(size_t byte) : byte_(byte) {
  if (byte == 0) return;
  // Rounded up to whole huge pages, so that the last one can be huge too.
  const size_t unit = byte >= kHugePageByte ? kHugePageByte : 4096;
  const size_t mapped_byte = (byte + unit - 1) / unit * unit;
  void* data = mmap(nullptr, mapped_byte, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  // A hint: where it is refused, small pages serve.
  if (byte >= kHugePageByte) madvise(data, mapped_byte, MADV_HUGEPAGE);
#endif
  data_ = std::unique_ptr<std::byte[], Free>(static_cast<std::byte*>(data), Free{mapped_byte});
}

void RawBuffer::Free::operator()(std::byte* data) const { munmap(data, mapped_byte); }

}  // namespace wattline::kernels
