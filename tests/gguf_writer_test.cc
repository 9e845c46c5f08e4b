// What the GGUF writer writes, the loader reads back, bit for bit; a failed write leaves no trace.
#include "kernels/model/gguf_writer.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "kernels/model/load.h"
#include "kernels/model/random_model.h"
#include "kernels/model/tensors.h"
#include "tests/gguf_bytes.h"
#include "tests/same_sizes.h"

namespace wattline::kernels::gguf_writer_test {
namespace {

ModelShape SmallShape() {
  ModelShape s;
  s.name = "small-1.5b";
  s.layers = 9;  // enough for the mix to give some layers more bits and others less
  s.model_dim = 256;
  s.ffn_dim = 768;
  s.heads = 4;
  s.kv_heads = 2;
  s.head_dim = 48;
  s.vocab = 300;
  s.context = 128;
  s.rope_dim = 32;
  s.rope_base = 500000.0;
  s.rms_eps = 2e-6;
  return s;
}

LoadedModel MakeSmall(const ModelShape& shape, const char* format) {
  ThreadPool pool(1);
  return MakeRandomModel(shape, format, 5, pool);
}

class Folder {
 public:
  Folder() {
    path_ =
        std::filesystem::temp_directory_path() / ("gguf_writer_test." + std::to_string(getpid()));
    std::filesystem::create_directory(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string File(const char* name) const { return path_ / name; }
  int64_t Files() const {
    return std::distance(std::filesystem::directory_iterator(path_),
                         std::filesystem::directory_iterator());
  }

 private:
  std::filesystem::path path_;
};

class RoundTripTest : public testing::TestWithParam<const char*> {};

TEST_P(RoundTripTest, EveryTensorAndEveryNumberComesBack) {
  for (const bool tied : {false, true}) {
    ModelShape shape = SmallShape();
    shape.tied_output = tied;
    const LoadedModel made = MakeSmall(shape, GetParam());
    ASSERT_TRUE(made.model) << made.error;
    const LoadedModel read = LoadBytes(ModelGguf(*made.model).Bytes());
    ASSERT_TRUE(read.model) << read.error;
    EXPECT_EQ(read.model->format, GetParam());
    const ModelShape& s = read.model->shape;
    EXPECT_EQ(s.name, shape.name);
    ExpectSameSizes(s, shape);
    EXPECT_FLOAT_EQ(static_cast<float>(s.rms_eps), static_cast<float>(shape.rms_eps));
    EXPECT_EQ(s.tied_output, tied);
    for (const TensorSpec& spec : LlamaTensors(shape)) {
      const Matrix a = TensorAt(spec, *made.model);
      const Matrix b = TensorAt(spec, *read.model);
      ASSERT_EQ(a.format, b.format) << spec.name;
      ASSERT_EQ(a.rows, b.rows) << spec.name;
      ASSERT_EQ(a.cols, b.cols) << spec.name;
      EXPECT_EQ(std::memcmp(a.data, b.data, static_cast<size_t>(a.Byte())), 0) << spec.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTripTest,
                         testing::Values("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q4_k",
                                         "q5_k", "q6_k", "q4_k_m"));

TEST(GgufWriterTest, RopeFactorsComeBack) {
  ModelShape shape = SmallShape();
  shape.llama3_rope = Llama3Rope{32.0, 1.0, 4.0, 64};
  const LoadedModel made = MakeSmall(shape, "q4_0");
  const LoadedModel read = LoadBytes(ModelGguf(*made.model).Bytes());
  ASSERT_TRUE(read.model) << read.error;
  for (int64_t i = 0; i < shape.rope_dim / 2; ++i) {
    EXPECT_EQ(read.model->rope_factors[i], made.model->rope_factors[i]);
  }
  EXPECT_EQ(read.model->rope_factors[shape.rope_dim / 2 - 1], 32.0f);
}

TEST(GgufWriterTest, AFileIsWhatBytesSaysAndIsMapped) {
  const Folder folder;
  const LoadedModel made = MakeSmall(SmallShape(), "q4_k_m");
  const GgufWriter writer = ModelGguf(*made.model);
  const std::string path = folder.File("a.gguf");
  ASSERT_EQ(writer.Write(path), "");
  EXPECT_EQ(std::filesystem::file_size(path), writer.Byte());
  EXPECT_EQ(writer.Bytes().size(), writer.Byte());
  EXPECT_EQ(folder.Files(), 1);
  LoadedModel read = LoadModel(path);
  ASSERT_TRUE(read.model) << read.error;
  // The mapping outlives the file's name.
  std::filesystem::remove(path);
  const Matrix a = made.model->layers[8].ffn_down;
  const Matrix b = read.model->layers[8].ffn_down;
  EXPECT_EQ(std::memcmp(a.data, b.data, static_cast<size_t>(a.Byte())), 0);
}

TEST(GgufWriterTest, AFolderThatIsMissingIsNamed) {
  const LoadedModel made = MakeSmall(SmallShape(), "q4_0");
  const std::string error = ModelGguf(*made.model).Write("/no/such/folder/a.gguf");
  EXPECT_NE(error.find("/no/such/folder/a.gguf: cannot create it: No such file"), std::string::npos)
      << error;
}

// A limit on the size of files stands for a full disk: write() fails in the middle either way.
TEST(GgufWriterTest, AFullDiskIsReportedAndTheOldFileKept) {
  const Folder folder;
  const std::string path = folder.File("a.gguf");
  std::ofstream(path) << "old";
  const LoadedModel made = MakeSmall(SmallShape(), "q4_0");
  const GgufWriter writer = ModelGguf(*made.model);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{100000, before.rlim_max};
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string error = writer.Write(path);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, old_handler);
  EXPECT_NE(error.find("a.gguf: cannot write it: File too large; it needs "), std::string::npos)
      << error;
  EXPECT_EQ(folder.Files(), 1);
  EXPECT_EQ(std::filesystem::file_size(path), 3u);
}

}  // namespace
}  // namespace wattline::kernels::gguf_writer_test
