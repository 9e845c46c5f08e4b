#include "benchmarks/results.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace wattline::benchmarks {
namespace {

namespace fs = std::filesystem;

std::string Because(const std::string& path, int error) {
  return fmt::format("cannot write results to {}: {}", path, std::strerror(error));
}

// Writes and syncs `text` to `path`; 0 or the error's number.
int WriteAll(const std::string& path, const std::string& text, int flags) {
  const int file = open(path.c_str(), O_WRONLY | flags, 0644);
  if (file < 0) return errno;
  size_t written = 0;
  int error = 0;
  while (written < text.size() && error == 0) {
    const ssize_t n = write(file, text.data() + written, text.size() - written);
    if (n >= 0) written += static_cast<size_t>(n);
    if (n < 0 && errno != EINTR) error = errno;
  }
  // Not every file can be synced (a pipe cannot); the data has been written all the same.
  if (error == 0) fsync(file);
  if (close(file) != 0 && error == 0) error = errno;
  return error;
}

std::string CsvCell(const Json& value) {
  if (value.is_null()) return {};
  if (!value.is_string()) return value.dump();
  std::string text = value.get<std::string>();
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

// "rapl (cpu, dram) and nvml (gpu)": what adds up to the joules of a document's rows.
std::string MetersText(const Json& context) {
  std::string text;
  for (const Json& meter : context.value("meters", Json::array())) {
    std::vector<std::string> domains;
    for (const Json& domain : meter.value("domains", Json::array())) {
      if (domain.value("in_total", false)) domains.push_back(domain.value("name", std::string()));
    }
    text += fmt::format("{}{} ({})", text.empty() ? "" : " and ",
                        meter.value("name", std::string()), fmt::join(domains, ", "));
  }
  return text.empty() ? "no meter" : text;
}

}  // namespace

std::string ReplaceFile(const std::string& path, const std::string& text) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_regular_file(path, error)) {
    const int failed = WriteAll(path, text, 0);
    return failed == 0 ? std::string() : Because(path, failed);
  }
  // Through a symbolic link, so that the link stays one.
  const fs::path target = fs::weakly_canonical(path, error);
  const fs::path real = error ? fs::path(path) : target;
  if (real.has_parent_path()) fs::create_directories(real.parent_path(), error);
  if (error) return Because(path, error.value());
  const std::string partial = real.string() + ".partial";
  int failed = WriteAll(partial, text, O_CREAT | O_TRUNC);
  if (failed == 0 && std::rename(partial.c_str(), real.c_str()) != 0) failed = errno;
  if (failed == 0) return {};
  fs::remove(partial, error);
  return Because(path, failed);
}

LoadedResults LoadResults(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return {{}, fmt::format("cannot read {}: {}", path, std::strerror(errno))};
  std::ostringstream text;
  text << in.rdbuf();
  Json document = Json::parse(text.str(), nullptr, /*allow_exceptions=*/false);
  const bool is_results = document.is_object() && document.contains("context") &&
                          document["context"].is_object() && document.contains("benchmarks") &&
                          document["benchmarks"].is_array();
  if (!is_results) return {{}, fmt::format("{} is not a results file of this program", path)};
  for (const Json& row : document["benchmarks"]) {
    if (row.is_object() && row.contains("name") && row["name"].is_string()) continue;
    return {{}, fmt::format("{} has a row without a name", path)};
  }
  return {std::move(document), {}};
}

std::string WhyNotTogether(const Json& then_context, const Json& now_context) {
  for (const char* key : {"schema_version", "chip", "threads"}) {
    const Json then = then_context.value(key, Json());
    const Json now = now_context.value(key, Json());
    if (then == now) continue;
    return fmt::format("it was measured with {} {}, this run has {}", key, then.dump(), now.dump());
  }
  // Older files do not tell on which cores.
  const char* cores = "core_kinds_used";
  if (then_context.contains(cores) && now_context.contains(cores) &&
      then_context[cores] != now_context[cores]) {
    return fmt::format("it was measured on cores {}, this run is on {}", then_context[cores].dump(),
                       now_context[cores].dump());
  }
  return {};
}

std::string WhyOtherJoules(const Json& then, const Json& now_context) {
  const Json& rows = then["benchmarks"];
  if (std::none_of(rows.begin(), rows.end(), [](const Json& r) { return r.contains("joules"); })) {
    return {};
  }
  const std::string then_meters = MetersText(then["context"]);
  const std::string now_meters = MetersText(now_context);
  if (then_meters == now_meters) return {};
  return fmt::format("its joules are those of {}, this run has {}", then_meters, now_meters);
}

std::string JsonText(const Json& document) {
  // What is no UTF-8 (a label, a path) is replaced rather than thrown over.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string CsvText(const Json& document) {
  std::vector<std::string> columns = {"name", "iterations", "real_time", "cpu_time", "time_unit"};
  for (const Json& row : document["benchmarks"]) {
    for (const auto& [key, value] : row.items()) {
      if (std::find(columns.begin(), columns.end(), key) == columns.end()) columns.push_back(key);
    }
  }
  std::string text = fmt::format("{}\n", fmt::join(columns, ","));
  for (const Json& row : document["benchmarks"]) {
    std::vector<std::string> cells;
    for (const std::string& column : columns) cells.push_back(CsvCell(row.value(column, Json())));
    text += fmt::format("{}\n", fmt::join(cells, ","));
  }
  return text;
}

std::string DefaultResultsPath(const std::string& root, const std::string& chip_slug) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{}/results/{}/{:%Y-%m-%dT%H-%M-%SZ}.json", root, chip_slug, fmt::gmtime(now));
}

}  // namespace wattline::benchmarks
