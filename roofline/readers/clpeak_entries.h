// The measurements in a file of clpeak, whichever of its outputs it is.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace wattline::roofline {

struct ClpeakEntry {
  std::string backend;   // "Metal", "CPU"
  std::string platform;  // "Apple"
  std::string device;    // "Apple M1 Pro"
  std::string driver;
  std::string category;  // "fp_compute", "bandwidth" ...
  std::string test;      // "single_precision_compute"
  std::string metric;    // "float4", "read", "L1 MT"
  std::string unit;      // "gflops", "gbps" (which are GB/s) ...
  std::string display;
  std::string reason;  // why there is no value; else empty
  double value = 0;
};

struct ClpeakEntries {
  std::string version;
  std::string os;
  std::vector<ClpeakEntry> entries;
  std::map<std::string, std::string> cores;  // of a device, as the program puts it
  std::string error;
};

bool IsClpeakJson(const std::string& text);
bool IsClpeakCsv(const std::string& text);
bool IsClpeakXml(const std::string& text);

ClpeakEntries ParseClpeakJson(const std::string& text, const std::string& path);
ClpeakEntries ParseClpeakCsv(const std::string& text, const std::string& path);
ClpeakEntries ParseClpeakXml(const std::string& text, const std::string& path);

}  // namespace wattline::roofline
