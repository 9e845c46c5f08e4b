// The progress line: it counts the rows that began, and stays silent without a terminal.
#include "benchmarks/progress.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace wattline::benchmarks::progress_test {
namespace {

std::string Written(std::FILE* file) {
  std::string text(4096, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

TEST(ProgressTest, EachRowThatBeginsIsCountedOnce) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  {
    Progress progress(file, 3);
    progress.Begin("first");
    progress.Begin("first");  // a calibration call of the same row
    progress.Clear();
    progress.Begin("second");
  }
  const std::string text = Written(file);
  std::fclose(file);
  EXPECT_NE(text.find("row 1 of 3  first"), std::string::npos) << text;
  EXPECT_NE(text.find("row 2 of 3  second"), std::string::npos) << text;
  EXPECT_EQ(text.find("row 2 of 3  first"), std::string::npos) << text;
}

TEST(ProgressTest, TimeLeftFollowsFromTheRowsThatAreDone) {
  EXPECT_EQ(ProgressText(1, 4, "a", 3, 0, 80), "row 1 of 4  a");
  EXPECT_EQ(ProgressText(3, 4, "a", 20, 2, 80), "row 3 of 4  a  about 20 s left");
  EXPECT_EQ(ProgressText(2, 3, "a", 300, 1, 80), "row 2 of 3  a  about 10 min left");
  EXPECT_EQ(ProgressText(2, 3, "a", 300, 1, 10), "row 2 of ");
}

TEST(ProgressTest, WithoutATerminalNothingIsWritten) {
  Progress progress(nullptr, 1);
  progress.Begin("row");
  progress.Note("note");
}

}  // namespace
}  // namespace wattline::benchmarks::progress_test
