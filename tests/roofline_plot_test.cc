// `roofline plot` as a program.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "roofline/fit_json.h"
#include "tests/folder_test.h"
#include "tests/plot_example.h"
#include "tests/run_program.h"

namespace wattline::roofline::roofline_plot_test {
namespace {

class PlotProgramTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    Write("fit.json", FitJson(ExampleFit()));
  }
  // `flags` after the fit; `before` stands before the program.
  ProgramRun Plot(const std::string& flags, const std::string& before = "") const {
    return RunProgram(before + WATTLINE_ROOFLINE + " plot " + Path("fit.json") + " " + flags,
                      Path("err"));
  }
  static std::string Decode() {
    return std::string(WATTLINE_SOURCE_DIR) + "/tests/data/decode_emerald_rapids_vm.json";
  }
};

TEST_F(PlotProgramTest, DrawsRoofsAndTheRowsUnderThem) {
  const ProgramRun run = Plot(Decode() + " -o " + Path("out.svg"));
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out + run.err, "");
  const std::string svg = Read("out.svg");
  EXPECT_EQ(svg.substr(0, 4), "<svg");
  EXPECT_NE(svg.find(">decode/llama-3.2-1b/q4_0/ctx:512/cpu</text>"), std::string::npos);
  EXPECT_NE(svg.find("12 roofs, 12 points; from fit.json, decode_emerald_rapids_vm.json"),
            std::string::npos);
}

TEST_F(PlotProgramTest, FlagsChooseRoofsTitleThemeAndAxis) {
  ASSERT_EQ(Plot("--format=f32,int8 --level=DRAM --title='Two & one' --dark --energy -o " +
                 Path("out.svg"))
                .code,
            0);
  const std::string svg = Read("out.svg");
  EXPECT_NE(svg.find("Two &amp; one"), std::string::npos);
  EXPECT_NE(svg.find("2 roofs, 0 points"), std::string::npos);
  EXPECT_NE(svg.find("GFLOP/J"), std::string::npos);
  EXPECT_NE(svg.find(".bg{fill:#15181c}"), std::string::npos);
}

TEST_F(PlotProgramTest, AFlagBeforeTheFilesTakesNoneOfThem) {
  const ProgramRun run =
      RunProgram(std::string(WATTLINE_ROOFLINE) + " plot --format=f32 --level=L1,DRAM " +
                     Path("fit.json") + " " + Decode() + " -o " + Path("out.svg"),
                 Path("err"));
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_NE(Read("out.svg").find("2 roofs, "), std::string::npos);
}

TEST_F(PlotProgramTest, WritesThePage) {
  ASSERT_EQ(Plot(Decode() + " -o " + Path("out.html")).code, 0);
  EXPECT_EQ(Read("out.html").substr(0, 15), "<!doctype html>");
}

TEST_F(PlotProgramTest, WritesPngWhereRsvgConvertIs) {
  if (std::system("command -v rsvg-convert >/dev/null") != 0) GTEST_SKIP() << "no rsvg-convert";
  const ProgramRun run = Plot(Decode() + " -o " + Path("out.png"));
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(Read("out.png").substr(0, 4), "\x89PNG");
  EXPECT_FALSE(std::filesystem::exists(Path("out.png.partial")));
}

TEST_F(PlotProgramTest, WithoutRsvgConvertItNamesThePackageAndKeepsTheOldFile) {
  Write("out.png", "old");
  const ProgramRun run = Plot("-o " + Path("out.png"), "PATH=/nonexistent ");
  EXPECT_EQ(run.code, 1);
  EXPECT_NE(run.err.find("librsvg2-bin"), std::string::npos) << run.err;
  EXPECT_EQ(Read("out.png"), "old");
}

TEST_F(PlotProgramTest, AChipWithoutRoofsIsOneSentence) {
  Write("other.json",
        R"({"context": {"chip": "Apple M5", "chip_slug": "apple-m5"}, "benchmarks": []})");
  const ProgramRun run = Plot(Path("other.json") + " -o " + Path("out.svg"));
  EXPECT_EQ(run.code, 2);
  EXPECT_NE(run.err.find("'Apple M5'"), std::string::npos) << run.err;
  EXPECT_FALSE(std::filesystem::exists(Path("out.svg")));
}

TEST_F(PlotProgramTest, WrongUseIsTwoAndNamesTheRemedy) {
  EXPECT_EQ(Plot("-o " + Path("out.pdf")).code, 2);
  EXPECT_NE(Plot("-o " + Path("out.pdf")).err.find(".svg, .png or .html"), std::string::npos);
  EXPECT_EQ(Plot("").code, 2);
  EXPECT_EQ(Plot("--light --dark -o " + Path("out.svg")).code, 2);
  const ProgramRun format = Plot("--format=f64 -o " + Path("out.svg"));
  EXPECT_EQ(format.code, 2);
  EXPECT_NE(format.err.find("the fit has f32, bf16, int8"), std::string::npos) << format.err;
  EXPECT_EQ(Plot(Path("missing.json") + " -o " + Path("out.svg")).code, 2);
}

TEST_F(PlotProgramTest, EnergyWithoutJoulesSaysWhy) {
  Fit fit = ExampleFit();
  fit.machines[0].energies.clear();
  Write("fit.json", FitJson(fit));
  const ProgramRun run = Plot(Decode() + " --energy -o " + Path("out.svg"));
  EXPECT_EQ(run.code, 1);
  EXPECT_NE(run.err.find("joules"), std::string::npos) << run.err;
}

TEST_F(PlotProgramTest, AFileThatCannotBeWrittenIsOne) {
  const ProgramRun run = Plot("-o " + Path("no/such/folder/out.svg"));
  EXPECT_EQ(run.code, 1);
  EXPECT_NE(run.err.find("cannot be written"), std::string::npos);
}

}  // namespace
}  // namespace wattline::roofline::roofline_plot_test
