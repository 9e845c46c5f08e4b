// Writes the seeds of powermetrics' fuzzer into a folder: streams of several macOS versions.
//   powermetrics_seeds FOLDER
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/powermetrics_documents.h"

namespace {

// The first byte is the fuzzer's length of pieces.
bool Save(const std::string& path, const std::string& stream) {
  std::ofstream file(path, std::ios::binary);
  file << '\x10' << stream;
  return static_cast<bool>(file.flush());
}

}  // namespace

int main(int argc, char** argv) {
  using namespace wattline::energy;
  if (argc != 2) {
    std::fprintf(stderr, "usage: powermetrics_seeds FOLDER\n");
    return 2;
  }
  const std::string folder = argv[1];
  const std::string sample = SampleDocument(258'100'000, 2000, 500, 0);
  const bool good = Save(folder + "/m4", M4Document()) &&
                    Save(folder + "/m4_pro_gpu", M4ProGpuDocument()) &&
                    Save(folder + "/macos_12", MacOs12Document()) &&
                    Save(folder + "/stream", "a warning\n" + sample + '\0' + sample + '\0') &&
                    Save(folder + "/truncated", sample.substr(0, 400) + '\0' + sample);
  if (!good) std::fprintf(stderr, "powermetrics_seeds: cannot write to %s\n", folder.c_str());
  return good ? 0 : 1;
}
