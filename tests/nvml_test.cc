// NVML through a library with the same C interface: which GPUs are read, at which scope, what a 0
// is, and what is said where it cannot be used.
#include "energy/nvml.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "energy/meters.h"
#include "energy/nvml_library.h"
#include "energy/simulated.h"
#include "energy/watch.h"
#include "tests/fakes/fake_nvml.h"

namespace wattline::energy::nvml_test {
namespace {

constexpr int kNotSupported = 3;

class NvmlTest : public testing::Test {
 protected:
  NvmlTest() : handle_(dlopen(WATTLINE_FAKE_NVML, RTLD_NOW | RTLD_LOCAL)) {
    nvml_ = reinterpret_cast<FakeNvmlFunction>(dlsym(handle_, "fake_nvml"))();
    *nvml_ = FakeNvml{};
    options_.nvml_library = WATTLINE_FAKE_NVML;
    options_.clock = &clock_;
  }
  ~NvmlTest() override {
    EXPECT_EQ(nvml_->users, 0) << "every nvmlInit has its nvmlShutdown";
    dlclose(handle_);
  }

  FakeGpu& AddGpu(const std::string& name = "NVIDIA H200") {
    nvml_->gpus.push_back({.name = name, .uuid = ""});
    nvml_->gpus.back().uuid = "GPU-" + std::to_string(nvml_->gpus.size()) + "0e1-c0ffee";
    return nvml_->gpus.back();
  }
  Opened Try() {
    return OpenNvml(options_, [this](const char* name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    });
  }
  std::unique_ptr<Meter> Open() {
    Opened opened = Try();
    EXPECT_EQ(opened.why_not, "");
    return std::move(opened.meter);
  }
  std::string WhyNot(bool present = true) {
    const Opened opened = Try();
    EXPECT_FALSE(opened.meter);
    EXPECT_EQ(opened.present, present) << opened.why_not;
    return opened.why_not;
  }
  std::vector<std::string> Domains() {
    std::vector<std::string> names;
    const Opened opened = Try();
    if (!opened.meter) return {opened.why_not};
    for (const Domain& domain : opened.meter->info().domains) names.push_back(domain.name);
    return names;
  }

