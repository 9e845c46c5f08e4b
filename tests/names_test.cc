// Every row that any flag can select has a name of the grammar, and no two have the same.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "benchmarks/fixtures.h"
#include "benchmarks/selection.h"
#include "kernels/coreml/coreml_work.h"

namespace wattline::benchmarks::names_test {
namespace {

TEST(NamesTest, EveryRegisteredNameIsAnAddress) {
  for (const char* isa : {"", "all"}) {
    SuiteOptions options;
    options.isa = isa;
    Suite suite(options);
    RegisterAll(suite);
    std::set<std::string> names;
    for (const Row& row : suite.rows()) {
      EXPECT_EQ(NameFault(row.name), "");
      EXPECT_TRUE(names.insert(row.name).second) << row.name << " is registered twice";
      for (const std::string& word : row.words) {
        EXPECT_NE(row.name.find(word), std::string::npos) << word << " is not in " << row.name;
      }
    }
    EXPECT_FALSE(names.empty());
  }
}

TEST(NamesTest, EfficiencyCoresHaveRowsOfOurOwnBackendsOnly) {
  SuiteOptions options;
  options.efficiency_cores = true;
  Suite suite(options);
  RegisterAll(suite);
  EXPECT_EQ(suite.backends().size(), suite.cpu_backends().size());
  for (const Row& row : suite.rows()) {
    EXPECT_EQ(row.name.substr(row.name.rfind('/') + 1), "cpu") << row.name;
  }
  EXPECT_FALSE(suite.rows().empty());
}

class NoWork : public kernels::Work {
  void Run() override {}
  std::vector<float> Result() const override { return {}; }
};

kernels::MadeWork MakeNoGemm(const kernels::Backend&, const kernels::GemmCase&,
                             kernels::ThreadPool&) {
  return {std::make_unique<NoWork>(), {}};
}

// A layer with f16 weights and many tokens is a GEMM of f16 there; on our own CPU kernels it isn't.
TEST(NamesTest, ABackendThatMultipliesF16HasOneRowForEachShapeOfIt) {
  const kernels::Backend& cpu = kernels::AllBackends().front();
  kernels::Backend both = cpu;
  both.name = "both";
  both.cpu = nullptr;
  both.why_not = [] { return std::string(); };
  both.gemm = MakeNoGemm;
  kernels::Backend layers = both;
  layers.name = "layers";
  layers.gemm = nullptr;
  const std::vector<kernels::Backend> backends = {both, layers};
  Suite suite(SuiteOptions{}, backends);
  RegisterGemm(suite);
  std::multiset<std::string> names;
  for (const Row& row : suite.rows()) names.insert(row.name);
  EXPECT_EQ(names.count("gemm/512x512x512/f16/both"), 1u);
  EXPECT_EQ(names.count("gemm/512x4096x4096/f16/both"), 1u);
  EXPECT_EQ(names.count("gemm/1x4096x4096/f16/weights:cold/both"), 1u);
  EXPECT_EQ(names.count("gemm/512x512x512/f16/layers"), 0u);
  EXPECT_EQ(names.count("gemm/512x4096x4096/f16/layers"), 1u);
}

// As on a Mac with both packages.
TEST(NamesTest, CoreMlHasRowsOfBertInF16) {
  std::vector<kernels::Backend> backends;
  for (const kernels::Backend& backend : kernels::AllBackends()) {
    if (!kernels::IsCoreMl(backend)) continue;
    backends.push_back(backend);
    backends.back().why_not = [] { return std::string(); };
  }
  Suite suite(SuiteOptions(), backends);
  RegisterAll(suite);
  std::set<std::string> names;
  for (const Row& row : suite.rows()) {
    if (row.words.empty() && row.name.find("/coreml_") != std::string::npos) names.insert(row.name);
  }
  std::set<std::string> expected;
  for (const char* fixture : {"block", "encode"}) {
    for (const char* units : {"cpu", "gpu", "ane", "all"}) {
      expected.insert(fmt::format("{}/bert-base/f16/tokens:128/coreml_{}", fixture, units));
    }
  }
  EXPECT_EQ(names, expected);
  for (const Row& row : suite.rows()) {
    if (row.name.find("/coreml_") == std::string::npos) continue;
    EXPECT_NE(row.name.find("/bert-base/f16/tokens:"), std::string::npos) << row.name;
  }
}

}  // namespace
}  // namespace wattline::benchmarks::names_test
