// The results file: Google Benchmark's JSON, valid after every row, whatever kills the process.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace wattline::benchmarks {

using Json = nlohmann::ordered_json;  // keeps Google Benchmark's order of keys

// Raised where a reader of results files must know that a counter or context key changed meaning.
inline constexpr int kSchemaVersion = 1;

// Replaces the file at `path` with `text` in one step (a temporary file beside it, synced, then
// renamed), making its folders; what is no regular file (/dev/null, a pipe) is written to instead.
// Returns one sentence where that fails.
std::string ReplaceFile(const std::string& path, const std::string& text);

// A document with "context" and "benchmarks", read from a results file, or why there is none.
struct LoadedResults {
  Json document;
  std::string error;
};
LoadedResults LoadResults(const std::string& path);

// One sentence where rows measured under `now` must not stand beside those measured under `then`:
// another chip, another number of threads, another schema.
std::string WhyNotTogether(const Json& then_context, const Json& now_context);

// One sentence where `then`, a whole document, has joules of other meters than those of this run: a
// file's context describes the meters of all its rows.
std::string WhyOtherJoules(const Json& then, const Json& now_context);

// The document's text, as every program writes it: two spaces of indent, a newline at the end.
std::string JsonText(const Json& document);
// All rows as CSV with one column for every key that any row has, Google Benchmark's first.
std::string CsvText(const Json& document);

// results/<chip>/<UTC time>.json below `root`.
std::string DefaultResultsPath(const std::string& root, const std::string& chip_slug);

}  // namespace wattline::benchmarks
