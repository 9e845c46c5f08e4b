#include "kernels/model/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace wattline::kernels {
namespace {

MappedFile Failed(const std::string& path, const char* what, int code) {
  MappedFile failed;
  failed.error = fmt::format("{}: cannot {} it: {}", path, what, std::strerror(code));
  return failed;
}

MappedFile MapOpen(const std::string& path, int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return Failed(path, "look at", errno);
  MappedFile mapped;
  if (!S_ISREG(info.st_mode)) {
    mapped.error = fmt::format("{}: is no regular file", path);
    return mapped;
  }
  const auto byte = static_cast<size_t>(info.st_size);
  if (byte == 0) {
    mapped.error = fmt::format("{}: is empty", path);
    return mapped;
  }
  void* data = mmap(nullptr, byte, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) return Failed(path, "map", errno);
  mapped.bytes = {static_cast<const std::byte*>(data), byte};
  mapped.storage = std::shared_ptr<const void>(
      data, [byte](const void* p) { munmap(const_cast<void*>(p), byte); });
  return mapped;
}

}  // namespace

MappedFile MapFile(const std::string& path) {
  // Without O_NONBLOCK a named pipe would hold the program up here.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Failed(path, "open", errno);
  MappedFile mapped = MapOpen(path, fd);
  close(fd);
  return mapped;
}

}  // namespace wattline::kernels
