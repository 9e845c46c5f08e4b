// Text in pictures: widths, numbers, names that must not become markup.
#include "roofline/plot_text.h"

#include <gtest/gtest.h>

namespace wattline::roofline::plot_text_test {
namespace {

TEST(EscapeXmlTest, MarkupBecomesText) {
  EXPECT_EQ(EscapeXml("<script>alert('a' & \"b\")</script>"),
            "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;");
}

TEST(EscapeXmlTest, WhatXmlForbidsIsReplaced) {
  const std::string replaced = "\xEF\xBF\xBD";
  EXPECT_EQ(EscapeXml(std::string("a\0b", 3)), "a" + replaced + "b");
  EXPECT_EQ(EscapeXml("a\x1b[31m"), "a" + replaced + "[31m");
  EXPECT_EQ(EscapeXml("\xC3\xA9"), "\xC3\xA9");
  EXPECT_EQ(EscapeXml("\xE2\x82\xAC \xF0\x9F\x98\x80"), "\xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(EscapeXml("\xE9t"), replaced + "t");          // Latin-1
  EXPECT_EQ(EscapeXml("\xC0\xBC"), replaced + replaced);  // overlong "<"
  EXPECT_EQ(EscapeXml("\xED\xA0\x80"), replaced);         // a surrogate
  EXPECT_EQ(EscapeXml("\xE2\x82"), replaced + replaced);  // cut off
}

TEST(EscapeScriptTest, NothingEndsTheScript) {
  EXPECT_EQ(EscapeScript("{\"a\":\"</script><!--\"}"), "{\"a\":\"\\u003c/script>\\u003c!--\"}");
}

TEST(ShortNumberTest, ThreeOrFourDigitsWithoutExponent) {
  EXPECT_EQ(ShortNumber(1790.9), "1791");
  EXPECT_EQ(ShortNumber(439.2), "439");
  EXPECT_EQ(ShortNumber(99.96), "100");
  EXPECT_EQ(ShortNumber(38.46), "38.5");
  EXPECT_EQ(ShortNumber(9.996), "10.0");
  EXPECT_EQ(ShortNumber(1.006), "1.01");
  EXPECT_EQ(ShortNumber(0.9996), "1.00");
  EXPECT_EQ(ShortNumber(0.0213), "0.0213");
  EXPECT_EQ(ShortNumber(0.49), "0.490");
  EXPECT_EQ(ShortNumber(0), "0");
  EXPECT_EQ(ShortNumber(-38.46), "-38.5");
  EXPECT_EQ(ShortNumber(2.5e-7), "2.5e-07");
}

TEST(TextWidthTest, GrowsWithTextAndFont) {
  EXPECT_EQ(TextWidth("", 12), 0);
  EXPECT_DOUBLE_EQ(TextWidth("00", 10), 2 * 6.36);
  EXPECT_GT(TextWidth("WW", 12), TextWidth("ii", 12));
  EXPECT_DOUBLE_EQ(TextWidth("\xE2\x82\xAC", 10), 10);  // one character, however many bytes
}

TEST(ShortenedTest, KeepsBeginningAndEndWithinTheWidth) {
  const std::string name = "decode/llama-3.2-1b/bf16/prefill:512/cpu";
  EXPECT_EQ(Shortened(name, 12, 1000), name);
  const std::string shortened = Shortened(name, 12, 150);
  EXPECT_LE(TextWidth(shortened, 12), 150);
  EXPECT_EQ(shortened.substr(0, 6), "decode");
  EXPECT_EQ(shortened.substr(shortened.size() - 3), "cpu");
  EXPECT_NE(shortened.find("\xE2\x80\xA6"), std::string::npos);
}

TEST(WrappedTest, BreaksAtSpacesAndLosesNoWord) {
  const std::string text = "no energy roof of f32 DRAM on mi300x: the power is the same";
  EXPECT_EQ(Wrapped(text, 12, 1000), std::vector<std::string>{text});
  std::string joined;
  for (const std::string& line : Wrapped(text, 12, 120)) {
    EXPECT_LE(TextWidth(line, 12), 120);
    joined += (joined.empty() ? "" : " ") + line;
  }
  EXPECT_EQ(joined, text);
  EXPECT_TRUE(Wrapped("", 12, 100).empty());
}

}  // namespace
}  // namespace wattline::roofline::plot_text_test
