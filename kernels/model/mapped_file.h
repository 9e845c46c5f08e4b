// A file's bytes in memory, without copying them.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace wattline::kernels {

// The bytes live as long as `storage`. A file that another program shortens meanwhile ends this one
// with SIGBUS, as with every mapping.
struct MappedFile {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> storage;
  std::string error;  // one sentence where it cannot be mapped
};

MappedFile MapFile(const std::string& path);

}  // namespace wattline::kernels
