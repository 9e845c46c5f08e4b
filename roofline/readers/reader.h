// Readers of other programs' files: each turns one format into rows under our names and units.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "roofline/result.h"

namespace wattline::roofline {

// What a file held: several machines or models where it has them; each with its provenance
// (Results::tool, Results::source). Remarks say what was skipped and why.
struct ReadMany {
  std::vector<Results> results;
  std::string error;  // one sentence with the path, the place and the value; then results is empty
};

struct Reader {
  const char* name;  // "llama-bench"
  const char* what;  // "llama-bench -o json, jsonl or csv", for --help
  // By its content alone, not by the file's name; never throws.
  bool (*recognises)(const std::string& text);
  ReadMany (*read)(const std::string& text, const std::string& path);
};

// Most particular first; Google Benchmark's JSON, ours included, is one of them.
std::span<const Reader> AllReaders();

// Reads by the first reader that recognises the content; "-" is standard input. The error names
// what can be read.
ReadMany ReadAny(const std::string& path);
ReadMany ParseAny(const std::string& text, const std::string& path);

}  // namespace wattline::roofline
