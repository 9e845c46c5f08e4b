// Which rows a filter selects, and the grammar of names.
#include "benchmarks/selection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wattline::benchmarks::selection_test {
namespace {

std::vector<Row> SomeRows() {
  return {{"gemm/512x512x512/f32/cpu", {}, {}},
          {"decode/llama-3.2-1b/q4_0/ctx:512/cpu", {}, {}},
          {"decode/llama-3.2-1b/q4_0/ctx:512/batch:4/cpu", {"batch:4"}, {}},
          {"decode/llama-3-8b/q4_0/ctx:512/cpu", {"llama-3-8b"}, {}},
          {"decode/llama-3-8b/q6_k/ctx:512/cpu", {"llama-3-8b", "q6_k"}, {}},
          {"decode/llama-3.2-1b/f16/ctx:512/cpu", {"f16"}, {}},
          {"decode/llama-3.2-1b/bf16/ctx:512/cpu", {}, {}}};
}

std::vector<std::string> Selected(const std::string& filter, bool full_sweep = false) {
  static const std::vector<Row> rows = SomeRows();
  std::vector<std::string> names;
  for (const Row* row : SelectRows(rows, filter, full_sweep)) names.push_back(row->name);
  return names;
}

using Names = std::vector<std::string>;

TEST(SelectionTest, WithoutAFilterTheDefaultListRuns) {
  EXPECT_EQ(Selected("."),
            (Names{"gemm/512x512x512/f32/cpu", "decode/llama-3.2-1b/q4_0/ctx:512/cpu",
                   "decode/llama-3.2-1b/bf16/ctx:512/cpu"}));
}

TEST(SelectionTest, TheFullSweepRunsEverythingThatTheFilterTakes) {
  EXPECT_EQ(Selected(".", true).size(), SomeRows().size());
  EXPECT_EQ(Selected("decode", true).size(), SomeRows().size() - 1);
}

TEST(SelectionTest, ARowOutsideTheDefaultListRunsWhereTheFilterNamesIt) {
  EXPECT_EQ(Selected("decode/llama-3-8b"), Names{"decode/llama-3-8b/q4_0/ctx:512/cpu"});
  EXPECT_EQ(Selected("decode/llama-3-8b/q6_k"), Names{"decode/llama-3-8b/q6_k/ctx:512/cpu"});
  EXPECT_EQ(Selected("batch:4"), Names{"decode/llama-3.2-1b/q4_0/ctx:512/batch:4/cpu"});
}

TEST(SelectionTest, AnEscapedDotStillNamesTheModel) {
  EXPECT_EQ(Selected(R"(llama-3\.2-1b/f16)"), Names{"decode/llama-3.2-1b/f16/ctx:512/cpu"});
}

TEST(SelectionTest, AFormatThatContainsAnotherOnesNameSelectsItselfOnly) {
  EXPECT_EQ(Selected("/bf16/"), Names{"decode/llama-3.2-1b/bf16/ctx:512/cpu"});
}

TEST(SelectionTest, ALeadingMinusNegatesAndAddsNothingToTheDefaultList) {
  EXPECT_EQ(Selected("-decode/llama-3.2-1b/q4_0"),
            (Names{"gemm/512x512x512/f32/cpu", "decode/llama-3.2-1b/bf16/ctx:512/cpu"}));
}

TEST(SelectionTest, NamesOfTheGrammarHaveNoFault) {
  for (const char* name :
       {"gemm/4096x4096x4096/bf16/onednn", "decode/llama-3.2-1b/q4_0/prefill:512/cpu",
        "attention/single_query/f16/heads:32/kv_heads:8/ctx:8192/cpu_avx2"}) {
    EXPECT_EQ(NameFault(name), "") << name;
  }
}

TEST(SelectionTest, OtherNamesHaveOne) {
  for (const char* name : {"gemm/f32/cpu", "gemm/512/f32/min_time:0.1/real time/cpu",
                           "gemm//f32/cpu", "gemm/512/f32/fast/cpu", "gemm/5 12/f32/cpu", ""}) {
    EXPECT_NE(NameFault(name), "") << name;
  }
}

}  // namespace
}  // namespace wattline::benchmarks::selection_test