  void* handle_;
  FakeNvml* nvml_;
  SimulatedClock clock_;
  MeterOptions options_;
  std::map<std::string, std::string> environment_;
};

testing::AssertionResult Says(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text << "' lacks '" << part << "'";
}

TEST_F(NvmlTest, MillijoulesOfTheCounterAreJoulesOfTheGpu) {
  FakeGpu& gpu = AddGpu();
  const auto meter = Open();
  ASSERT_TRUE(meter);
  ASSERT_EQ(meter->info().domains.size(), 1u);
  const Domain& domain = meter->info().domains[0];
  EXPECT_EQ(domain.name, "gpu");
  EXPECT_EQ(domain.scope, "NVIDIA H200, GPU with its memory");
  EXPECT_EQ(domain.parts, kGpuPart);
  EXPECT_TRUE(domain.in_total);
  EXPECT_EQ(meter->info().name, "nvml");
  EXPECT_EQ(meter->info().kind, Kind::kCounter);
  EXPECT_DOUBLE_EQ(*meter->info().lsb_j, 1e-3);
  EXPECT_EQ(meter->info().note, "");
  const Reading before = meter->Read();
  gpu.energy_mj += 69'512;
  EXPECT_NEAR(*Difference(before, meter->Read(), 0), 69.512, 1e-9);
}

TEST_F(NvmlTest, SeveralGpusAreDomainsWithTheNumbersOfNvidiaSmi) {
  AddGpu();
  AddGpu();
  const auto meter = Open();
  ASSERT_TRUE(meter);
  ASSERT_EQ(meter->info().domains.size(), 2u);
  EXPECT_EQ(meter->info().domains[0].name, "gpu0");
  EXPECT_EQ(meter->info().domains[1].name, "gpu1");
  const Reading before = meter->Read();
  nvml_->gpus[0].energy_mj += 1000;
  nvml_->gpus[1].energy_mj += 2500;
  const Reading after = meter->Read();
  EXPECT_NEAR(*Difference(before, after, 0), 1.0, 1e-9);
  EXPECT_NEAR(*Difference(before, after, 1), 2.5, 1e-9);
  nvml_->gpus[1].power_mw = 250'500;
  EXPECT_DOUBLE_EQ(*meter->InstantWatts(), 350.5);
}

TEST_F(NvmlTest, TheEnforcedLimitIsTheMostThatTheWattsMayBe) {
  AddGpu();
  EXPECT_DOUBLE_EQ(*Open()->info().power_cap_w, 700);
  AddGpu().enforced_limit_mw = 350'500;
  EXPECT_DOUBLE_EQ(*Open()->info().power_cap_w, 1050.5) << "of both GPUs, as the watts are";
  nvml_->gpus[1].enforced_limit_mw = 0;
  EXPECT_EQ(Open()->info().power_cap_w, std::nullopt) << "a part is not the whole";
}

TEST_F(NvmlTest, TheGpuThatWorksIsFoundByItsUuid) {
  AddGpu();
  AddGpu();
  options_.gpu_uuid = nvml_->gpus[1].uuid;
  EXPECT_EQ(Domains(), std::vector<std::string>{"gpu"});
  const auto meter = Open();
  const Reading before = meter->Read();
  nvml_->gpus[0].energy_mj += 1000;
  nvml_->gpus[1].energy_mj += 2500;
  EXPECT_NEAR(*Difference(before, meter->Read(), 0), 2.5, 1e-9);
  // A MIG instance has a UUID of its own, which NVML's GPUs do not have.
  options_.gpu_uuid = "GPU-unknown";
  EXPECT_EQ(Domains(), (std::vector<std::string>{"gpu0", "gpu1"}));
}

TEST_F(NvmlTest, CudaVisibleDevicesChoosesByNumberAndByBeginningOfAUuid) {
  for (int i = 0; i < 4; ++i) AddGpu();
  using Names = std::vector<std::string>;
  EXPECT_EQ(Domains(), (Names{"gpu0", "gpu1", "gpu2", "gpu3"}));
  const std::map<std::string, Names> expected = {
      {"2", {"gpu"}},
      {"3,1", {"gpu1", "gpu3"}},
      {" 0 , 2 ", {"gpu0", "gpu2"}},
      {"GPU-20e1-c0ffee", {"gpu"}},
      {"GPU-2,GPU-40e", {"gpu1", "gpu3"}},
      // CUDA ignores everything from the first entry on that names no GPU.
      {"1,9,2", {"gpu"}},
      {"0,1,-1,2", {"gpu0", "gpu1"}},
      {"0,,1", {"gpu"}},
      {"3,GPU-", {"gpu"}},
  };
  for (const auto& [list, names] : expected) {
    environment_["CUDA_VISIBLE_DEVICES"] = list;
    EXPECT_EQ(Domains(), names) << list;
  }
}

TEST_F(NvmlTest, TheGpuThatCudaVisibleDevicesNamesIsTheOneRead) {
  AddGpu();
  AddGpu();
  environment_["CUDA_VISIBLE_DEVICES"] = "1";
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  nvml_->gpus[0].energy_mj += 5000;
  nvml_->gpus[1].energy_mj += 7000;
  EXPECT_NEAR(*Difference(before, meter->Read(), 0), 7.0, 1e-9);
}

TEST_F(NvmlTest, AListThatLeavesNoGpuIsExplained) {
  AddGpu();
  AddGpu();
  for (const char* list : {"", "-1", "NoDevFiles", "2", "GPU-", "GPU-9", "1x"}) {
    environment_["CUDA_VISIBLE_DEVICES"] = list;
    EXPECT_TRUE(Says(WhyNot(), "CUDA_VISIBLE_DEVICES='" + std::string(list) + "' leaves")) << list;
  }
  environment_["CUDA_VISIBLE_DEVICES"] = "MIG-7f00";
  EXPECT_TRUE(Says(WhyNot(), "names MIG-7f00, a part of a GPU"));
}

TEST_F(NvmlTest, AskedNumbersComeBeforeCudaVisibleDevices) {
  AddGpu();
  AddGpu();
  AddGpu();
  environment_["CUDA_VISIBLE_DEVICES"] = "";
  options_.gpus = {2, 0, 2};
  EXPECT_EQ(Domains(), (std::vector<std::string>{"gpu0", "gpu2"}));
  for (const int number : {3, -1}) {
    options_.gpus = {0, number};
    EXPECT_TRUE(Says(
        WhyNot(), "GPU " + std::to_string(number) + " was asked for, but this machine has 3 GPUs"));
  }
}

TEST_F(NvmlTest, NumbersOfUnlikeGpusAreNotGuessed) {
  AddGpu("NVIDIA T4");
  AddGpu("NVIDIA H200");
  environment_["CUDA_VISIBLE_DEVICES"] = "0";  // the H200 for CUDA, the T4 for NVML
  EXPECT_TRUE(Says(WhyNot(), "CUDA_DEVICE_ORDER=PCI_BUS_ID"));
  environment_["CUDA_VISIBLE_DEVICES"] = "1,0";
  EXPECT_EQ(Domains().size(), 2u);
  environment_["CUDA_VISIBLE_DEVICES"] = "GPU-20e1";
  EXPECT_EQ(Open()->info().domains[0].scope, "NVIDIA H200, GPU with its memory");
  environment_["CUDA_VISIBLE_DEVICES"] = "0";
  environment_["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID";
  EXPECT_EQ(Open()->info().domains[0].scope, "NVIDIA T4, GPU with its memory");
}

TEST_F(NvmlTest, WhereTheGpuAloneCannotBeReadItsModuleIs) {
  for (const bool scoped : {true, false}) {
    nvml_->gpus.clear();
    FakeGpu& gpu = AddGpu("NVIDIA GH200 480GB");
    gpu.energy_status = kNotSupported;
    gpu.module_energy_mj = 9'000'000;
    gpu.module_power_mw = 640'000;
    gpu.has_scoped_field = scoped;
    const auto meter = Open();
    ASSERT_TRUE(meter);
    const Domain& domain = meter->info().domains[0];
    EXPECT_EQ(domain.scope, "NVIDIA GH200 480GB, module: CPU and GPU with their memory");
    EXPECT_EQ(domain.parts, kCpuPart | kGpuPart | kDramPart);
    const Reading before = meter->Read();
    gpu.energy_mj += 1000;
    gpu.module_energy_mj += 3000;
    EXPECT_NEAR(*Difference(before, meter->Read(), 0), 3.0, 1e-9);
    EXPECT_DOUBLE_EQ(*meter->InstantWatts(), 640);
    gpu.module_power_mw = 0;  // not told: the GPU's power is not that of the module
    EXPECT_FALSE(meter->InstantWatts());
  }
}

TEST_F(NvmlTest, ModulesOfSeveralGpusAreNotSummedAsTheyMayBeTheSame) {
  AddGpu("NVIDIA GB200");
  AddGpu("NVIDIA GB200");
  for (FakeGpu& gpu : nvml_->gpus) {
    gpu.energy_status = kNotSupported;
    gpu.module_energy_mj = 9'000'000;
  }
  EXPECT_TRUE(Says(WhyNot(), "GPU 0 (NVIDIA GB200): only its whole module can be read"));
  options_.gpus = {1};
  EXPECT_EQ(Domains(), std::vector<std::string>{"gpu"});
}

TEST_F(NvmlTest, AZeroIsNeitherEnergyNorPower) {
  FakeGpu& gpu = AddGpu();
  gpu.energy_zeros = 2;  // right after nvmlInit
  gpu.power_zeros = 1;
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  ASSERT_TRUE(before.values[0]);
  EXPECT_DOUBLE_EQ(before.values[0]->joules, 1000);
  EXPECT_DOUBLE_EQ(*meter->InstantWatts(), 100);
  gpu.energy_zeros = 1;  // asked once more
  EXPECT_TRUE(meter->Read().values[0]);
  gpu.energy_zeros = 2;
  gpu.power_zeros = 1;
  EXPECT_FALSE(meter->Read().values[0]);
  EXPECT_FALSE(meter->InstantWatts());
  // The counter was not set back: what follows is still the same count.
  gpu.energy_mj += 4000;
  EXPECT_NEAR(*Difference(before, meter->Read(), 0), 4.0, 1e-9);
  EXPECT_TRUE(meter->InstantWatts());
}

TEST_F(NvmlTest, ACounterThatStaysAtZeroIsNoMeter) {
  AddGpu().energy_mj = 0;
  EXPECT_TRUE(Says(WhyNot(), "GPU 0 (NVIDIA H200): its energy counter stands at 0 mJ"));
}

TEST_F(NvmlTest, OneGpuWithoutPowerLeavesTheSumAbsent) {
  AddGpu();
  AddGpu();
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_TRUE(meter->InstantWatts());
  nvml_->gpus[1].power_mw = 0;
  EXPECT_FALSE(meter->InstantWatts());
}

TEST_F(NvmlTest, PowerIsReadInTheTypeThatTheDriverTells) {
  FakeGpu& gpu = AddGpu();
  for (const int type : {0, 1, 3}) {
    gpu.power_field_type = type;
    const auto meter = Open();
    ASSERT_TRUE(meter);
    EXPECT_DOUBLE_EQ(*meter->InstantWatts(), 100) << type;
  }
}

TEST_F(NvmlTest, WithoutInstantPowerItsMeanIsTakenAndTheNoteSaysSo) {
  FakeGpu& gpu = AddGpu();
  gpu.power_field_status = kNotSupported;
  gpu.power_mw = 321'000;
  const auto meter = Open();
  ASSERT_TRUE(meter);
  EXPECT_TRUE(Says(meter->info().note, "a mean of 1 s"));
  EXPECT_DOUBLE_EQ(*meter->InstantWatts(), 321);
}

TEST_F(NvmlTest, AFailedReadIsAbsentAndTheNextOneCounts) {
  FakeGpu& gpu = AddGpu();
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  gpu.energy_status = 15;
  EXPECT_FALSE(meter->Read().values[0]);
  gpu.energy_status = 0;
  gpu.energy_mj += 2000;
  EXPECT_NEAR(*Difference(before, meter->Read(), 0), 2.0, 1e-9);
}

TEST_F(NvmlTest, ACounterThatIsSetBackGivesNoDifference) {
  FakeGpu& gpu = AddGpu();
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Reading before = meter->Read();
  gpu.energy_mj = 17;
  const Reading after = meter->Read();
  EXPECT_FALSE(Difference(before, after, 0));
  gpu.energy_mj += 3000;
  EXPECT_NEAR(*Difference(after, meter->Read(), 0), 3.0, 1e-9);
}

TEST_F(NvmlTest, GpusOlderThanVoltaAreToldToHaveNoCounter) {
  AddGpu("Tesla P100").energy_status = kNotSupported;
  EXPECT_EQ(WhyNot(),
            "GPU 0 (Tesla P100): it has no energy counter: those older than Volta (2017) "
            "and most virtual ones lack it");
  AddGpu();
  EXPECT_TRUE(Says(WhyNot(), "CUDA_VISIBLE_DEVICES can leave GPUs out"));
  environment_["CUDA_VISIBLE_DEVICES"] = "GPU-2";
  EXPECT_EQ(Domains(), std::vector<std::string>{"gpu"});
}

TEST_F(NvmlTest, ALostGpuIsNamedUnlessItIsNotInUse) {
  AddGpu();
  AddGpu().handle_status = 15;
  EXPECT_TRUE(Says(WhyNot(), "GPU 1 (of unknown name): a GPU has fallen off its bus"));
  environment_["CUDA_VISIBLE_DEVICES"] = "GPU-1";
  EXPECT_EQ(Domains(), std::vector<std::string>{"gpu"});
}

TEST_F(NvmlTest, AGpuDividedByMigSaysThatAllPartsAreInIt) {
  AddGpu().mig = true;
  EXPECT_EQ(Open()->info().domains[0].scope, "NVIDIA H200, GPU with its memory, all MIG instances");
}

TEST_F(NvmlTest, ErrorsOfTheDriverAreToldWithWhatHelps) {
  AddGpu();
  const std::map<int, std::string> expected = {
      {4, "/dev/nvidia*"},           {9, "sudo modprobe nvidia"},         {17, "--gpus all"},
      {18, "of different versions"}, {999, "NVML error 999, Some Error"},
  };
  for (const auto& [status, words] : expected) {
    nvml_->init_status = status;
    EXPECT_TRUE(Says(WhyNot(), words)) << status;
  }
  nvml_->init_status = 0;
  nvml_->count_status = 4;
  EXPECT_TRUE(Says(WhyNot(), "the GPUs cannot be counted: this user may not"));
  nvml_->count_status = 0;
  nvml_->gpus[0].energy_status = 4;
  EXPECT_TRUE(Says(WhyNot(), "its energy counter cannot be read: this user may not"));
  nvml_->gpus.clear();
  EXPECT_TRUE(Says(WhyNot(false), "NVML finds no GPU"));
}

TEST_F(NvmlTest, AMissingLibraryIsToldWithWhereItComesFrom) {
  options_.nvml_library = "libno-such-nvml.so.1";
  EXPECT_EQ(WhyNot(false),
            "libno-such-nvml.so.1 is not found; it comes with NVIDIA's driver, and a "
            "container must be started with its GPUs (--gpus all)");
  options_.nvml_library = WATTLINE_SOURCE_DIR "/CMakeLists.txt";
  EXPECT_TRUE(Says(WhyNot(false), "the library cannot be opened: "));
}

TEST_F(NvmlTest, ALibraryWithoutTheCounterIsTooOld) {
  options_.nvml_library = WATTLINE_FAKE_NVML_NO_ENERGY;
  EXPECT_TRUE(Says(WhyNot(), "has no nvmlDeviceGetTotalEnergyConsumption"));
}

TEST_F(NvmlTest, ALibraryWithoutFieldsStillCountsEnergy) {
  void* handle = dlopen(WATTLINE_FAKE_NVML_NO_FIELDS, RTLD_NOW | RTLD_LOCAL);
  FakeNvml& old = *reinterpret_cast<FakeNvmlFunction>(dlsym(handle, "fake_nvml"))();
  old = FakeNvml{};
  old.gpus.push_back({.name = "Tesla V100", .uuid = "GPU-1"});
  options_.nvml_library = WATTLINE_FAKE_NVML_NO_FIELDS;
  {
    const auto meter = Open();
    ASSERT_TRUE(meter);
    EXPECT_TRUE(meter->Read().values[0]);
    EXPECT_DOUBLE_EQ(*meter->InstantWatts(), 100);
    EXPECT_TRUE(Says(meter->info().note, "a mean of 1 s"));
  }
  dlclose(handle);
}

TEST_F(NvmlTest, AnotherMachinesTreeIsNotMixedWithThisMachinesGpus) {
  options_.root = "/recorded";
  AddGpu();
  EXPECT_TRUE(Open());  // the library was replaced as well
  options_.nvml_library = MeterOptions().nvml_library;
  EXPECT_EQ(WhyNot(false), "not used: --meter_root points at another machine");
}

// An H200 as measured, driver 580.159.04: steps of 1 mJ, a tick each 100 ms, a read of 3.8 ms, a
// first power of 0.
struct H200 {
  static inline SimulatedClock* clock = nullptr;
  static inline std::unique_ptr<SimulatedMachine> machine;
  static inline unsigned long long start_mj = 0;

  static void OnRead(FakeNvml& nvml) {
    clock->Advance(0.0019);
    const double now_s = std::chrono::duration<double>(clock->Now().time_since_epoch()).count();
    const double tick_s = 0.1;
    const double past_s = now_s - tick_s * static_cast<double>(static_cast<long>(now_s / tick_s));
    const double joules =
        machine->JoulesAt(clock->Now() - std::chrono::duration_cast<TimePoint::duration>(
                                             std::chrono::duration<double>(past_s)));
    nvml.gpus[0].energy_mj = start_mj + static_cast<unsigned long long>(joules * 1e3);
    clock->Advance(0.0019);
  }
};

TEST_F(NvmlTest, AnH200IsFoundToTickEachTenthOfASecond) {
  FakeGpu& gpu = AddGpu();
  gpu.power_zeros = 1;
  gpu.power_mw = 695'000;
  H200::clock = &clock_;
  H200::machine = std::make_unique<SimulatedMachine>(clock_, 695);
  H200::start_mj = gpu.energy_mj;
  clock_.Advance(1);
  nvml_->on_read = H200::OnRead;
  const auto meter = Open();
  ASSERT_TRUE(meter);
  const Watched watched = Characterise(*meter, clock_);
  ASSERT_TRUE(watched.behaviour) << watched.why_not;
  EXPECT_NEAR(watched.behaviour->tick_s, 0.1, 0.0039);  // as far as reads of 3.8 ms can tell
  EXPECT_NEAR(watched.behaviour->read_cost_s, 0.0038, 1e-6);
  EXPECT_NEAR(*meter->InstantWatts(), 695, 1e-9);
  const Reading before = meter->Read();
  clock_.Advance(10);
  EXPECT_NEAR(*Difference(before, meter->Read(), 0), 6950, 70);
  H200::machine.reset();
}

TEST(NvmlLayoutTest, FieldValueIsThatOfTheDriver) {
  EXPECT_EQ(offsetof(NvmlFieldValue, scope), 4u);
  EXPECT_EQ(offsetof(NvmlFieldValue, stamp_us), 8u);
  EXPECT_EQ(offsetof(NvmlFieldValue, latency_us), 16u);
  EXPECT_EQ(offsetof(NvmlFieldValue, type), 24u);
  EXPECT_EQ(offsetof(NvmlFieldValue, status), 28u);
  EXPECT_EQ(offsetof(NvmlFieldValue, value), 32u);
}

}  // namespace
}  // namespace wattline::energy::nvml_test
