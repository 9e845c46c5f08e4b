// `roofline report` as a program: one table of every row, in each output format, and exit codes.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "roofline/fit_json.h"
#include "tests/folder_test.h"
#include "tests/run_program.h"

namespace wattline::roofline_report_test {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kClean = WATTLINE_SOURCE_DIR "/tests/data/decode_emerald_rapids_vm.json";
constexpr const char* kM5 = WATTLINE_SOURCE_DIR "/tests/data/mac_ml_benchmark_m5.json";

class ReportTest : public FolderTest {
 protected:
  ProgramRun Run(const std::string& flags) const {
    return RunProgram(std::string(WATTLINE_ROOFLINE) + " report " + flags, Path("err"));
  }
  Json RunJson(const std::string& flags) const {
    return Json::parse(Run(flags + " --output=json").out);
  }
};

TEST_F(ReportTest, EveryRowStandsUnderTheCeilingsOfItsFile) {
  const Json report = RunJson(kClean);
  ASSERT_EQ(report["rows"].size(), 12u);
  EXPECT_TRUE(report["findings"].empty());
  const Json& prefill = report["rows"][0];
  EXPECT_EQ(prefill["row"], "decode/llama-3.2-1b/bf16/prefill:512/cpu");
  EXPECT_EQ(prefill["bound"], "compute");
  EXPECT_EQ(prefill["roof"], "bf16 cpu x2 DRAM");
  // The file's own MFU is of the same ceiling.
  EXPECT_NEAR(prefill["share"].get<double>(), 0.77912, 1e-4);
  const Json& decode = report["rows"][2];
  EXPECT_EQ(decode["bound"], "DRAM");
  EXPECT_NEAR(decode["share"].get<double>(), 0.82919, 1e-4);  // MBU_ceiling
  EXPECT_NEAR(decode["attainable_tflops"].get<double>(),
              38.493438 * decode["flop_per_byte"].get<double>() * 1e-3, 1e-5);
  EXPECT_FALSE(decode.contains("joules"));
  double share = 0;
  for (const Json& row : report["rows"]) share += row["time_share"].get<double>();
  EXPECT_NEAR(share, 1, 1e-9);
}

TEST_F(ReportTest, TableAndMarkdownEndWithTheLint) {
  const ProgramRun table = Run(kClean);
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_NE(table.out.find("straight roofs from its ceilings"), std::string::npos);
  EXPECT_NE(table.out.find("77.9 %"), std::string::npos);
  EXPECT_NE(table.out.find("lint: no findings\n"), std::string::npos);
  const ProgramRun markdown = Run(std::string(kClean) + " --output=md");
  EXPECT_EQ(markdown.code, 0);
  EXPECT_NE(markdown.out.find("| row "), std::string::npos) << markdown.out.substr(0, 400);
  EXPECT_NE(markdown.out.find("lint: no findings\n"), std::string::npos);
}

TEST_F(ReportTest, CsvHasARowPerRowAndTheLintOnStderr) {
  const ProgramRun csv = Run(std::string(kM5) + " --output=csv");
  EXPECT_EQ(csv.code, 3);
  EXPECT_EQ(csv.out.rfind("chip,row,fixture,format,backend,time_s,time_share,flop_per_byte,", 0),
            0u);
  EXPECT_EQ(csv.out.find("lint:"), std::string::npos);
  EXPECT_NE(csv.err.find("copy-as-read"), std::string::npos);
  const Json report = RunJson(kM5);
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'),
            static_cast<long>(report["rows"].size() + 1));
  EXPECT_EQ(report["findings"].size(), 14u);
}

TEST_F(ReportTest, NoRoofIsSaidAndNotInvented) {
  const Json report = RunJson(std::string(kM5) + " --filter=gemm/4096x4096x4096/f16");
  ASSERT_EQ(report["rows"].size(), 3u);
  for (const Json& row : report["rows"]) {
    EXPECT_FALSE(row.contains("share"));
    EXPECT_FALSE(row.contains("time_s"));  // the file does not tell it
    EXPECT_NE(row["remark"].get<std::string>().find("no roof of format f16"), std::string::npos);
  }
}

