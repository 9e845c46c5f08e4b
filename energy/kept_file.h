// A small file that is read again and again, as the counters of sysfs are.
#pragma once

#include <filesystem>

#include "energy/file_text.h"

namespace wattline::energy {

// Keeps the file open and reads it from its start. A file that was removed or replaced is opened
// anew; a folder above it that was moved away is not noticed. Of an attribute in sysfs (Linux 6.18
// in a virtual machine, 2026-11-21) this takes 0.6 us, of which 0.25 us are for asking whether the
// file is still there; opening anew takes 2.1 us.
//
// A file that another process truncates and then writes is empty for an instant: it is read up to
// ten times within 51 ms before it is given back as empty. Five times within 1.5 ms were too few on
// two busy cores, where the writer lost its core in between: 20 to 40 empty readings a second.
class KeptFile {
 public:
  // `read` other than ReadFileText is called on every reading, and nothing is kept open.
  explicit KeptFile(std::filesystem::path file, FileReader read = ReadFileText);
  ~KeptFile();
  KeptFile(KeptFile&& other) noexcept;
  KeptFile& operator=(KeptFile&&) = delete;

  FileText Read();

 private:
  FileText ReadOnce();
  FileText ReadOpen();
  void Close();

  std::filesystem::path file_;
  FileReader read_;
  bool keeps_open_;
  int descriptor_ = -1;
};

}  // namespace wattline::energy
