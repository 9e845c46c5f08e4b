// The reader of clpeak's JSON, CSV and XML.
#include <gtest/gtest.h>

#include "tests/read_foreign.h"

namespace wattline::roofline::readers_clpeak_test {
namespace {

TEST(ClpeakReader, ReadsAReferenceRun) {
  const Results r = ReadForeign("clpeak_m1_pro.xml");
  EXPECT_EQ(r.machine.chip_slug, "apple-m1-pro");
  EXPECT_EQ(r.machine.os, "Macintosh");
  EXPECT_EQ(r.machine.threads, 10);
  EXPECT_EQ(r.source, "clpeak 2.0.18-76-gf761581");
  EXPECT_EQ(r.machine.backends.at("clpeak-metal"), "Metal, driver macOS 26.6.1");
  const Row peak = RowOf(r, "ceiling/peak/f32/kernel:single_precision_compute.float8/clpeak-metal");
  EXPECT_DOUBLE_EQ(*peak.Counter("TFLOPS"), 5.1232461);
  EXPECT_DOUBLE_EQ(
      *RowOf(r, "ceiling/peak/f16/kernel:mps-gemm-fp.fp16/clpeak-metal").Counter("TFLOPS"), 3.9742);
  EXPECT_DOUBLE_EQ(
      *RowOf(r, "attention/full/f16/heads:16/kv_heads:16/head_dim:128/tokens:4096/clpeak-metal")
           .Counter("TFLOPS"),
      2.9249);
}

TEST(ClpeakReader, KeepsReadCopyAndTriadApart) {
  const Results r = ReadForeign("clpeak_m1_pro.xml");
  EXPECT_DOUBLE_EQ(*RowOf(r, "ceiling/read/f32/level:dram/clpeak-cpu").Counter("GB/s"), 125.4359);
  EXPECT_DOUBLE_EQ(*RowOf(r, "ceiling/copy/f32/level:dram/clpeak-cpu").Counter("GB/s"), 174.6567);
  EXPECT_DOUBLE_EQ(*RowOf(r, "ceiling/triad/f32/level:dram/clpeak-cpu").Counter("GB/s"), 141.28);
  EXPECT_DOUBLE_EQ(*RowOf(r, "ceiling/read/f32/level:l1/threads:10/clpeak-cpu").Counter("GB/s"),
                   1214.9259);
  EXPECT_DOUBLE_EQ(
      *RowOf(r, "ceiling/read/f32/level:dram/kernel:float2/clpeak-metal").Counter("GB/s"),
      184.0016);
}

// "int4" is a vector of four; "float16" one of sixteen.
TEST(ClpeakReader, TakesNoVectorForAFormat) {
  const Results r = ReadForeign("clpeak_m1_pro.xml");
  EXPECT_TRUE(HasRow(r, "ceiling/peak/int32/kernel:integer_compute.int4/clpeak-opencl"));
  EXPECT_TRUE(HasRow(r, "ceiling/peak/int32/kernel:integer_compute.int8/clpeak-opencl"));
  EXPECT_TRUE(HasRow(r, "ceiling/peak/int8/kernel:integer_compute_char.char4/clpeak-opencl"));
  EXPECT_TRUE(HasRow(r, "ceiling/read/f32/level:dram/kernel:float16/clpeak-metal"));
}

TEST(ClpeakReader, SaysWhatItLeavesOutAndWhy) {
  const Results r = ReadForeign("clpeak_m1_pro.xml");
  const Row absent = RowOf(r, "ceiling/peak/bf16/kernel:mps-gemm-fp.bf16/clpeak-metal");
  EXPECT_NE(absent.error.find("requires Apple9"), std::string::npos);
  EXPECT_TRUE(absent.counters.empty());
  EXPECT_TRUE(Remarks(r, "4 rows were left out: bandwidths of local memory"));
  EXPECT_TRUE(Remarks(r, "2 rows were left out: divisions, roots"));
  EXPECT_TRUE(Remarks(r, "2 rows were left out: latencies"));
}

constexpr const char* kJson =
    R"({"format_version":2,"clpeak_version":"2.1.2","os":"Linux x64","devices":[
{"backend":"CPU","platform":"CPU","device":"Some CPU","driver":"","props":[{"k":"Cores","v":"8 threads / 4 cores"}]}
],"entries":[
{"backend":"CPU","platform":"CPU","device":"Some CPU","driver":"","category":"fp_compute","test":"single_precision_compute_avx2_fma","metric":"float MT","unit":"gflops","value":250.5000},
{"backend":"CUDA","platform":"NVIDIA","device":"Some GPU","driver":"13","category":"int_compute","test":"wmma_int8_sparse","metric":"int8_sparse","unit":"tops","value":200.0},
{"backend":"CUDA","platform":"NVIDIA","device":"Some GPU","driver":"13","category":"int_compute","test":"wmma_int8","metric":"wmma_int8","unit":"tops","status":"error","reason":"out of memory"}
]})";

TEST(ClpeakReader, ReadsJsonAndKeepsDevicesApart) {
  const ReadMany read = ParseAny(kJson, "x.json");
  ASSERT_EQ(read.results.size(), 2u) << read.error;
  EXPECT_DOUBLE_EQ(
      *RowOf(read.results[0],
             "ceiling/peak/f32/kernel:single_precision_compute_avx2_fma.float/threads:8/clpeak-cpu")
           .Counter("TFLOPS"),
      0.2505);
  EXPECT_EQ(
      RowOf(read.results[1], "ceiling/peak/int8/kernel:wmma_int8.wmma_int8/clpeak-cuda").error,
      "out of memory");
  EXPECT_TRUE(Remarks(read.results[0], "sparse operands count operations that are not done"));
}

TEST(ClpeakReader, ReadsCsv) {
  const Results r = OnlyResults(ParseAny(
      "format_version,backend,platform,device,driver,category,test,metric,unit,status,value,"
      "reason\n"
      "2,\"CPU\",\"CPU\",\"Some CPU\",\"\",\"bandwidth\",\"global_memory_bandwidth\",\"copy\","
      "\"gbps\",\"ok\",40.1250,\"\"\n",
      "x.csv"));
  EXPECT_EQ(RowOf(r, "ceiling/copy/f32/level:dram/clpeak-cpu").Counter("GB/s"), 40.125);
}

TEST(ClpeakReader, RefusesOtherVersionsAndHalfFiles) {
  EXPECT_NE(ParseAny(R"({"format_version":1,"clpeak_version":"1.1","entries":[]})", "x")
                .error.find("version 2 can be read"),
            std::string::npos);
  EXPECT_NE(ParseAny("<clpeak os=\"Linux\"><platform name=\"x\">", "x").error.find("version 2"),
            std::string::npos);
  EXPECT_EQ(ParseAny("<clpeak format_version=\"2\"><run device=\"a\">", "x").error,
            "x: its XML does not end in </clpeak>: it is truncated");
  EXPECT_EQ(ParseAny("<clpeak format_version=\"2\"><test name=\"t\" unit=\"gbps\">"
                     "<metric name=\"m\">fast</metric></test></clpeak>",
                     "x")
                .error,
            "x: t, metric m: value is 'fast', not a number");
}

}  // namespace
}  // namespace wattline::roofline::readers_clpeak_test
