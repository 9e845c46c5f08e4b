// The reader of llama-bench: its four outputs, older builds and a fork.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "roofline/json_fields.h"
#include "tests/read_foreign.h"

namespace wattline::roofline::readers_llama_bench_test {
namespace {

// A record of -o jsonl with the fields that a reader needs; `more` are further ones.
std::string Line(const std::string& more, const std::string& type = "llama 8B Q4_K - Medium",
                 double params = 8030261248) {
  return fmt::format(
      R"({{"build_commit": "abc1234", "build_number": 6000, "cpu_info": "Accelerate, Apple M4 Pro",)"
      R"( "gpu_info": "Apple M4 Pro", "backends": "MTL,BLAS", "model_filename": "/a/b/m.gguf",)"
      R"( "model_type": "{}", "model_size": 4920000000, "model_n_params": {:.0f},)"
      R"( "n_gpu_layers": 99, {}}})"
      "\n",
      type, params, more);
}

constexpr const char* kPp512 =
    R"("n_prompt": 512, "n_gen": 0, "n_depth": 0, "samples_ns": [2000000000], "samples_ts": [256])";
constexpr const char* kTg128 =
    R"("n_prompt": 0, "n_gen": 128, "n_depth": 4096, "samples_ns": [4000000000, 4100000000],)"
    R"( "samples_ts": [32, 31.2195])";

Results Of(const std::string& text) { return OnlyResults(ParseAny(text, "x.jsonl")); }

TEST(LlamaBenchReader, TakesEachRunOfARealFile) {
  const Results r = ReadForeign("llama_bench_cpu.json");
  EXPECT_EQ(r.tool, "llama-bench");
  EXPECT_EQ(r.source, "llama-bench build 4748 (c392e5094)");
  EXPECT_EQ(r.machine.chip, "AMD EPYC");
  EXPECT_EQ(r.machine.chip_slug, "amd-epyc");
  EXPECT_EQ(r.machine.threads, 2);
  EXPECT_EQ(r.machine.commit, "c392e5094");
  EXPECT_FALSE(r.published);
  ASSERT_EQ(r.rows.size(), 4u);
  // 64 tokens in 1289114896 ns are 49.6465 tok/s; 667078656 byte of weights.
  const Row first = RowOf(r, "decode/tinyllama-1.1b/q4_k_m/prefill:64/llama.cpp-cpu", 0);
  EXPECT_EQ(first.Counter("tok/s"), 49.6465);
  EXPECT_DOUBLE_EQ(*first.Counter("TTFT_ms"), 1289.114896);
  EXPECT_DOUBLE_EQ(first.time_s, 1.289114896);
  EXPECT_DOUBLE_EQ(*first.Counter("weights_GB"), 0.667078656);
  EXPECT_FALSE(first.Counter("TFLOPS"));
  EXPECT_EQ(first.label, "tl-Q4_K_M.gguf");
  EXPECT_EQ(RowOf(r, "decode/tinyllama-1.1b/q4_k_m/prefill:64/llama.cpp-cpu", 1).Counter("tok/s"),
            53.093);
  // 16 tokens were generated, ours are 128: the rate stands, the time does not.
  const Row decode = RowOf(r, "decode/tinyllama-1.1b/q4_k_m/ctx:0/llama.cpp-cpu", 1);
  EXPECT_EQ(decode.Counter("tok/s"), 33.8606);
  EXPECT_DOUBLE_EQ(*decode.Counter("TPOT_ms"), 472.525352 / 16);
  EXPECT_EQ(decode.time_s, 0);
  EXPECT_TRUE(Remarks(r, "1 test generated other than the 128 tokens of ours"));
}

TEST(LlamaBenchReader, PutsSettingsIntoTheContext) {
  const Json context = Json::parse(ReadForeign("llama_bench_cpu.json").context);
  EXPECT_EQ(context["settings"]["flash_attn"], "0");
  EXPECT_EQ(context["settings"]["n_batch"], "2048");
  EXPECT_EQ(context["threads"], 2);
  EXPECT_EQ(context["tool"], "llama-bench");
}

TEST(LlamaBenchReader, ReadsThePrintedTable) {
  const Results r = ReadForeign("llama_bench_m2_ultra.md");
  ASSERT_EQ(r.rows.size(), 4u);
  const Row row = RowOf(r, "decode/llama-2-7b/f16/prefill:512/llama.cpp-metal");
  EXPECT_EQ(row.Counter("tok/s"), 665.95);
  EXPECT_EQ(row.aggregate, "mean");
  EXPECT_EQ(row.label, "standard deviation 0.18 tok/s");
  // 12.55 GiB.
  EXPECT_NEAR(*row.Counter("weights_GB"), 13.4755, 1e-4);
  EXPECT_EQ(RowOf(r, "decode/llama-2-7b/q4_0/prefill:512/llama.cpp-metal").Counter("tok/s"),
            632.32);
  EXPECT_EQ(RowOf(r, "decode/llama-2-7b/f16/ctx:0/llama.cpp-metal").Counter("tok/s"), 29.73);
  EXPECT_TRUE(Remarks(r, "4 rows with a mean and a standard deviation but no runs"));
  EXPECT_TRUE(Remarks(r, "does not tell the chip"));
}

TEST(LlamaBenchReader, TakesBuildAndChipFromTheTextAroundATable) {
  const Results r = OnlyResults(ParseAny(
      "ggml_metal_init: GPU name:   Apple M4 Max\n"
      "| model | size | params | backend | threads | fa | test | t/s |\n"
      "| --- | ---: | ---: | --- | --: | --: | ---: | ---: |\n"
      "| gpt-oss 20B MXFP4 MoE | 11.27 GiB | 20.91 B | Metal,BLAS | 12 | 1 | pp2048 @ d512 "
      "| 1000.50 \xc2\xb1 3.00 |\n\nbuild: 1a2b3c4d (6100)\n",
      "x.md"));
  EXPECT_EQ(r.machine.chip, "Apple M4 Max");
  EXPECT_EQ(r.machine.commit, "1a2b3c4d");
  EXPECT_EQ(r.source, "llama-bench build 6100 (1a2b3c4d)");
  const Row row = RowOf(r, "decode/gpt-oss-20b/mxfp4/prefill:2048/depth:512/llama.cpp-metal");
  EXPECT_EQ(row.Counter("tok/s"), 1000.5);
  EXPECT_FALSE(row.Counter("TTFT_ms"));  // it stands behind 512 tokens
}

TEST(LlamaBenchReader, ReadsLinesOfJson) {
  const Results r = Of(Line(kPp512) + Line(kTg128));
  EXPECT_EQ(r.machine.chip_slug, "apple-m4-pro");
  EXPECT_EQ(RowOf(r, "decode/llama-3-8b/q4_k_m/prefill:512/llama.cpp-metal").Counter("TTFT_ms"),
            2000);
  const Row decode = RowOf(r, "decode/llama-3-8b/q4_k_m/ctx:4096/llama.cpp-metal", 1);
  EXPECT_EQ(decode.Counter("tok/s"), 31.2195);
  EXPECT_DOUBLE_EQ(decode.time_s, 4.1);
  EXPECT_EQ(decode.label, "m.gguf");  // without its folders
  EXPECT_EQ(r.context.find("/a/b"), std::string::npos);
}

TEST(LlamaBenchReader, ReadsCsvAsMeans) {
  const Results r = OnlyResults(ParseAny(
      "build_commit,cpu_info,gpu_info,backends,model_type,model_size,model_n_params,n_threads,"
      "n_prompt,n_gen,avg_ns,stddev_ns,avg_ts,stddev_ts\n"
      "\"abc\",\"AMD \"\"EPYC\"\"\",\"\",\"CPU\",\"qwen2 1.5B Q8_0\",\"1640000000\",\"1543714304\","
      "\"8\",\"0\",\"128\",\"6400000000\",\"1\",\"20.0\",\"0.5\"\n",
      "x.csv"));
  EXPECT_EQ(r.machine.chip, "AMD \"EPYC\"");
  const Row row = RowOf(r, "decode/qwen2.5-1.5b/q8_0/ctx:0/llama.cpp-cpu");
  EXPECT_EQ(row.aggregate, "mean");
  EXPECT_EQ(row.Counter("tok/s"), 20);
  EXPECT_EQ(row.Counter("TPOT_ms"), 50);
  EXPECT_DOUBLE_EQ(row.time_s, 6.4);
}

TEST(LlamaBenchReader, KeepsOneRateOfPromptAndGenerationApart) {
  const Results r =
      Of(Line(R"("n_prompt": 512, "n_gen": 128, "samples_ns": [6400000000], "samples_ts": [100])"));
  const Row row = RowOf(r, "decode/llama-3-8b/q4_k_m/prompt:512/gen:128/llama.cpp-metal");
  EXPECT_EQ(row.Counter("tok/s"), 100);
  EXPECT_FALSE(row.Counter("TTFT_ms"));
  EXPECT_FALSE(row.Counter("TPOT_ms"));
}

// ik_llama.cpp: flags for backends, more fields, and tests of generation behind an untimed prompt,
// whose rate is of n_gen tokens only.
TEST(LlamaBenchReader, TakesAForksTestBehindAPrompt) {
  const std::string fields =
      R"("cuda": true, "metal": false, "mla_attn": 3, "fused_moe": true, "n_prompt": 2048,)"
      R"( "n_gen": 64, "avg_ns": 2000000000, "avg_ts": 32, "samples_ns": [2000000000],)"
      R"( "samples_ts": [32])";
  const std::string name = "decode/llama-3-8b/q4_k_m/ctx:2048/llama.cpp-cuda";
  const std::string of_fork = Replaced(Line(fields), R"("backends": "MTL,BLAS", )", "");
  EXPECT_EQ(RowOf(Of(of_fork), name).Counter("tok/s"), 32);
  const std::string labelled =
      Replaced(of_fork, "\"n_prompt\"", "\"test\": \"tg64@pp2048\", \"n_prompt\"");
  EXPECT_EQ(RowOf(Of(labelled), name).Counter("tok/s"), 32);
}

TEST(LlamaBenchReader, NamesWhatWasVariedInTheFile) {
  const std::string off = std::string(kPp512) + R"(, "flash_attn": false, "n_ubatch": 512)";
  const std::string on = std::string(kPp512) + R"(, "flash_attn": true, "n_ubatch": 512)";
  const Results r = Of(Line(off) + Line(on));
  EXPECT_TRUE(HasRow(r, "decode/llama-3-8b/q4_k_m/prefill:512/fa:0/llama.cpp-metal"));
  EXPECT_TRUE(HasRow(r, "decode/llama-3-8b/q4_k_m/prefill:512/fa:1/llama.cpp-metal"));
  // What is the same in all is in no name; a test twice is two runs of one row.
  const Results twice = Of(Line(on) + Line(on));
  EXPECT_EQ(RowOf(twice, "decode/llama-3-8b/q4_k_m/prefill:512/llama.cpp-metal", 1).repetition, 1);
}

TEST(LlamaBenchReader, DoesNotCallACpuRunTheGpus) {
  const std::string on_cpu = Replaced(Line(kPp512), "\"n_gpu_layers\": 99", "\"n_gpu_layers\": 0");
  EXPECT_TRUE(HasRow(Of(on_cpu), "decode/llama-3-8b/q4_k_m/prefill:512/ngl:0/llama.cpp-metal"));
}

TEST(LlamaBenchReader, KeepsMachinesAndModelsApart) {
  const std::string other =
      Replaced(Line(kPp512), "\"gpu_info\": \"Apple M4 Pro\"", "\"gpu_info\": \"Apple M1\"");
  const ReadMany read =
      ParseAny(Line(kPp512) + Line(kPp512, "qwen2 7B Q4_0", 7615616512) + other, "x.jsonl");
  ASSERT_EQ(read.results.size(), 2u) << read.error;
  EXPECT_EQ(read.results[0].rows.size(), 2u);
  EXPECT_TRUE(HasRow(read.results[0], "decode/qwen2.5-7b/q4_0/prefill:512/llama.cpp-metal"));
  EXPECT_EQ(read.results[1].machine.chip, "Apple M1");
}

TEST(LlamaBenchReader, KeepsAZeroAndDividesByNone) {
  const Results r = Of(Line(R"("n_prompt": 8, "n_gen": 0, "samples_ns": [0], "samples_ts": [0])"));
  const Row row = RowOf(r, "decode/llama-3-8b/q4_k_m/prefill:8/llama.cpp-metal");
  EXPECT_EQ(row.Counter("tok/s"), 0);
  EXPECT_FALSE(row.Counter("TTFT_ms"));
}

TEST(LlamaBenchReader, SaysWhatItLeavesOut) {
  const Results r = Of(Line(kPp512) + Line(R"("test": "warp9", "n_gen": 9, "avg_ts": 3)") +
                       Line(R"("n_prompt": 0, "n_gen": 0, "avg_ts": 3)"));
  EXPECT_EQ(r.rows.size(), 1u);
  EXPECT_TRUE(Remarks(r, "1 row was left out: test 'warp9' is not known"));
  EXPECT_TRUE(Remarks(r, "1 row was left out: they tell neither n_prompt nor n_gen"));
}

TEST(LlamaBenchReader, NamesThePlaceOfAFault) {
  const auto error = [](const std::string& text) { return ParseAny(text, "x.jsonl").error; };
  EXPECT_EQ(error(Line(R"("n_prompt": "many", "n_gen": 0, "samples_ts": [1])")),
            "x.jsonl: line 1: n_prompt is 'many', not a number");
  EXPECT_EQ(error(Line(kPp512) + Line(R"("n_prompt": -4, "n_gen": 0, "samples_ts": [1])")),
            "x.jsonl: line 2: n_prompt is -4, not a count of tokens");
  EXPECT_EQ(error(Line(R"("n_prompt": 4, "n_gen": 0, "samples_ts": [1, "2"])")),
            "x.jsonl: line 1.samples_ts[1] is string, not a number");
  EXPECT_EQ(error(Line(R"("n_prompt": 4, "n_gen": 0, "samples_ts": [1, 2], "samples_ns": [1])")),
            "x.jsonl: line 1: samples_ts has 2 values and samples_ns 1");
  const std::string half = Line(kPp512).substr(0, Line(kPp512).size() - 8);
  EXPECT_NE(error(half).find("line 1"), std::string::npos) << error(half);
}

}  // namespace
}  // namespace wattline::roofline::readers_llama_bench_test
