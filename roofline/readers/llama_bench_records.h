// The tests in a file of llama-bench, whichever of its outputs it is.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace wattline::roofline {

struct LlamaRecord {
  std::string place;                          // "entry 3", "line 12": for messages
  std::map<std::string, std::string> fields;  // under the names of -o json; flags are "0" and "1"
  std::vector<double> samples_ns;             // json and jsonl only
  std::vector<double> samples_ts;
};

struct LlamaRecords {
  std::vector<LlamaRecord> records;
  bool is_printed_table = false;  // figures are rounded there
  std::string error;
};

bool IsLlamaJson(const std::string& text);  // -o json and jsonl
bool IsLlamaCsv(const std::string& text);
bool IsLlamaTable(const std::string& text);  // -o md

LlamaRecords ParseLlamaJson(const std::string& text, const std::string& path);
LlamaRecords ParseLlamaCsv(const std::string& text, const std::string& path);
LlamaRecords ParseLlamaTable(const std::string& text, const std::string& path);

}  // namespace wattline::roofline
