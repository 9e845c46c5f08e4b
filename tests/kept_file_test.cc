// Files that are read again and again: rewritten, removed, replaced, empty for an instant.
#include "energy/kept_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace wattline::energy::kept_file_test {
namespace {

namespace fs = std::filesystem;

class KeptFileTest : public testing::Test {
 protected:
  KeptFileTest() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("kept_file_test." + std::to_string(getpid()) + "." + test->name());
    fs::create_directories(folder_);
    file_ = folder_ / "energy_uj";
    Write(file_, "1\n");
  }
  ~KeptFileTest() override { fs::remove_all(folder_); }
  static void Write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

  fs::path folder_;
  fs::path file_;
};

TEST_F(KeptFileTest, EveryReadingShowsWhatTheFileHoldsNow) {
  KeptFile kept(file_);
  EXPECT_EQ(kept.Read().text, "1");
  Write(file_, "1234567 \n");
  EXPECT_EQ(kept.Read().text, "1234567");
  Write(file_, "2\n");
  EXPECT_EQ(kept.Read().text, "2");
  KeptFile moved(std::move(kept));
  EXPECT_EQ(moved.Read().text, "2");
}

TEST_F(KeptFileTest, ARemovedFileIsAbsentUntilItIsBack) {
  KeptFile kept(file_);
  EXPECT_EQ(kept.Read().text, "1");
  fs::remove(file_);
  EXPECT_EQ(kept.Read().error, ENOENT);
  Write(file_, "3\n");
  EXPECT_EQ(kept.Read().text, "3");
}

TEST_F(KeptFileTest, AReplacedFileIsReadAnew) {
  KeptFile kept(file_);
  EXPECT_EQ(kept.Read().text, "1");
  Write(folder_ / "new", "4\n");
  fs::rename(folder_ / "new", file_);
  EXPECT_EQ(kept.Read().text, "4");
}

TEST_F(KeptFileTest, AFileThatIsEmptyForAnInstantIsReadAgain) {
  int reads = 0;
  KeptFile kept(file_, [&reads](const fs::path&) {
    ++reads;
    return FileText{reads < 4 ? "" : "77", 0};
  });
  EXPECT_EQ(kept.Read().text, "77");
  EXPECT_EQ(reads, 4);
}

TEST_F(KeptFileTest, AFileThatStaysEmptyIsGivenBackSoonAndAnErrorAtOnce) {
  int reads = 0;
  const auto read = [&reads](int error) {
    return [&reads, error](const fs::path&) {
      ++reads;
      return FileText{"", error};
    };
  };
  EXPECT_EQ(KeptFile(file_, read(0)).Read().text, "");
  EXPECT_EQ(reads, 10);
  EXPECT_EQ(KeptFile(file_, read(EACCES)).Read().error, EACCES);
  EXPECT_EQ(reads, 11);
}

}  // namespace
}  // namespace wattline::energy::kept_file_test
