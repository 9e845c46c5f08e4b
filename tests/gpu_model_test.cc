// GPUs from published tables: what calibrates them, what never does, and what physics demands.
#include "roofline/gpu_model.h"

#include <gtest/gtest.h>

#include <cmath>

namespace wattline::roofline::gpu_model_test {
namespace {

constexpr double kLayers = 32;

// Two generations with chips of one and two dies whose speeds follow the law exactly: 90 % of the
// bus (80 % of that on two dies), 70 % (f16) and 60 % (q4_0) of the lanes (95 % of that on two
// dies), 200,000 cycles a layer.
GpuTables MadeTables() {
  GpuTables tables;
  for (const char* generation : {"A", "B", "C"}) {
    const double clock = generation[0] == 'B' ? 1.4e9 : 1.3e9;
    const std::string g = generation;
    tables.gpus.push_back({g + " small", "apple", g, 8, 1, clock, 100e9, 16.0 * (1 << 30)});
    tables.gpus.push_back({g + " large", "apple", g, 32, 1, clock, 400e9, 64.0 * (1 << 30)});
    tables.gpus.push_back({g + " twin", "apple", g, 64, 2, clock, 800e9, std::nullopt});
    tables.rates.push_back({g, "vector", 256, std::nullopt, std::nullopt});
  }
  tables.works["f16"] = {{512 * 13e9, 13e9, kLayers}, {13e9, 13e9, kLayers}};
  tables.works["q4_0"] = {{512 * 13e9, 4e9, kLayers}, {13e9, 4e9, kLayers}};
  for (const Gpu& gpu : tables.gpus) {
    if (gpu.generation == "C") continue;
    for (const auto& [format, work] : tables.works) {
      for (const bool prefill : {true, false}) {
        const Work& w = prefill ? work.prefill : work.decode;
        const double share = (format == "f16" ? 0.7 : 0.6) * (gpu.dies > 1 ? 0.95 : 1);
        const double seconds = w.byte / (gpu.byte_per_s * 0.9 * (gpu.dies > 1 ? 0.8 : 1)) +
                               w.flop / (gpu.cores * gpu.clock_hz * 256 * share) +
                               w.launches * 200000 / gpu.clock_hz;
        tables.speeds.push_back(
            {gpu.name, gpu.cores, format, prefill, (prefill ? 512 : 1) / seconds});
      }
    }
  }
  return tables;
}

Interval Decode(const MachineModel& model, const Work& work) {
  return PassSeconds(model.decode, work);
}

TEST(CalibrateGpusTest, FindsTheCoefficientsThatTheSpeedsWereMadeWith) {
  const GpuCalibration c = CalibrateGpus(MadeTables(), "apple", "C");
  EXPECT_NEAR(c.bandwidth_share, 0.9, 1e-3);
  EXPECT_NEAR(c.launch_cycles, 200000, 500);
  EXPECT_NEAR(c.die_bandwidth_factor, 1 / 0.8, 2e-3);
  EXPECT_NEAR(c.die_compute_factor, 1 / 0.95, 1e-3);
  EXPECT_NEAR(c.compute_share.at("f16"), 0.7, 1e-3);
  EXPECT_NEAR(c.compute_share.at("q4_0"), 0.6, 1e-3);
  EXPECT_EQ(c.generations, (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(c.rows, 24);
}

TEST(CalibrateGpusTest, TheOwnGenerationsSpeedsChangeNothing) {
  GpuTables tables = MadeTables();
  const Gpu gpu = *FindGpu(tables.gpus, "A large", 32);
  const Interval before = Decode(ModelGpu(gpu, tables, "q4_0", {}), tables.works["q4_0"].decode);
  for (PublishedSpeed& speed : tables.speeds) {
    if (speed.gpu[0] == 'A') speed.tok_per_s *= 3;
  }
  const Interval after = Decode(ModelGpu(gpu, tables, "q4_0", {}), tables.works["q4_0"].decode);
  EXPECT_EQ(before.value, after.value);
  EXPECT_EQ(before.high, after.high);
  const Gpu other = *FindGpu(tables.gpus, "C large", 32);
  EXPECT_EQ(CalibrateGpus(tables, "apple", "A").generations, std::vector<std::string>{"B"});
  EXPECT_NE(Decode(ModelGpu(other, tables, "q4_0", {}), tables.works["q4_0"].decode).value,
            Decode(ModelGpu(other, MadeTables(), "q4_0", {}), tables.works["q4_0"].decode).value);
}

TEST(CalibrateGpusTest, DisagreementOfGenerationsWidensTheRange) {
  GpuTables tables = MadeTables();
  const GpuCalibration calm = CalibrateGpus(tables, "apple", "C");
  EXPECT_DOUBLE_EQ(calm.decode_slowdown.low, 0.9);
  EXPECT_DOUBLE_EQ(calm.decode_slowdown.high, 1.1);
  for (PublishedSpeed& speed : tables.speeds) {
    if (speed.gpu[0] == 'A') speed.tok_per_s *= 0.6;
  }
  EXPECT_GT(CalibrateGpus(tables, "apple", "C").decode_slowdown.high, 1.3);
}

TEST(CalibrateGpusTest, NobodyReadsFasterThanTheBus) {
  GpuTables tables = MadeTables();
  for (PublishedSpeed& speed : tables.speeds) speed.tok_per_s *= 1.6;
  EXPECT_LE(CalibrateGpus(tables, "apple", "C").bandwidth_share, 1);
  const Gpu gpu = *FindGpu(tables.gpus, "C large", 32);
  const Work work = tables.works["q4_0"].decode;
  EXPECT_LE(work.byte / Decode(ModelGpu(gpu, tables, "q4_0", {}), work).low, 400e9 * (1 + 1e-9));
}

TEST(ModelGpuTest, MoreCoresAndMoreBandwidthAreFaster) {
  const GpuTables tables = MadeTables();
  Gpu gpu = *FindGpu(tables.gpus, "C large", 32);
  const auto decode_s = [&] {
    return Decode(ModelGpu(gpu, tables, "q4_0", {}), tables.works.at("q4_0").decode).value;
  };
  const double base_s = decode_s();
  gpu.cores = 40;
  const double more_cores_s = decode_s();
  EXPECT_LT(more_cores_s, base_s);
  gpu.byte_per_s *= 1.5;
  EXPECT_LT(decode_s(), more_cores_s);
}

TEST(ModelGpuTest, MatrixUnitsSpeedProductsButNotUnpacking) {
  GpuTables tables = MadeTables();
  const Gpu gpu = *FindGpu(tables.gpus, "C large", 32);
  const auto prefill = [&](const char* format) {
    return PassSeconds(ModelGpu(gpu, tables, format, {}).prefill, tables.works.at(format).prefill);
  };
  const double f16_s = prefill("f16").value, q4_s = prefill("q4_0").value;
  tables.rates.push_back({"C", "matrix", 1024, std::nullopt, std::nullopt});
  // A quarter of the products' time, and the weights' time as before.
  const double f16_share = prefill("f16").value / f16_s;
  EXPECT_GT(f16_share, 0.25);
  EXPECT_LT(f16_share, 0.30);
  EXPECT_GT(prefill("q4_0").value / q4_s, f16_share + 0.05);
  // The range reaches from no use of them to no cost of unpacking.
  EXPECT_GT(prefill("q4_0").high, q4_s);
  EXPECT_LT(prefill("q4_0").low, prefill("f16").value);
  EXPECT_FALSE(ModelGpu(gpu, tables, "q4_0", {}).remarks.empty());
}

TEST(ModelGpuTest, AFamilyWithoutSpeedsSaysWhatIsAssumed) {
  GpuTables tables = MadeTables();
  tables.gpus.push_back({"X", "other", "X", 100, 1, 1e9, 1000e9, 80e9});
  tables.rates.push_back({"X", "vector", 256, std::nullopt, std::nullopt});
  const MachineModel model = ModelGpu(tables.gpus.back(), tables, "q4_0", {});
  EXPECT_NE(model.calibration.find("assumed"), std::string::npos);
  EXPECT_FALSE(model.measured);
  EXPECT_FALSE(model.energy.has_value());
  EXPECT_EQ(model.usable_byte, 80e9);
}

TEST(FindGpuTest, TheFirstRowStandsForTheNameAndCoresChooseTheVariant) {
  const std::vector<Gpu> gpus = {{"M Max", "apple", "M", 40, 1, 1e9, 400e9, {}},
                                 {"M Max", "apple", "M", 30, 1, 1e9, 300e9, {}}};
  EXPECT_EQ(FindGpu(gpus, "m max", std::nullopt)->cores, 40);
  EXPECT_EQ(FindGpu(gpus, "M Max", 30)->byte_per_s, 300e9);
  EXPECT_EQ(FindGpu(gpus, "M Max", 35)->byte_per_s, 400e9);
  EXPECT_EQ(FindGpu(gpus, "M Max", 35)->cores, 35);
  EXPECT_FALSE(FindGpu(gpus, "M", std::nullopt));
}

TEST(UsableByteTest, AppleLimitsTheWorkingSet) {
  const double gb = 1024.0 * 1024 * 1024;
  EXPECT_DOUBLE_EQ(UsableByte("apple", 36 * gb), 24 * gb);
  EXPECT_DOUBLE_EQ(UsableByte("apple", 64 * gb), 48 * gb);
  EXPECT_DOUBLE_EQ(UsableByte("nvidia", 80 * gb), 80 * gb);
  // llama.cpp pull request 2011: recommendedMaxWorkingSetSize of 32 GB is 21845.34 x 2^20 byte.
  EXPECT_NEAR(UsableByte("apple", 32 * gb), 21845.34 * 1024 * 1024, 1e4);
}

}  // namespace
}  // namespace wattline::roofline::gpu_model_test
