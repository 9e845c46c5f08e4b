// NVIDIA's driver through a library with the same interface: what is said where it cannot be used,
// and that nothing stays behind.
#include "kernels/ceiling/cuda_driver.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "kernels/ceiling/ceiling_cuda.h"
#include "tests/fakes/cuda_answers.h"

namespace wattline::kernels::cuda_driver_test {
namespace {

class CudaDriverTest : public testing::Test {
 protected:
  CudaDriverTest() : handle_(dlopen(WATTLINE_FAKE_CUDA, RTLD_NOW | RTLD_LOCAL)) {
    cuda_ = reinterpret_cast<FakeCudaFunction>(dlsym(handle_, "fake_cuda"))();
    *cuda_ = FakeCuda{};
    cuda_->gpus.push_back({});
    cuda_->on_launch = Answer;
    AnsweredKernels().clear();
  }
  ~CudaDriverTest() override {
    EXPECT_EQ(cuda_->allocated_byte, 0u);
    EXPECT_EQ(cuda_->modules, 0);
    EXPECT_EQ(cuda_->contexts, 0);
    dlclose(handle_);
  }
  std::unique_ptr<CudaGpu> Open(int ordinal = 0) {
    OpenedCuda opened = OpenCuda(ordinal, WATTLINE_FAKE_CUDA);
    EXPECT_EQ(opened.why_not, "");
    return std::move(opened.gpu);
  }

