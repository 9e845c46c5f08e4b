// Rows of a GPU get that GPU as their machine, and its levels their names.
#include "roofline/devices.h"

#include <gtest/gtest.h>

#include "roofline/machine_fit.h"

namespace wattline::roofline::devices_test {
namespace {

constexpr const char* kFile = R"json({"context":{"schema_version":1,"chip":"Intel(R) Xeon(R)",
  "chip_slug":"intel-xeon","threads":16,"memory_byte":128e9,"device":1,
  "gpus":[{"name":"NVIDIA T4","memory_byte":16e9},
          {"name":"NVIDIA H200 (141 GB)","memory_byte":150e9,"l2_byte":62914560}],
  "cache_levels":[{"level":1,"type":"data","byte":49152}],
  "ceilings":{"f32_flop_per_s":1e12}},
  "benchmarks":[
   {"name":"ceiling/peak/f32/threads:16/cpu","TFLOPS":1,"idle_watts":50},
   {"name":"ceiling/peak/f32/threads:1/cuda","TFLOPS":63,"idle_watts":130},
   {"name":"BM_foreign","x":1}]})json";

Results Read(const std::string& text) {
  ReadResult read = ParseResults(text, "dir/x.json");
  EXPECT_TRUE(read.results) << read.error;
  return *read.results;
}

TEST(SplitByDevice, GivesEachRowItsChip) {
  const std::vector<Results> parts = SplitByDevice(Read(kFile));
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].machine.chip_slug, "intel-xeon");
  ASSERT_EQ(parts[0].rows.size(), 2u);  // the foreign one stays with the CPU's
  EXPECT_EQ(parts[0].machine.idle_watts, 50);
  EXPECT_EQ(parts[0].machine.ceilings.at("f32"), 1e12);
  const Machine& gpu = parts[1].machine;
  EXPECT_EQ(gpu.chip, "NVIDIA H200 (141 GB)");
  EXPECT_EQ(gpu.chip_slug, "nvidia-h200-141-gb");
  EXPECT_EQ(gpu.memory_byte, 150e9);
  ASSERT_EQ(gpu.caches.size(), 1u);
  EXPECT_EQ(gpu.caches[0].byte, 62914560);
  EXPECT_TRUE(gpu.ceilings.empty());
  EXPECT_FALSE(gpu.threads);
  EXPECT_EQ(gpu.idle_watts, 130);
  ASSERT_EQ(parts[1].rows.size(), 1u);
}

TEST(SplitByDevice, LeavesFilesOfOneDeviceWhole) {
  std::string text = kFile;
  text.replace(text.find("\"gpus\""), 6, "\"cpus\"");
  EXPECT_EQ(SplitByDevice(Read(text)).size(), 1u);
  const auto only_gpu = SplitByDevice(Read(R"({"context":{"chip":"c","gpus":[{"name":"G"}]},
      "benchmarks":[{"name":"ceiling/peak/f32/threads:1/cuda","TFLOPS":63},
                    {"name":"a","error_occurred":true}]})"));
  ASSERT_EQ(only_gpu.size(), 2u);
  EXPECT_EQ(only_gpu[1].machine.chip, "G");
  EXPECT_TRUE(only_gpu[1].machine.caches.empty());  // unknown is absent
  const auto no_rows =
      SplitByDevice(Read(R"({"context":{"chip":"c","gpus":[{"name":"G"}]},"benchmarks":[]})"));
  ASSERT_EQ(no_rows.size(), 1u);
  EXPECT_EQ(no_rows[0].machine.chip, "c");
}

// MLX is one backend on three kinds of devices: what it told of itself says which.
TEST(SplitByDevice, MlxBelongsToTheDeviceThatItRanOn) {
  const auto chip_of_mlx = [](const std::string& described) {
    const auto parts = SplitByDevice(
        Read(R"({"context":{"chip":"c","gpus":[{"name":"NVIDIA H200"}],"backends":{"mlx":")" +
             described + R"("}},"benchmarks":[{"name":"gemm/512x512x512/f32/mlx","TFLOPS":1}]})"));
    return parts.at(0).machine.chip;
  };
  EXPECT_EQ(chip_of_mlx("MLX 0.32.4, gpu, NVIDIA H200, sm_90"), "NVIDIA H200");
  EXPECT_EQ(chip_of_mlx("MLX 0.32.4, cpu"), "c");
  EXPECT_EQ(chip_of_mlx("MLX 0.32.4, gpu, Apple M4, applegpu_g16g"), "c");
}

// The levels of an H200 as found by count, KiB as measured (2026-11-21): footprints of 256 to
// 724 KiB are held by the 132 first-level caches in part.
TEST(GpuLevels, AreNamedByTheCacheThatTheDriverTells) {
  std::vector<std::string> remarks;
  const std::vector<Level> levels = GpuLevels({{"L1", 16384, 185360, 32.9e12, ""},
                                               {"L2", 262144, 741440, 20.0e12, ""},
                                               {"L3", 2965808, 94906256, 9.29e12, ""},
                                               {"DRAM", 189812528, 4294967296, 4.66e12, ""}},
                                              62914560, remarks);
  ASSERT_EQ(levels.size(), 3u);
  EXPECT_EQ(levels[0].name, "L1");
  EXPECT_EQ(levels[1].name, "L2");
  EXPECT_EQ(levels[1].from_byte, 2965808);
  EXPECT_EQ(levels[2].name, "DRAM");
  ASSERT_EQ(remarks.size(), 1u);
  EXPECT_NE(remarks[0].find("256 to 724 KiB"), std::string::npos) << remarks[0];
}

TEST(GpuLevels, AreFoundOnlyWhereTheyFit) {
  std::vector<std::string> remarks;
  const std::vector<Level> levels =
      GpuLevels({{"L1", 1e6, 3e7, 9e12, ""}, {"DRAM", 1e8, 4e9, 4e12, ""}}, 62914560, remarks);
  ASSERT_EQ(levels.size(), 2u);
  EXPECT_EQ(levels[0].name, "L2");
  EXPECT_TRUE(remarks.empty());
}

TEST(FitMachines, KeepsTheGpuApartFromItsHost) {
  const std::vector<Results> parts = SplitByDevice(Read(kFile));
  const Fit fit = FitMachines(parts);
  ASSERT_EQ(fit.machines.size(), 2u);
  EXPECT_EQ(fit.machines[1].chip, "NVIDIA H200 (141 GB)");
}

}  // namespace
}  // namespace wattline::roofline::devices_test
