// Property lists as powermetrics prints them: facts of real samples, written anew in their shape.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace wattline::energy {

inline std::string Document(const std::string& keys) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
         "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
         "<plist version=\"1.0\">\n<dict>\n" +
         keys + "</dict>\n</plist>\n";
}

inline std::string Integer(const char* key, uint64_t value) {
  return fmt::format("<key>{}</key>\n<integer>{}</integer>\n", key, value);
}
inline std::string Real(const char* key, double value) {
  return fmt::format("<key>{}</key>\n<real>{:.6g}</real>\n", key, value);
}
inline std::string Name(const char* key, const char* value) {
  return fmt::format("<key>{}</key><string>{}</string>\n", key, value);
}
inline std::string Dict(const char* key, const std::string& keys) {
  return fmt::format("<key>{}</key>\n<dict>\n{}</dict>\n", key, keys);
}

inline std::string Top(uint64_t elapsed_ns, const char* model, const char* system) {
  return "<key>is_delta</key><true/>\n" + Integer("elapsed_ns", elapsed_ns) +
         Name("hw_model", model) + Name("kern_osversion", system) + Name("kern_bootargs", "") +
         "<key>timestamp</key><date>2026-10-04T23:07:07Z</date>\n";
}

inline std::string Clusters() {
  return "<key>clusters</key>\n<array>\n<dict>\n<key>name</key><string>E-Cluster</string>\n"
         "<key>hw_resid_counters</key><true/>\n<key>freq_hz</key><real>1.08145e+09</real>\n"
         "<key>dvfm_states</key>\n<array>\n<dict>\n<key>freq</key><integer>900</integer>\n"
         "<key>used_ns</key><integer>2385458</integer>\n</dict>\n</array>\n</dict>\n</array>\n";
}

// What the samplers cpu_power, gpu_power and thermal give on macOS 13 and later.
inline std::string SampleDocument(uint64_t elapsed_ns, uint64_t cpu_mj, uint64_t gpu_mj,
                                  uint64_t ane_mj, const char* thermal_pressure = "Nominal") {
  const auto energy = [elapsed_ns](const std::string& part, uint64_t mj) {
    return Integer((part + "_energy").c_str(), mj) +
           Real((part + "_power").c_str(),
                1e9 * static_cast<double>(mj) / static_cast<double>(elapsed_ns));
  };
  return Document(Top(elapsed_ns, "Mac16,10", "25G229") +
                  Name("thermal_pressure", thermal_pressure) +
                  Dict("processor", Clusters() + energy("cpu", cpu_mj) + energy("gpu", gpu_mj) +
                                        energy("ane", ane_mj)) +
                  Dict("gpu", Real("freq_hz", 338) + Integer("gpu_energy", gpu_mj)));
}

// M4, macOS 26, cpu_power alone.
inline std::string M4Document() {
  return Document(Top(504962500, "Mac16,10", "25G229") +
                  Dict("processor", Clusters() + Integer("cpu_energy", 12) +
                                        Real("cpu_power", 23.7641) + Integer("gpu_energy", 4) +
                                        Real("gpu_power", 7.92138) + Integer("ane_energy", 0) +
                                        Real("ane_power", 0) + Real("combined_power", 31.6855)));
}

// M4 Pro, macOS 15, gpu_power alone.
inline std::string M4ProGpuDocument() {
  return Document(Top(5005449083, "Mac16,8", "24F74") +
                  Dict("gpu", Real("freq_hz", 338) + Integer("idle_ns", 4237478166) +
                                  Real("idle_ratio", 0.995324) + Integer("gpu_energy", 9)));
}

struct RecordedSample {
  uint64_t elapsed_ns, cpu_mj, gpu_mj, dram_mj, package_mj;
};
// Ten samples in a row of a MacBookAir10,1 (M1) under macOS 12.5, asked for every 100 ms: of each
// its time and its power as energy, in the first 947 mW CPU, 153 GPU, 220 DRAM, 1473 package. The
// neural engine rested (codecarbon, tests/test_data/mock_powermetrics_log.txt).
inline constexpr RecordedSample kM1Recording[] = {
    {104'510'000, 99, 16, 23, 154}, {104'810'000, 44, 7, 17, 81}, {105'930'000, 22, 3, 7, 42},
    {108'220'000, 11, 1, 4, 13},    {109'240'000, 17, 1, 7, 31},  {108'450'000, 40, 5, 16, 67},
    {108'380'000, 25, 3, 9, 47},    {106'720'000, 29, 2, 10, 48}, {108'880'000, 22, 2, 7, 33},
    {108'920'000, 26, 1, 9, 35}};

// As macOS 12 prints it, with the memory's energy.
inline std::string MacOs12Document(const RecordedSample& sample = kM1Recording[0]) {
  const auto energy = [&sample](const std::string& part, uint64_t mj) {
    return Integer((part + "_energy").c_str(), mj) +
           Real((part + "_power").c_str(),
                1e9 * static_cast<double>(mj) / static_cast<double>(sample.elapsed_ns));
  };
  return Document(
      Top(sample.elapsed_ns, "MacBookAir10,1", "21G115") + Name("thermal_pressure", "Nominal") +
      Dict("processor", Clusters() + energy("ane", 0) + energy("dram", sample.dram_mj) +
                            energy("cpu", sample.cpu_mj) + energy("gpu", sample.gpu_mj) +
                            energy("package", sample.package_mj)));
}

}  // namespace wattline::energy
