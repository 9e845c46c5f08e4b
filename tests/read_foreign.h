// Reads files of other programs for the tests of their readers.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "roofline/readers/reader.h"

namespace wattline::roofline {

inline std::string ForeignPath(const std::string& name) {
  return std::string(WATTLINE_SOURCE_DIR "/tests/data/foreign/") + name;
}

// The only results of a file; empty ones, and a failed test, where there is not one.
inline Results OnlyResults(ReadMany read) {
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.results.size(), 1u);
  return read.results.size() == 1 ? std::move(read.results[0]) : Results{};
}

inline Results ReadForeign(const std::string& name) {
  return OnlyResults(ReadAny(ForeignPath(name)));
}

// A row without figures where there is none of that name.
inline Row RowOf(const Results& results, const std::string& name, int repetition = 0) {
  for (const Row& row : results.rows) {
    if (row.name == name && row.repetition == repetition) return row;
  }
  ADD_FAILURE() << "no row " << name << " [" << repetition << "]";
  return {};
}

inline bool HasRow(const Results& results, const std::string& name) {
  for (const Row& row : results.rows) {
    if (row.name == name) return true;
  }
  return false;
}

// A remark that has `part` in it.
inline bool Remarks(const Results& results, const std::string& part) {
  for (const std::string& remark : results.remarks) {
    if (remark.find(part) != std::string::npos) return true;
  }
  return false;
}

inline std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

}  // namespace wattline::roofline
