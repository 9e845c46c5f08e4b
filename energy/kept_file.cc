#include "energy/kept_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace wattline::energy {
namespace {

bool IsPlainReader(const FileReader& read) {
  const auto* function = read.target<FileText (*)(const std::filesystem::path&)>();
  return function && *function == ReadFileText;
}

}  // namespace

KeptFile::KeptFile(std::filesystem::path file, FileReader read)
    : file_(std::move(file)), read_(std::move(read)), keeps_open_(IsPlainReader(read_)) {}

KeptFile::~KeptFile() { Close(); }

KeptFile::KeptFile(KeptFile&& other) noexcept
    : file_(std::move(other.file_)),
      read_(std::move(other.read_)),
      keeps_open_(other.keeps_open_),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

void KeptFile::Close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

FileText KeptFile::Read() {
  constexpr int kReads = 10;
  std::chrono::microseconds pause(100);  // twice as long each time: 51 ms in all
  FileText text = ReadOnce();
  for (int read = 1; read < kReads && text.error == 0 && text.text.empty(); ++read) {
    std::this_thread::sleep_for(pause);
    pause *= 2;
    text = ReadOnce();
  }
  return text;
}

FileText KeptFile::ReadOnce() {
  if (!keeps_open_) return read_(file_);
  if (descriptor_ >= 0) {
    struct stat status;
    // No name leads to a file of no links: it was removed, or another one took its place.
    if (::fstat(descriptor_, &status) == 0 && status.st_nlink > 0) {
      FileText text = ReadOpen();
      if (text.error == 0) return text;
    }
    Close();
  }
  descriptor_ = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) return {"", errno};
  FileText text = ReadOpen();
  if (text.error != 0) Close();
  return text;
}

FileText KeptFile::ReadOpen() {
  char bytes[kFileTextLimit_byte];
  const ssize_t count_byte = ::pread(descriptor_, bytes, sizeof(bytes), 0);
  if (count_byte < 0) return {"", errno};
  std::string text(bytes, static_cast<size_t>(count_byte));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return {std::move(text), 0};
}

}  // namespace wattline::energy