  void* handle_;
  FakeCuda* cuda_;
};

testing::AssertionResult Says(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text << "' lacks '" << part << "'";
}

TEST_F(CudaDriverTest, FactsAreThoseOfEachGpu) {
  cuda_->gpus.push_back({.name = "NVIDIA A2", .capability_major = 8, .capability_minor = 6});
  const FoundGpus found = FindCudaGpus(WATTLINE_FAKE_CUDA);
  EXPECT_EQ(found.why_not, "");
  ASSERT_EQ(found.gpus.size(), 2u);
  EXPECT_EQ(found.gpus[0].name, "NVIDIA H200");
  EXPECT_EQ(found.gpus[0].capability, 90);
  EXPECT_EQ(found.gpus[0].multiprocessors, 4);
  EXPECT_EQ(found.gpus[0].memory_byte, 64 << 20);
  EXPECT_EQ(found.gpus[0].l2_byte, 8 << 20);
  EXPECT_EQ(found.gpus[0].cuda_version, "13.0");
  EXPECT_EQ(found.gpus[0].uuid, "GPU-8f1c0000-0000-0000-0000-000000000000");
  EXPECT_EQ(found.gpus[1].capability, 86);
  EXPECT_EQ(cuda_->contexts, 0) << "looking opens none";
}

TEST_F(CudaDriverTest, AMissingDriverIsOneSentence) {
  EXPECT_EQ(FindCudaGpus("libcuda_of_nobody.so.1").why_not,
            "libcuda_of_nobody.so.1 is not there; it comes with NVIDIA's driver, and a container "
            "must be started with its GPUs (--gpus all)");
  EXPECT_TRUE(Says(FindCudaGpus(WATTLINE_FAKE_CUDA_NO_LAUNCH).why_not,
                   "has no cuLaunchKernel: the driver is too old"));
}

TEST_F(CudaDriverTest, ADriverWithoutGpusSaysWhatMayHideThem) {
  cuda_->gpus.clear();
  EXPECT_TRUE(Says(FindCudaGpus(WATTLINE_FAKE_CUDA).why_not, "CUDA_VISIBLE_DEVICES may hide it"));
  cuda_->init_status = 100;
  EXPECT_TRUE(Says(FindCudaGpus(WATTLINE_FAKE_CUDA).why_not,
                   "(cuInit: CUDA error 100, no CUDA-capable device is detected)"));
  cuda_->init_status = 803;
  EXPECT_TRUE(Says(FindCudaGpus(WATTLINE_FAKE_CUDA).why_not, "a restart of the machine"));
  cuda_->init_status = 999;
  EXPECT_EQ(FindCudaGpus(WATTLINE_FAKE_CUDA).why_not, "cuInit: CUDA error 999, some error");
}

TEST_F(CudaDriverTest, AGpuBeyondTheLastOneIsRefused) {
  EXPECT_EQ(OpenCuda(1, WATTLINE_FAKE_CUDA).why_not,
            "there is no GPU 1: CUDA shows 1, counted from 0");
}

TEST_F(CudaDriverTest, MemoryThatDoesNotFitIsNoFault) {
  const auto gpu = Open();
  const CudaMemory memory(*gpu, size_t{1} << 40);
  EXPECT_EQ(memory.at(), 0u);
  EXPECT_EQ(gpu->fault(), "");
  EXPECT_EQ(gpu->FreeByte(), 48 << 20);
}

TEST_F(CudaDriverTest, TheCompilersWordsAreInTheFault) {
  cuda_->load_status = 218;
  cuda_->compiler_log = "ptxas: line 7: syntax error";
  const auto gpu = Open();
  CudaModule module(*gpu, "nonsense", "work");
  EXPECT_TRUE(Says(gpu->fault(), "cuModuleLoadDataEx: CUDA error 218"));
  EXPECT_TRUE(Says(gpu->fault(), "the compiler says: ptxas: line 7: syntax error"));
  EXPECT_FALSE(module.Launch(1, 32, 0, {})) << "nothing is done after a fault";
  EXPECT_TRUE(cuda_->launches.empty());
}

TEST_F(CudaDriverTest, AFailedLaunchAndAFailedKernelAreFaults) {
  const auto gpu = Open();
  CudaModule module(*gpu, FillPtx(), "fill");
  uint64_t at = 0;
  uint64_t words = 0;
  uint32_t bits = 0;
  const std::array<void*, 4> parameters = {&at, &words, &bits, &bits};
  EXPECT_TRUE(module.Launch(3, 64, 0, parameters));
  EXPECT_EQ(cuda_->launches.at(0).blocks, 3u);
  EXPECT_EQ(cuda_->launches.at(0).block_threads, 64u);
  cuda_->synchronize_status = 700;
  EXPECT_FALSE(gpu->Synchronize());
  EXPECT_EQ(gpu->fault(), "cuStreamSynchronize: CUDA error 700, some error");
}

TEST_F(CudaDriverTest, WorkIsCheckedBitForBit) {
  const auto gpu = Open();
  CudaBuffer buffer(*gpu);
  for (const CudaKernel& kernel :
       {CudaStreamKernels(StreamKind::kRead)[0], CudaStreamKernels(StreamKind::kTriad)[1],
        CudaIntensityKernel(CudaFormat::kF32, 8), CudaIntensityKernel(CudaFormat::kBF16, 0.5)}) {
    AnsweredKernels() = {kernel};
    constexpr int64_t kFootprint_byte = 1 << 20;
    const uint64_t memory = buffer.Filled(kernel, kFootprint_byte);
    ASSERT_NE(memory, 0u);
    CudaWork work(*gpu, kernel, memory, kFootprint_byte);
    EXPECT_EQ(work.Check(), "") << kernel.name;
    cuda_->on_launch = nullptr;
    const CudaArgs args = ArgsOf(cuda_->launches.back());
    // One wrong bit of one thread, or of one written word.
    const uint64_t at = kernel.written ? args.out : args.results;
    *reinterpret_cast<uint32_t*>(at) ^= 1;
    EXPECT_TRUE(Says(work.Check(), ", not ")) << kernel.name;
    cuda_->on_launch = Answer;
  }
}

TEST_F(CudaDriverTest, ArraysLieBehindEachOtherInsideTheFootprint) {
  const auto gpu = Open();
  for (const auto& [kind, arrays] : {std::pair{StreamKind::kRead, 1},
                                     {StreamKind::kWrite, 1},
                                     {StreamKind::kCopy, 2},
                                     {StreamKind::kTriad, 3}}) {
    const CudaKernel kernel = CudaStreamKernels(kind)[0];
    CudaWork work(*gpu, kernel, 4096, 3 << 20);
    cuda_->launches.clear();
    ASSERT_TRUE(work.Run(7));
    const CudaArgs args = ArgsOf(cuda_->launches.at(0));
    EXPECT_EQ(args.lines, (3u << 20) / 16 / arrays);
    EXPECT_EQ(args.turns, 7u);
    EXPECT_EQ(args.x, 4096u);
    EXPECT_EQ(args.out, 4096u + 16ull * args.lines * (arrays - 1));
    if (arrays == 3) {
      EXPECT_EQ(args.y, 4096u + 16ull * args.lines);
    }
    const FakeLaunch& launch = cuda_->launches[0];
    EXPECT_EQ(launch.blocks, 4 * kernel.blocks_per_multiprocessor);
    EXPECT_DOUBLE_EQ(work.Byte(), kernel.thread_byte * launch.blocks * launch.block_threads);
  }
}

TEST_F(CudaDriverTest, TheClockIsCyclesOverTimeOfTheLaunchesSinceItsStart) {
  const auto gpu = Open();
  cuda_->turn_s = 1e-5;
  CudaWork work(*gpu, CudaPeakKernels(CudaFormat::kF32, 90)[0], 0, 0);
  EXPECT_EQ(work.ClockHz(), std::nullopt);
  cuda_->clock_hz = 1e9;
  work.Run(100);
  work.StartClock();
  cuda_->clock_hz = 1.7e9;
  work.Run(100);
  ASSERT_TRUE(work.ClockHz());
  EXPECT_NEAR(*work.ClockHz(), 1.7e9, 1e4);
}

}  // namespace
}  // namespace wattline::kernels::cuda_driver_test
