// What documents claim: read from a results file's context or from a file of its own.
#include "roofline/claims.h"

#include <gtest/gtest.h>

#include "tests/lint_cases.h"

namespace wattline::roofline::claims_test {
namespace {

constexpr const char* kRead =
    R"({"what": "read", "value": 118.4, "unit": "GB/s", "where": "README"})";

std::string List(const std::string& claim) { return "[" + claim + "]"; }

std::string ErrorOf(const std::string& claim) { return ParseClaims(List(claim), "c.json").error; }

TEST(ClaimsTest, AListOrAnObjectWithIt) {
  for (const std::string& text : {List(kRead), "{\"claims\": " + List(kRead) + "}"}) {
    const ReadClaims read = ParseClaims(text, "c.json");
    EXPECT_EQ(read.error, "");
    ASSERT_EQ(read.claims.size(), 1u);
    EXPECT_EQ(read.claims[0].value, 118.4);
    EXPECT_EQ(TextOf(read.claims[0]), "118.4 GB/s (README)");
    EXPECT_FALSE(read.claims[0].byte_per_token);
  }
}

TEST(ClaimsTest, AContextWithoutClaimsHasNone) {
  EXPECT_TRUE(ClaimsOfContext("", "r.json").claims.empty());
  EXPECT_TRUE(ClaimsOfContext("{\"chip\": \"c\"}", "r.json").claims.empty());
  EXPECT_EQ(ClaimsOfContext("{\"claims\": " + List(kRead) + "}", "r.json").claims.size(), 1u);
}

TEST(ClaimsTest, FaultsHaveTheirPlaceAndValue) {
  EXPECT_EQ(ErrorOf(R"({"what": "reed", "value": 1, "unit": "GB/s", "where": "x"})"),
            "c.json: claims[0].what is 'reed'; known are read, write, copy, spec_bandwidth, peak, "
            "ridge, gpu_cores, decode, prefill, speedup, size");
  EXPECT_EQ(ErrorOf(R"({"what": "read", "value": 1, "unit": "GiB/s", "where": "x"})"),
            "c.json: claims[0].unit is 'GiB/s'; a claim of 'read' is in GB/s");
  EXPECT_EQ(ErrorOf(R"({"what": "read", "value": "1", "unit": "GB/s", "where": "x"})"),
            "c.json: claims[0].value is string, not a number");
  EXPECT_EQ(ErrorOf(R"({"what": "read", "value": 0, "unit": "GB/s", "where": "x"})"),
            "c.json: claims[0].value is 0; a claim is above 0");
  EXPECT_EQ(ErrorOf(R"({"what": "read", "value": 1, "unit": "GB/s"})"),
            "c.json: claims[0].where is missing");
  EXPECT_NE(ErrorOf(R"({"what": "peak", "value": 1, "unit": "TFLOPS", "where": "x"})"), "");
  EXPECT_NE(ErrorOf(R"({"what": "speedup", "value": 2, "unit": "x", "where": "x"})"), "");
  EXPECT_NE(ErrorOf(R"({"what": "size", "value": 2, "unit": "GB", "where": "x"})"), "");
  EXPECT_NE(ErrorOf("7"), "");
  EXPECT_EQ(ParseClaims("{}", "c.json").error,
            "c.json is no file of claims: expected a list, or an object with the list 'claims'");
  EXPECT_NE(ParseClaims("[", "c.json").error, "");
  EXPECT_EQ(ClaimsOfContext("{\"claims\": 3}", "r.json").error,
            "r.json: context.claims is number, not a list");
}

TEST(ClaimsTest, AFaultInAContextEndsTheLint) {
  Results results = LintResults({LintRow("gemm/1x1x1/f32/cpu", {{"TFLOPS", 9}, {"GB/s", 1}})});
  results.context = "{\"claims\": [{}]}";
  const std::vector<Results> files = {results};
  const LintResult lint = Lint({files, nullptr, {}, {}, {}});
  EXPECT_EQ(lint.error, "results/chip.json: context.claims[0].what is missing");
  EXPECT_TRUE(lint.findings.empty());
}

// A claim about a chip goes to that chip's file; its rows would otherwise answer for another's.
TEST(ClaimsTest, EachClaimIsHeldAgainstItsOwnChip) {
  std::vector<Results> files(2, LintResults({LintRow("gemm/1x1x1/f16/mps", {{"TFLOPS", 10}})}));
  files[0].path = "m5.json";
  files[0].machine.chip = "Apple M5";
  files[1].path = "m4.json";
  files[1].machine.chip = "Apple M4 Pro";
  Claim claim = MakeClaim("peak", 6, "TFLOPS");
  claim.format = "f16";
  claim.chip = "m4 pro";
  const std::vector<Finding> findings = LintOf(files, {claim});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].file, "m4.json");
}

// A file of a CPU and its GPU is two parts with one context: what it claims is claimed once.
TEST(ClaimsTest, PartsOfAFileShareItsClaims) {
  std::vector<Results> parts(2, LintResults({LintRow("gemm/1x1x1/f16/mps", {{"TFLOPS", 1}})}));
  parts[1].machine.chip = "NVIDIA H200";
  for (Results& part : parts) {
    part.context =
        R"({"claims": [{"what": "peak", "value": 1979, "unit": "TFLOPS", "where": "README",
                        "chip": "NVIDIA H200", "format": "f16"},
                       {"what": "peak", "value": 0.5, "unit": "TFLOPS", "where": "README",
                        "format": "f16"}]})";
  }
  EXPECT_EQ(RulesOf(LintOf(parts)),
            "above-claimed-peak gemm/1x1x1/f16/mps; sparse-peak peak 1979 TFLOPS (README)");
}

TEST(ClaimsTest, NamesOfChipsArePlain) {
  for (const char* chip : {"Apple M4 Pro", "apple-m4-pro", "M4 Pro", " m4_pro "}) {
    EXPECT_EQ(PlainChip(chip), "m4 pro") << chip;
  }
  EXPECT_EQ(PlainChip("NVIDIA H100 PCIe"), "h100 pcie");
  EXPECT_EQ(PlainChip(""), "");
}

}  // namespace
}  // namespace wattline::roofline::claims_test
