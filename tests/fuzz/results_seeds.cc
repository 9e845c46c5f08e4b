// Writes the seeds of the fuzzer of results into a folder: the tests' files of other programs.
//   results_seeds FOLDER
#include <cstdio>
#include <filesystem>

namespace fs = std::filesystem;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: results_seeds FOLDER\n");
    return 2;
  }
  const fs::path data = WATTLINE_SOURCE_DIR "/tests/data";
  std::error_code failed;
  int number = 0;
  const auto save = [&](const fs::path& file) {
    fs::copy_file(file,
                  fs::path(argv[1]) / (std::to_string(number++) + "_" + file.filename().string()),
                  fs::copy_options::overwrite_existing, failed);
  };
  save(data / "decode_emerald_rapids_vm.json");
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(data / "foreign")) {
    if (entry.is_regular_file() && !failed) save(entry.path());
  }
  if (failed) std::fprintf(stderr, "results_seeds: %s\n", failed.message().c_str());
  return failed ? 1 : 0;
}
