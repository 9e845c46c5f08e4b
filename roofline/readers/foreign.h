// What the readers share: names, numbers and remarks made of other programs' texts.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "roofline/result.h"

namespace wattline::roofline {

// Tokens that our decode rows generate behind their context. The time of a row of another program
// is comparable only where it generated as many; its rates always are.
inline constexpr double kGeneratedTokens = 128;

// Lower case; letters, digits, '.' and '_' are kept, whatever else becomes one '-'; at most 64
// long; "unknown" where nothing is left. Fits into a name.
std::string Slug(std::string_view text);
// A text of the file for a reader's eyes: valid UTF-8, one line, at most `most` bytes.
std::string PlainText(std::string_view text, size_t most = 160);
std::string Lower(std::string_view text);
std::string_view Trimmed(std::string_view text);

// The whole text is one finite number.
std::optional<double> NumberOf(std::string_view text);
// A count that an int holds.
std::optional<int> CountOf(double number);

// "512", "1048576", "104854.3": for a case's value.
std::string NumberText(double number);

// Without folders: they name people and machines.
std::string WithoutFolders(std::string_view path);
std::string WithoutEnding(const std::string& file);

std::vector<std::string_view> LinesOf(std::string_view text);
// `"key"` stands in the text, followed by a colon and, where it is given, `opener`.
bool HasKey(std::string_view text, std::string_view key, char opener = 0);

// "fixture/subject/format/case:value/backend"; every part goes through Slug.
Row RowNamed(const Address& address);
std::string NameText(const Address& address);

// Runs of one name are counted 0, 1, 2 ... in their order.
void NumberRepetitions(std::vector<Row>& rows);
// That, and quotients of absurd figures, which are not finite, are left out.
void FinishRows(std::vector<Row>& rows);

// Machine::chip and its slug: "Apple M4 Pro", "apple-m4-pro".
void SetChip(Machine& machine, std::string_view chip);

// "1 row", "3 rows".
std::string Counted(size_t count, std::string_view noun);
// Remarks on counters that are 0 where a measurement cannot be: they are kept, for the lint.
void TellZeros(Results& results);

// What was not taken from a file, counted by reason.
class LeftOutRows {
 public:
  void Add(const std::string& reason, size_t count = 1) { counts_[reason] += count; }
  // "FILE: 3 rows were left out: REASON".
  void Tell(const std::string& path, std::vector<std::string>& remarks) const;
  bool empty() const { return counts_.empty(); }

 private:
  std::map<std::string, size_t> counts_;
};

}  // namespace wattline::roofline
