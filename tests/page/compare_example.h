// A comparison with something of everything in it, for tests of its page. The chips and all figures
// are made up.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/compare_files.h"

namespace wattline::roofline {

// Five runs round `value` with a spread of 1 %.
inline void AddNoisyRuns(Results& results, const std::string& name, const Counters& counters,
                         std::mt19937& random) {
  std::normal_distribution<double> noise(1, 0.01);
  for (int run = 0; run < 5; ++run) {
    Counters noisy = counters;
    for (auto& [counter, value] : noisy) {
      if (counter != "joules_err") value *= noise(random);
    }
    AddRun(results, name, noisy).repetition = run;
  }
}

// Decoding, its prefill and products of matrices on a chip of `scale` times the speed.
inline Results ExampleChip(const std::string& chip, double scale, double watts, unsigned seed) {
  Results results = FileOf("results/" + chip + ".json", chip);
  std::mt19937 random(seed);
  const std::vector<std::pair<std::string, double>> models = {
      {"smollm2-135m/q4_0", 310}, {"llama-3.2-1b/q4_0", 61}, {"llama-3.2-1b/bf16", 19}};
  for (const auto& [model, rate] : models) {
    AddNoisyRuns(results, fmt::format("decode/{}/ctx:512/cpu", model),
                 {{"tok/s", rate * scale},
                  {"MBU", 0.71 * scale / (0.3 + scale)},
                  {"J/token", watts / (rate * scale)}},
                 random);
    AddNoisyRuns(results, fmt::format("decode/{}/prefill:512/cpu", model),
                 {{"tok/s", rate * scale * 11}, {"TTFT_ms", 512e3 / (rate * scale * 11)}}, random);
  }
  for (const int size : {256, 1024, 4096}) {
    AddNoisyRuns(results, fmt::format("gemm/{0}x{0}x{0}/f32/openblas", size),
                 {{"TFLOPS", scale * (size == 256 ? 0.04 : 0.9)},
                  {"MFU", size == 256 ? 0.3 : 0.86},
                  {"joules", watts * 2e-12 * size * size * size / scale}},
                 random);
  }
  return results;
}

// Three chips that were measured and one that was published: with rows that are missing, failed or
// unsteady, and libraries that differ.
inline std::vector<Results> ExampleFiles() {
  Results base = ExampleChip("Made-up Desktop 9000", 1, 88, 1);
  Results fast = ExampleChip("Made-up M7 Pro", 1.83, 31, 2);
  Results near = ExampleChip("Made-up Desktop 9001", 1.004, 90, 3);
  base.machine.compiler = "gcc 12.2.0";
  fast.machine.compiler = "clang 17.0.0";
  base.machine.os = "Linux 6.1";
  fast.machine.os = "macOS 26.1";
  near.rows.resize(near.rows.size() - 5);
  AddRun(near, "gemm/4096x4096x4096/f32/openblas", {}).error = "differs from its reference";
  // A row that only one chip has stands before those that all have.
  Results alone = FileOf("", "");
  AddRun(alone, "gemm/128x128x128/f32/openblas", {{"TFLOPS", 0.03}});
  const auto gemm = std::find_if(base.rows.begin(), base.rows.end(),
                                 [](const Row& row) { return row.name.starts_with("gemm"); });
  base.rows.insert(gemm, alone.rows[0]);
  for (Row& row : fast.rows) {
    if (row.name.find("smollm2") != std::string::npos) row.counters["unsteady"] = 1;
  }
  Results published = FileOf("reference/made-up.json", "Made-up M6");
  published.tool = "published";
  published.published = true;
  published.source = "a made-up list";
  AddRun(published, "decode/llama-3.2-1b/q4_0/ctx:512/cpu", {{"tok/s", 74}});
  AddRun(published, "decode/llama-3.2-1b/q4_0/prefill:512/cpu", {{"tok/s", 640}});
  return {base, fast, near, published};
}

inline Comparison ExampleComparison() {
  const std::vector<Results> files = ExampleFiles();
  return Compare(files).comparison.value();
}

// `rows` rows of one counter in six columns.
inline Comparison ManyRowsComparison(int rows) {
  std::vector<Results> files;
  for (int chip = 0; chip < 6; ++chip) {
    Results file = FileOf(fmt::format("results/made-up_{}.json", chip),
                          fmt::format("Made-up Processor {}", chip));
    std::mt19937 random(static_cast<unsigned>(chip));
    for (int row = 0; row < rows; ++row) {
      AddNoisyRuns(file, fmt::format("gemm/{0}x{0}x{0}/f32/threads:4/openblas", 64 + row),
                   {{"TFLOPS", (1 + chip * 0.3) * (1 + row * 0.01)}}, random);
    }
    files.push_back(file);
  }
  return Compare(files).comparison.value();
}

// Every text that comes from a file tries to be markup.
inline Comparison EvilComparison(const std::string& evil) {
  Comparison all = ExampleComparison();
  for (CompareColumn& column : all.columns) {
    column.label += evil;
    column.chip = column.tool = evil;
    column.files = {evil};
  }
  for (CompareRow& row : all.rows) {
    row.key += evil;
    row.fixture += evil;
    row.metric.counter += evil;
    row.metric.unit = evil;
    for (std::optional<CompareCell>& cell : row.cells) {
      if (cell) cell->remark = evil;
    }
    for (std::optional<CompareVerdict>& verdict : row.verdicts) {
      if (verdict) verdict->why += evil;
    }
  }
  for (MissingRow& row : all.missing) row.column = row.key = row.why = evil;
  for (ContextDifference& difference : all.differences) {
    difference.what = evil;
    for (std::string& value : difference.values) value = evil;
  }
  for (CompareSummary& summary : all.summaries) summary.fixture = summary.column = evil;
  all.warnings.push_back(evil);
  return all;
}

}  // namespace wattline::roofline
