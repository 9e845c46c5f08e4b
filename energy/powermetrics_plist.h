// Reads the property lists that macOS' powermetrics prints: `-f plist`, one document per sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wattline::energy {

// One sample. A key that the document lacks is absent: macOS 12 has dram and package, 13 and later
// do not, and each sampler that was not asked for takes its keys along.
struct PowermetricsSample {
  uint64_t elapsed_ns = 0;  // over which the energies were spent; > 0
  // `*_energy`: whole millijoules. `*_power` is only their quotient with elapsed_ns.
  std::optional<uint64_t> cpu_mj;
  std::optional<uint64_t> gpu_mj;
  std::optional<uint64_t> ane_mj;
  std::optional<uint64_t> dram_mj;
  std::optional<uint64_t> package_mj;
  std::optional<std::string> thermal_pressure;  // "Nominal", "Moderate", "Heavy" ...
  std::optional<std::string> hw_model;          // "Mac16,10"
  std::optional<std::string> kern_osversion;    // "25G229"
};

// A sample, or one sentence why the document is none.
struct ParsedSample {
  std::optional<PowermetricsSample> sample;
  std::string why_not;
};
ParsedSample ParsePowermetrics(std::string_view document);

// Cuts a stream into documents, whatever pieces it arrives in. A document begins with "<?xml" or
// "<plist" and ends with "</plist>": the NUL byte between two documents may be printed only with
// the next one, a whole sample later. A NUL inside a document ends it too; it is a broken one then.
class PlistSplitter {
 public:
  // A document of a Mac with 10 cores has 24 kB.
  static constexpr size_t kLongestDocument_byte = size_t{4} << 20;
  explicit PlistSplitter(size_t longest_byte = kLongestDocument_byte)
      : longest_byte_(longest_byte) {}

  // Appends the documents that `bytes` completes. False, now and from then on, where one is longer
  // than allowed.
  bool Feed(std::string_view bytes, std::vector<std::string>& documents);

  // The beginning of what stood outside of documents: warnings, an error message.
  static constexpr size_t kKeptText_byte = 400;
  std::string other_text() const;

 private:
  size_t longest_byte_;
  std::string pending_;
  size_t searched_byte_ = 0;  // of pending_, for the end of the document
  bool inside_ = false;       // pending_ begins with a document
  bool overflown_ = false;
  std::string other_text_;
};

}  // namespace wattline::energy
