#include "roofline/readers/csv.h"

#include <fmt/format.h>

#include <utility>

namespace wattline::roofline {
namespace {

struct Cursor {
  std::string_view text;
  size_t at = 0;
  int line = 1;
};

// A record, which may have line ends within quotes; `complete` is false where the text ends in
// them.
std::vector<std::string> NextRecord(Cursor& cursor, bool& complete) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (; cursor.at < cursor.text.size(); ++cursor.at) {
    const char c = cursor.text[cursor.at];
    if (c == '\n') ++cursor.line;
    if (quoted) {
      const bool doubled = c == '"' && cursor.text.substr(cursor.at + 1, 1) == "\"";
      if (doubled) ++cursor.at;
      if (c == '"' && !doubled) {
        quoted = false;
      } else {
        fields.back() += c;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      ++cursor.at;
      break;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  complete = !quoted;
  return fields;
}

}  // namespace

CsvTable ParseCsv(std::string_view text) {
  CsvTable table;
  Cursor cursor{text};
  while (cursor.at < text.size()) {
    const int line = cursor.line;
    bool complete = true;
    std::vector<std::string> fields = NextRecord(cursor, complete);
    if (!complete) {
      table.error = fmt::format("line {} begins a quote that does not end: it is truncated", line);
      return table;
    }
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (table.header.empty()) {
      table.header = std::move(fields);
      continue;
    }
    if (fields.size() != table.header.size()) {
      table.error = fmt::format("line {} has {} fields, the header has {}", line, fields.size(),
                                table.header.size());
      return table;
    }
    table.rows.push_back(std::move(fields));
  }
  return table;
}

}  // namespace wattline::roofline