TEST_F(ReportTest, TheLintsVerdictIsTheExitCode) {
  EXPECT_EQ(Run(kM5).code, 3);
  const ProgramRun without = Run(std::string(kM5) + " --no-lint");
  EXPECT_EQ(without.code, 0);
  EXPECT_EQ(without.out.find("lint:"), std::string::npos);
  EXPECT_FALSE(RunJson(std::string(kM5) + " --no-lint").contains("findings"));
}

TEST_F(ReportTest, FilterAndSortChooseAndOrderRows) {
  const auto names = [](const Json& report) {
    std::vector<std::string> all;
    for (const Json& row : report["rows"]) all.push_back(row["row"]);
    return all;
  };
  const std::string q8 = std::string(kClean) + " --filter='q8_0/(prefill|ctx:0)'";
  EXPECT_EQ(names(RunJson(q8 + " --sort=name")),
            (std::vector<std::string>{"decode/llama-3.2-1b/q8_0/ctx:0/cpu",
                                      "decode/llama-3.2-1b/q8_0/prefill:512/cpu"}));
  EXPECT_EQ(names(RunJson(q8 + " --sort=time"))[0], "decode/llama-3.2-1b/q8_0/ctx:0/cpu");
  EXPECT_EQ(names(RunJson(std::string(kClean) + " --sort=share"))[0],
            "decode/llama-3.2-1b/bf16/ctx:512/cpu");
}

// P = 500 GFLOP/s, B = 50 GB/s and p = 1, the additive law: at I FLOP per byte 500 I / (I + 10).
TEST_F(ReportTest, AFitOfTheChipComesBeforeTheContext) {
  roofline::Roof roof;
  roof.key = {"f32", "cpu", 2, "DRAM"};
  roof.peak_flop_per_s = {500e9, 490e9, 510e9};
  roof.byte_per_s = {50e9, 49e9, 51e9};
  roof.ridge_flop_per_byte = {10, 9.8, 10.2};
  roof.sharpness = roofline::Interval{1, 0.9, 1.1};
  roofline::Fit fit;
  fit.machines.resize(1);
  fit.machines[0].chip = "Intel(R) Xeon(R) Processor";
  fit.machines[0].chip_slug = "intel-xeon-processor-f6m207";
  fit.machines[0].roofs = {roof};
  const std::string own = Write("fit.json", roofline::FitJson(fit)) + " " + kClean;
  const Json decode = RunJson(own + " --filter=bf16/ctx:512")["rows"][0];
  const double intensity = decode["flop_per_byte"];
  EXPECT_NEAR(decode["attainable_tflops"].get<double>(), 0.5 * intensity / (intensity + 10), 1e-9);
  EXPECT_NE(Run(own).out.find("roofs fitted to intensity sweeps"), std::string::npos);
  // It has no int8, which q4_0 decode computes in.
  EXPECT_FALSE(RunJson(own + " --filter=q4_0/ctx:512")["rows"][0].contains("share"));

  fit.machines[0].chip_slug = "another";
  const std::string other = Write("fit.json", roofline::FitJson(fit)) + " " + kClean;
  EXPECT_NEAR(RunJson(other + " --filter=bf16/ctx:512")["rows"][0]["share"].get<double>(), 0.82919,
              1e-4);
}

TEST_F(ReportTest, WritesAFile) {
  const ProgramRun run = Run(std::string(kClean) + " --output=json -o " + Path("report.json"));
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(Json::parse(Read("report.json"))["rows"].size(), 12u);
}

TEST_F(ReportTest, WrongUseIsOneSentenceAndCode2) {
  const std::string other = Write("other.json", "{\"a\": 1}");
  for (const std::string& flags :
       {std::string("missing.json"), other, std::string(kClean) + " --output=xml",
        std::string(kClean) + " --sort=size", std::string(kClean) + " --filter='('",
        std::string(kClean) + " --claims=missing.json", std::string()}) {
    const ProgramRun run = Run(flags);
    EXPECT_EQ(run.code, 2) << flags;
    EXPECT_EQ(run.out, "") << flags;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << flags << "\n" << run.err;
  }
}

}  // namespace
}  // namespace wattline::roofline_report_test
