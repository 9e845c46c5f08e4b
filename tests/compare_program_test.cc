// `compare` as a program: columns, verdicts, each output, exit codes, references and errors.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/folder_test.h"
#include "tests/run_program.h"

namespace wattline::compare_program_test {
namespace {

using Json = nlohmann::ordered_json;

// Decode rows of one machine with eight runs each, of 100 tok/s and 1 J/token times the factors,
// with 0.5 % of noise.
struct Made {
  std::string chip = "Chip A";
  double speed = 1;
  double energy = 1;
  uint32_t seed = 1;
  std::vector<std::string> backends = {"cpu"};
  bool fails = false;    // its second row
  bool has_gpu = false;  // the context names one; rows of backend cuda are its own
};

Json RowOf(const std::string& name, int repetition) {
  return {{"name", name},      {"run_name", name},  {"run_type", "iteration"},
          {"threads", 1},      {"iterations", 10},  {"repetition_index", repetition},
          {"real_time", 10.0}, {"time_unit", "ms"}, {"repetitions", 8}};
}

std::string TextOf(const Made& made) {
  Json json;
  std::string slug = made.chip;
  std::replace(slug.begin(), slug.end(), ' ', '-');
  json["context"] = {{"schema_version", 1}, {"chip", made.chip}, {"chip_slug", slug}};
  if (made.has_gpu) json["context"]["gpus"] = {{{"name", "NVIDIA H200"}}};
  json["benchmarks"] = Json::array();
  std::mt19937 engine(made.seed);
  std::normal_distribution<double> noise(1, 0.005);
  for (const std::string& backend : made.backends) {
    for (const char* context : {"512", "4096"}) {
      for (int run = 0; run < 8; ++run) {
        Json row = RowOf("decode/llama-2-7b/q4_0/ctx:" + std::string(context) + "/" + backend, run);
        row["tok/s"] = 100 * made.speed * noise(engine);
        row["J/token"] = made.energy * noise(engine);
        if (made.fails && std::string(context) == "4096") {
          row = RowOf(row["name"], run);
          row["error_occurred"] = true;
          row["error_message"] = "too little memory";
        }
        json["benchmarks"].push_back(std::move(row));
      }
    }
  }
  return json.dump();
}

class CompareProgramTest : public FolderTest {
 protected:
  using FolderTest::Write;
  std::string Write(const std::string& file, const Made& made) const {
    return Write(file, TextOf(made));
  }
  ProgramRun Run(const std::string& flags) const {
    return RunProgram(std::string(WATTLINE_COMPARE) + " " + flags, Path("err"));
  }
  Json RunJson(const std::string& flags) const {
    const ProgramRun run = Run(flags + " --output=json");
    return run.out.empty() ? Json() : Json::parse(run.out);
  }
  // Exit code 2 and one sentence that holds `part`.
  void ExpectError(const std::string& flags, const std::string& part) const {
    const ProgramRun run = Run(flags);
    EXPECT_EQ(run.code, 2) << flags;
    EXPECT_EQ(run.out, "") << flags;
    EXPECT_NE(run.err.find(part), std::string::npos) << flags << ": " << run.err;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_EQ(run.err.rfind("compare: ", 0), 0u) << run.err;
  }
};

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The first row of the counter.
const Json& FirstOf(const Json& comparison, const std::string& counter) {
  for (const Json& row : comparison["rows"]) {
    if (row["counter"] == counter) return row;
  }
  static const Json none;
  return none;
}

std::vector<std::string> Labels(const Json& comparison) {
  std::vector<std::string> labels;
  for (const Json& column : comparison["columns"]) labels.push_back(column["label"]);
  return labels;
}

TEST_F(CompareProgramTest, ChipsStandSideBySideWithVerdicts) {
  const std::string files =
      Write("a.json", Made{}) + " " + Write("b.json", Made{"Chip B", 1.3, 0.8, 2}) + " --no-lint";
  const ProgramRun run = Run(files);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(Holds(run.out, "baseline: Chip A")) << run.out;
  EXPECT_TRUE(Holds(run.out, "faster")) << run.out;
  EXPECT_TRUE(Holds(run.out, "thriftier")) << run.out;
  EXPECT_FALSE(Holds(run.out, "\x1b"));
  const Json json = RunJson(files);
  EXPECT_EQ(Labels(json), (std::vector<std::string>{"Chip A", "Chip B"}));
  const Json& speed = FirstOf(json, "tok/s");
  EXPECT_EQ(speed["row"], "decode/llama-2-7b/q4_0/ctx:512/cpu");
  EXPECT_EQ(speed["better"], "higher");
  EXPECT_NEAR(speed["cells"][1]["ratio"].get<double>(), 1.3, 0.02);
  EXPECT_EQ(speed["cells"][1]["verdict"], "better");
  EXPECT_EQ(speed["cells"][0]["samples"].size(), 8u);
  EXPECT_FALSE(speed["cells"][0].contains("verdict"));
  EXPECT_EQ(json["summaries"][0]["rows"], 2);
  EXPECT_FALSE(json.contains("findings"));
}

TEST_F(CompareProgramTest, RunsOfOneChipAreComparedAsFiles) {
  const std::string a = Write("a.json", Made{});
  const std::string b = Write("b.json", Made{"Chip A", 0.9, 1, 2});
  const Json json = RunJson(a + " " + b);
  EXPECT_EQ(Labels(json), (std::vector<std::string>{"a.json", "b.json"}));
  EXPECT_EQ(json["remarks"], Json({"all files are of Chip A: columns are files"}));
  ExpectError(a + " " + b + " --by=chip", "all files are of chip Chip A; --by=file compares files");
}

TEST_F(CompareProgramTest, RunsOfOneMachineWithAGpuAreTwoColumnsNotFour) {
  Made made{.backends = {"cpu", "cuda"}, .has_gpu = true};
  const std::string a = Write("a.json", made);
  made.speed = 0.9;
  const Json json = RunJson(a + " " + Write("b.json", made) + " --no-lint");
  EXPECT_EQ(Labels(json), (std::vector<std::string>{"a.json", "b.json"}));
  EXPECT_TRUE(json["missing"].empty());
  EXPECT_EQ(Labels(RunJson(a)), (std::vector<std::string>{"Chip A", "NVIDIA H200"}));
}

TEST_F(CompareProgramTest, BackendsOfOneFileAreColumns) {
  const std::string a = Write("a.json", Made{.backends = {"cpu", "cpu_avx2"}});
  EXPECT_EQ(Labels(RunJson(a + " --across=backend")),
            (std::vector<std::string>{"cpu", "cpu_avx2"}));
  EXPECT_EQ(Labels(RunJson(a + " --by=isa")), (std::vector<std::string>{"best", "avx2"}));
  ExpectError(a, "there is one column only, 'Chip A'");
}

TEST_F(CompareProgramTest, FailOnTellsRegressionsByItsExitCode) {
  const std::string files =
      Write("old.json", Made{}) + " " + Write("new.json", Made{"Chip A", 0.9, 1, 2});
  EXPECT_EQ(Run(files).code, 0);
  EXPECT_EQ(Run(files + " --fail-on=20%").code, 0);
  for (const char* share : {"5%", "0.05"}) {
    const ProgramRun run = Run(files + " --fail-on=" + share);
    EXPECT_EQ(run.code, 3) << share;
    EXPECT_TRUE(Holds(run.out, "2 figures got worse by more than 5 %")) << run.out;
  }
  EXPECT_EQ(Run(files + " --fail-on=5% --baseline=new.json").code, 0);
  const Json json = RunJson(files + " --fail-on=5%");
  ASSERT_EQ(json["regressions"].size(), 2u);
  EXPECT_EQ(json["regressions"][0]["counter"], "tok/s");
  EXPECT_EQ(json["regressions"][0]["column"], "new.json");
  ExpectError(files + " --fail-on=5", "--fail-on=5 is no share");
}

TEST_F(CompareProgramTest, NothingComparableIsAVerdict) {
  const std::string files = Write("a.json", Made{}) + " " +
                            Write("b.json", Made{.chip = "Chip B", .backends = {"metal"}});
  const ProgramRun run = Run(files);
  EXPECT_EQ(run.code, 3);
  EXPECT_TRUE(Holds(run.err, "nothing is comparable: no row has figures in 'Chip A'")) << run.err;
  EXPECT_EQ(Run(files + " --across=backend").code, 0);
}

TEST_F(CompareProgramTest, BaselineMayBeAFileBesideTheOthers) {
  const std::string old_file = Write("old.json", Made{});
  const std::string b = Write("b.json", Made{"Chip B", 1.3, 1, 2});
  EXPECT_EQ(RunJson(b + " --baseline=" + old_file)["baseline"], "Chip A");
  EXPECT_EQ(RunJson(b + " " + old_file)["baseline"], "Chip B");
  EXPECT_EQ(RunJson(b + " " + old_file + " --baseline='Chip A'")["baseline"], "Chip A");
}

TEST_F(CompareProgramTest, MissingAndFailedRowsAreListed) {
  Made failing{"Chip B", 1, 1, 2};
  failing.fails = true;
  const std::string files = Write("a.json", Made{}) + " " + Write("b.json", failing);
  const Json json = RunJson(files);
  ASSERT_EQ(json["missing"].size(), 1u);
  EXPECT_EQ(json["missing"][0]["column"], "Chip B");
  EXPECT_EQ(json["missing"][0]["why"], "too little memory");
  const std::string table = Run(files).out;
  EXPECT_TRUE(Holds(table, "1 row missing or failed")) << table;
  EXPECT_TRUE(Holds(table, "Chip B: decode/llama-2-7b/q4_0/ctx:4096/cpu: too little memory"));
  const std::string csv = Run(files + " --output=csv").out;
  EXPECT_TRUE(Holds(csv, ",,decode/llama-2-7b/q4_0/ctx:4096/cpu,,,,Chip B")) << csv;
}

TEST_F(CompareProgramTest, CsvHasALineForEachCellOfTheSameWidth) {
  const std::string files =
      Write("a.json", Made{}) + " " + Write("b.json", Made{"Chip B", 1.3, 0.8, 2, {"cpu"}, true});
  const std::string csv = Run(files + " --output=csv").out;
  std::vector<long> commas;
  for (size_t begin = 0; begin < csv.size();) {
    const size_t end = csv.find('\n', begin);
    long count = 0;
    bool quoted = false;
    for (size_t i = begin; i < end; ++i) {
      if (csv[i] == '"') quoted = !quoted;
      count += csv[i] == ',' && !quoted;
    }
    commas.push_back(count);
    begin = end + 1;
  }
  // The head; speed and energy of two rows and two columns less the row that failed; that.
  ASSERT_EQ(commas.size(), 1u + 6 + 1) << csv;
  EXPECT_EQ(std::count(commas.begin(), commas.end(), commas[0]), 8) << csv;
}

TEST_F(CompareProgramTest, MarkdownAndHtmlHoldTheComparison) {
  const std::string files =
      Write("a.json", Made{}) + " " + Write("b.json", Made{"Chip B", 1.3, 0.8, 2});
  const ProgramRun md = Run(files + " --output=md");
  EXPECT_EQ(md.code, 0);
  EXPECT_TRUE(Holds(md.out, "| row | counter | Chip A | Chip B |")) << md.out;
  EXPECT_EQ(Run(files + " --output=html -o " + Path("page.html")).code, 0);
  std::ifstream in(Path("page.html"));
  const std::string page(std::istreambuf_iterator<char>(in), {});
  EXPECT_TRUE(Holds(page, "<script")) << page.substr(0, 200);
  EXPECT_TRUE(Holds(page, "Chip B"));
}

TEST_F(CompareProgramTest, ManyColumnsAreLinesInsteadOfAWideTable) {
  std::string files;
  for (int i = 0; i < 9; ++i) {
    const std::string chip = "Chip " + std::to_string(i);
    files += Write(chip.substr(5) + ".json", Made{chip, 1 + 0.1 * i, 1, 2}) + " ";
  }
  const std::string table = Run(files + "--no-lint").out;
  EXPECT_TRUE(Holds(table, "95 % interval")) << table;
  for (size_t begin = 0; begin < table.size();) {
    const size_t end = table.find('\n', begin);
    if (table.compare(begin, 2, "  ") != 0) {
      EXPECT_LE(end - begin, 160u) << table.substr(begin);
    }
    begin = end + 1;
  }
}

TEST_F(CompareProgramTest, ALieInAFileIsFoundByTheLintBelowTheTable) {
  const std::string m5 = WATTLINE_SOURCE_DIR "/tests/data/mac_ml_benchmark_m5.json";
  const std::string m4 = WATTLINE_SOURCE_DIR "/tests/data/mac_ml_benchmark_m4_pro.json";
  const ProgramRun run = Run(m4 + " " + m5);
  EXPECT_TRUE(Holds(run.out, "lint: ")) << run.out;
  EXPECT_FALSE(Holds(run.out, "lint: no findings"));
  EXPECT_FALSE(Holds(Run(m4 + " " + m5 + " --no-lint").out, "lint: "));
  EXPECT_TRUE(Holds(Run(m4 + " " + m5 + " --output=csv").err, "lint: "));
}

TEST_F(CompareProgramTest, EveryPublishedRowIsMarkedWithItsSource) {
  const std::string flags =
      Write("a.json", Made{.backends = {"cpu"}}) + " --reference=apple-m2,'Apple M1' --no-lint";
  Json text = Json::parse(TextOf({}));
  for (Json& row : text["benchmarks"])
    row["name"] = row["run_name"] = "decode/llama-2-7b/q4_0/ctx:0/cpu";
  Write("a.json", text.dump());
  const Json json = RunJson(flags);
  size_t published = 0;
  for (size_t c = 0; c < json["columns"].size(); ++c) {
    if (!json["columns"][c]["published"].get<bool>()) continue;
    ++published;
    for (const Json& row : json["rows"]) {
      if (row["cells"][c].is_null()) continue;
      EXPECT_TRUE(Holds(row["cells"][c]["remark"], "published: ")) << row;
    }
  }
  EXPECT_GE(published, 2u);
  const std::string table = Run(flags).out;
  EXPECT_TRUE(Holds(table, "(published)")) << table;
  EXPECT_TRUE(Holds(table, "] published: ")) << table;
  EXPECT_TRUE(Holds(Run(flags + " --output=csv").out, "published: "));
  ExpectError(Path("a.json") + " --reference=m99", "--reference=m99 is not known; there are ");
}

TEST_F(CompareProgramTest, ReferencesAreListed) {
  const ProgramRun run = Run("--list-references");
  EXPECT_EQ(run.code, 0) << run.err;
  for (const char* name : {"apple-m1", "apple-m4-pro", "apple-m5"}) {
    EXPECT_TRUE(Holds(run.out, name)) << run.out;
  }
  EXPECT_TRUE(Holds(run.out, "source")) << run.out;
}

TEST_F(CompareProgramTest, WrongUseIsOneSentence) {
  const std::string a = Write("a.json", Made{});
  const std::string files = a + " " + Write("b.json", Made{.chip = "Chip B"});
  ExpectError("", "no file is given");
  ExpectError(a + " " + Path("none.json"), "none.json cannot be read: No such file");
  ExpectError(a + " " + Write("cut.json", TextOf({}).substr(0, 3000)), "cut.json");
  ExpectError(a + " " + Write("foreign.json", R"({"color": "red"})"),
              "no program that can be read");
  ExpectError(files + " --by=color", "known: chip, backend, format, isa, file");
  ExpectError(files + " --output=pdf", "known: table, md, csv, json, html");
  ExpectError(files + " --counters=color",
              "no row has the counter 'color'; there are J/output_token, J/token");
  ExpectError(files + " --baseline=Chip", "the columns are 'Chip A', 'Chip B'");
  ExpectError(files + " --filter='('", "no regular expression");
  ExpectError(files + " --nonsense", "compare --help shows the usage");
}

TEST_F(CompareProgramTest, ControlCharactersDoNotReachTheTerminal) {
  Json json = Json::parse(TextOf({}));
  json["context"]["chip"] = "Chip \u001b[31mred\u0007";
  const ProgramRun run =
      Run(Write("a.json", json.dump()) + " " + Write("b.json", Made{.chip = "Chip B"}));
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(Holds(run.out, "red")) << run.out;
  EXPECT_FALSE(Holds(run.out, "\x1b"));
  EXPECT_FALSE(Holds(run.out, "\x07"));
}

}  // namespace
}  // namespace wattline::compare_program_test
