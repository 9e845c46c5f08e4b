// The list of backends and the tables of CPU kernels: names, reasons, choice.
#include "kernels/backend.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "kernels/cpu/features.h"

namespace wattline::kernels {
namespace {

TEST(CpuFeaturesTest, AReasonNamesExactlyWhatIsMissing) {
  const std::array<CpuFeature, 3> needs = {{{"ONE", true}, {"TWO", false}, {"THREE", false}}};
  EXPECT_EQ(WhyNot("fast", needs),
            "this CPU, or the system on it, lacks TWO, THREE, which the fast kernels need");
  const std::array<CpuFeature, 1> present = {{{"ONE", true}}};
  EXPECT_EQ(WhyNot("fast", present), "");
}

TEST(CpuKernelsTest, TheBestTableIsTheFirstUsableOne) {
  const CpuKernels* first = nullptr;
  for (const CpuKernels* table : AllCpuKernels()) {
    if (first == nullptr && table->why_not().empty()) first = table;
  }
  EXPECT_EQ(BestCpuKernels(), first);
}

TEST(BackendTest, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const Backend& backend : AllBackends()) {
    EXPECT_TRUE(names.insert(backend.name).second) << backend.name;
    EXPECT_EQ(FindBackend(backend.name), &backend);
  }
  EXPECT_EQ(FindBackend("no such backend"), nullptr);
}

TEST(BackendTest, EveryCpuTableIsABackendInTheSameOrder) {
  std::vector<const CpuKernels*> tables;
  for (const Backend& backend : AllBackends()) {
    if (backend.cpu == nullptr) continue;
    tables.push_back(backend.cpu);
    EXPECT_EQ(backend.name, "cpu_" + std::string(backend.cpu->isa));
    EXPECT_EQ(backend.why_not(), backend.cpu->why_not());
  }
  const auto all = AllCpuKernels();
  EXPECT_EQ(tables, std::vector<const CpuKernels*>(all.begin(), all.end()));
}

TEST(BackendTest, EachDescribesItselfOrSaysWhyNot) {
  for (const Backend& backend : AllBackends()) {
    EXPECT_FALSE(backend.describe().empty()) << backend.name;
    const std::string why_not = backend.why_not();
    if (!why_not.empty()) {
      EXPECT_GT(why_not.size(), 20u) << backend.name;
    }
  }
}

}  // namespace
}  // namespace wattline::kernels
