// powermetrics' property lists: the shapes of macOS 12, 15 and 26, any cut of the stream, garbage.
#include "energy/powermetrics_plist.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/powermetrics_documents.h"

namespace wattline::energy::powermetrics_plist_test {
namespace {

std::string WhyNot(const std::string& document) {
  const ParsedSample parsed = ParsePowermetrics(document);
  EXPECT_FALSE(parsed.sample);
  EXPECT_EQ(parsed.why_not.find('\n'), std::string::npos);
  EXPECT_LT(parsed.why_not.size(), 200u);
  return parsed.why_not;
}

PowermetricsSample Parse(const std::string& document) {
  const ParsedSample parsed = ParsePowermetrics(document);
  EXPECT_EQ(parsed.why_not, "");
  return parsed.sample.value_or(PowermetricsSample{});
}

TEST(PowermetricsPlistTest, ASampleOfAnM4HasWholeMillijoulesAndItsDuration) {
  const PowermetricsSample sample = Parse(M4Document());
  EXPECT_EQ(sample.elapsed_ns, 504962500u);
  EXPECT_EQ(sample.cpu_mj, 12u);
  EXPECT_EQ(sample.gpu_mj, 4u);
  EXPECT_EQ(sample.ane_mj, 0u);  // measured: nothing was spent
  EXPECT_EQ(sample.hw_model, "Mac16,10");
  EXPECT_EQ(sample.kern_osversion, "25G229");
  // cpu_power is nothing but this quotient.
  EXPECT_NEAR(12e6 / 504962500 * 1e3, 23.7641, 5e-5);
}

TEST(PowermetricsPlistTest, KeysThatADocumentLacksAreAbsent) {
  const PowermetricsSample sample = Parse(M4Document());
  EXPECT_FALSE(sample.dram_mj);
  EXPECT_FALSE(sample.package_mj);
  EXPECT_FALSE(sample.thermal_pressure);
  const PowermetricsSample gpu_only = Parse(M4ProGpuDocument());
  EXPECT_FALSE(gpu_only.cpu_mj);
  EXPECT_FALSE(gpu_only.ane_mj);
}

TEST(PowermetricsPlistTest, TheGpuSamplersEnergyStandsOutsideOfTheProcessor) {
  const PowermetricsSample sample = Parse(M4ProGpuDocument());
  EXPECT_EQ(sample.elapsed_ns, 5005449083u);
  EXPECT_EQ(sample.gpu_mj, 9u);
}

TEST(PowermetricsPlistTest, MacOs12HasDramAndPackage) {
  const PowermetricsSample sample = Parse(MacOs12Document());
  EXPECT_EQ(sample.dram_mj, 23u);
  EXPECT_EQ(sample.package_mj, 154u);
  EXPECT_EQ(sample.cpu_mj, 99u);
  EXPECT_EQ(sample.thermal_pressure, "Nominal");
}

TEST(PowermetricsPlistTest, ClustersEnergiesAreNotTheProcessors) {
  // macOS 12's clusters may hold keys of the same name; only the processor's own count.
  const std::string document = Document(
      "<key>elapsed_ns</key><integer>1000000</integer><key>processor</key><dict>"
      "<key>clusters</key><array><dict><key>cpu_energy</key><integer>7</integer></dict></array>"
      "<key>cpu_energy</key><integer>9</integer></dict>");
  EXPECT_EQ(Parse(document).cpu_mj, 9u);
}

TEST(PowermetricsPlistTest, ASampleWithoutItsDurationIsRefused) {
  EXPECT_NE(WhyNot(Document("<key>processor</key><dict/>")).find("no elapsed_ns"),
            std::string::npos);
  EXPECT_NE(WhyNot(Document("<key>elapsed_ns</key><integer>0</integer>")).find("elapsed_ns is 0"),
            std::string::npos);
  EXPECT_NE(
      WhyNot(Document("<key>elapsed_ns</key><integer>99999999999999999</integer>")).find("99999"),
      std::string::npos);
}

TEST(PowermetricsPlistTest, ValuesThatAreNoCountsAreQuoted) {
  for (const char* value :
       {"<integer>-12</integer>", "<integer>99999999999999999999</integer>",
        "<integer>0x10</integer>", "<integer></integer>", "<integer/>", "<real>12.5</real>",
        "<integer>12 mJ</integer>", "<integer>1<b/>2</integer>", "<string>12</string>", "<true/>",
        "<dict><integer>12</integer></dict>", "<integer> 12</integer>"}) {
    const std::string why = WhyNot(Document(
        fmt::format("<key>elapsed_ns</key><integer>250000000</integer><key>processor</key><dict>"
                    "<key>cpu_energy</key>{}</dict>",
                    value)));
    EXPECT_NE(why.find("cpu_energy is the "), std::string::npos) << value << ": " << why;
  }
}

TEST(PowermetricsPlistTest, AnAbsurdPowerIsRefused) {
  const std::string why = WhyNot(SampleDocument(250'000'000, 18'446'744'073'709'551'615u, 0, 0));
  EXPECT_NE(why.find("absurd"), std::string::npos);
  EXPECT_EQ(Parse(SampleDocument(250'000'000, 2'499'000, 0, 0)).cpu_mj, 2'499'000u);
}

TEST(PowermetricsPlistTest, EnergiesSinceTheStartOfTheSystemAreRefused) {
  const std::string why = WhyNot(
      Document("<key>is_delta</key><false/><key>elapsed_ns</key><integer>250000000</integer>"));
  EXPECT_NE(why.find("is_delta"), std::string::npos);
}

TEST(PowermetricsPlistTest, EveryTruncationIsRefused) {
  for (const std::string& document : {M4Document(), MacOs12Document(), M4ProGpuDocument()}) {
    const size_t whole = document.find("</plist>") + std::string("</plist>").size();
    for (size_t length = 0; length < whole; ++length) {
      EXPECT_FALSE(ParsePowermetrics(document.substr(0, length)).sample) << length;
    }
  }
}

TEST(PowermetricsPlistTest, DeclaredEntitiesAreRefused) {
  const std::string bomb =
      "<?xml version=\"1.0\"?><!DOCTYPE plist [<!ENTITY a \"12\"><!ENTITY b \"&a;&a;&a;\">]>"
      "<plist><dict><key>elapsed_ns</key><integer>&b;</integer></dict></plist>";
  EXPECT_NE(WhyNot(bomb).find("entities"), std::string::npos);
}

TEST(PowermetricsPlistTest, TextBetweenTheKeysChangesNothing) {
  std::string document = M4Document();
  document.insert(document.find("<key>cpu_energy"), "\nwarning: a late sample 77\n");
  document.insert(document.find("<integer>12</integer>"), " 99 <!-- 98 --> ");
  EXPECT_EQ(Parse(document).cpu_mj, 12u);
}

TEST(PowermetricsPlistTest, TextAndOtherXmlAreRefused) {
  for (const char* document :
       {"", "CPU Power: 954 mW", "<plist/>",
        "<dict><key>elapsed_ns</key><integer>5</integer></dict>", "<plist><array/></plist>"}) {
    EXPECT_NE(WhyNot(document), "");
  }
  EXPECT_NE(WhyNot(Document("<key>elapsed_ns</key><integer>5</integer><key>processor</key>"
                            "<integer>5</integer>"))
                .find("processor is the integer"),
            std::string::npos);
}

TEST(PlistSplitterTest, AnyPiecesGiveTheSameDocuments) {
  // A NUL behind each, a NUL before each, a line end only; text before, between and behind.
  const std::string first = M4Document();
  const std::string second = MacOs12Document();
  const std::string third = M4ProGpuDocument();
  const std::string stream = "warning: <clock> skewed\n" + first + '\0' + second + "\n" +
                             std::string("\0late by 3 ms <", 14) + third + "\0trailing <?xm";
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    PlistSplitter splitter;
    std::vector<std::string> documents;
    for (size_t at = 0; at < stream.size();) {
      const size_t piece = 1 + random() % (round < 100 ? 3 : 2000);
      ASSERT_TRUE(splitter.Feed(std::string_view(stream).substr(at, piece), documents));
      at += piece;
    }
    ASSERT_EQ(documents.size(), 3u);
    EXPECT_EQ(Parse(documents[0]).cpu_mj, 12u);
    EXPECT_EQ(Parse(documents[1]).cpu_mj, 99u);
    EXPECT_EQ(Parse(documents[2]).gpu_mj, 9u);
    EXPECT_EQ(splitter.other_text().substr(0, 23), "warning: <clock> skewed");
  }
}

TEST(PlistSplitterTest, ADocumentIsWholeWithItsEndNotWithTheNextNul) {
  PlistSplitter splitter;
  std::vector<std::string> documents;
  const std::string document = M4Document();
  splitter.Feed(std::string_view(document).substr(0, document.find("/plist>")), documents);
  EXPECT_TRUE(documents.empty());
  splitter.Feed("/plist>", documents);
  EXPECT_EQ(documents.size(), 1u);
}

TEST(PlistSplitterTest, ATruncatedDocumentIsHandedOutAndTheNextOneIsWhole) {
  PlistSplitter splitter;
  std::vector<std::string> documents;
  splitter.Feed(M4Document().substr(0, 300) + '\0' + M4Document(), documents);
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_FALSE(ParsePowermetrics(documents[0]).sample);
  EXPECT_TRUE(ParsePowermetrics(documents[1]).sample);
}

TEST(PlistSplitterTest, ADocumentWithoutEndIsNotKept) {
  PlistSplitter splitter(10'000);
  std::vector<std::string> documents;
  EXPECT_TRUE(splitter.Feed("<?xml", documents));
  bool fits = true;
  for (int piece = 0; fits && piece < 100; ++piece) {
    fits = splitter.Feed(std::string(1000, 'x'), documents);
    EXPECT_LE(piece, 10);
  }
  EXPECT_FALSE(fits);
  EXPECT_FALSE(splitter.Feed(M4Document(), documents));
  EXPECT_TRUE(documents.empty());
}

TEST(PlistSplitterTest, OtherTextIsKeptUpToItsLimit) {
  PlistSplitter splitter;
  std::vector<std::string> documents;
  for (int line = 0; line < 1000; ++line) splitter.Feed("no such sampler\n", documents);
  EXPECT_EQ(splitter.other_text().size(), PlistSplitter::kKeptText_byte);
}

}  // namespace
}  // namespace wattline::energy::powermetrics_plist_test
