// Every row that any flag can select has a name of the grammar, and no two have the same.
#include <gtest/gtest.h>

#include <set>

#include "benchmarks/fixtures.h"
#include "benchmarks/selection.h"

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

}  // namespace
}  // namespace wattline::benchmarks::names_test
