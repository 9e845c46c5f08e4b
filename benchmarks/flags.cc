// gcc 12 with -fsanitize takes std::regex's own members for uninitialised (its bug 105562).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "benchmarks/flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <regex>
#include <string>

namespace wattline::benchmarks {
namespace {

struct Argument {
  std::string name;                  // "--threads"
  std::optional<std::string> value;  // after the first '='
};

Argument Split(const std::string& argument) {
  const size_t equals = argument.find('=');
  if (equals == std::string::npos) return {argument, std::nullopt};
  return {argument.substr(0, equals), argument.substr(equals + 1)};
}

std::optional<int> IntFrom(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Google Benchmark's rule for its boolean flags: a flag without a value is true.
bool IsTrue(const std::optional<std::string>& value) {
  if (!value) return true;
  const std::string text = Lower(*value);
  return !(text == "0" || text == "f" || text == "n" || text == "false" || text == "no" ||
           text == "off");
}

bool IsOneOf(const std::string& value, std::initializer_list<std::string_view> choices) {
  return std::find(choices.begin(), choices.end(), value) != choices.end();
}

class Parser {
 public:
  void Take(const std::string& argument);
  void TakeOutputFile(const std::string& file) { parsed_.flags.output_file = file; }
  void Fail(std::string sentence) {
    if (parsed_.error.empty()) parsed_.error = std::move(sentence);
  }
  ParsedFlags Done() { return std::move(parsed_); }

 private:
  bool TakeSwitch(const Argument& a);
  bool TakeValue(const Argument& a);
  bool TakeGoogle(const Argument& a, const std::string& whole);
  void TakeCount(const Argument& a, int least, std::optional<int>& out);
  void TakeEnergyError(const std::string& value);
  void TakePin(const std::string& value);
  void TakeCores(const std::string& value);
  void TakeOutput(const std::string& value);
  void TakeFilter(const std::string& value);
  void TakeMinTime(const std::string& value);
  void TakeFormat(const std::string& value);

  ParsedFlags parsed_;
};

void Parser::Take(const std::string& argument) {
  const Argument a = Split(argument);
  if (TakeSwitch(a) || TakeValue(a) || TakeGoogle(a, argument)) return;
  if (argument.rfind("-", 0) == 0) {
    Fail(fmt::format("unknown flag '{}'; --help lists the flags", argument));
  } else {
    Fail(fmt::format("unexpected argument '{}'; a filter is --benchmark_filter=REGEX", argument));
  }
}

bool Parser::TakeSwitch(const Argument& a) {
  Flags& flags = parsed_.flags;
  bool* target = a.name == "--help" || a.name == "-h" ? &flags.help
                 : a.name == "--list-meters"          ? &flags.list_meters
                 : a.name == "--list-backends"        ? &flags.list_backends
                                                      : nullptr;
  if (target == nullptr) return false;
  if (a.value) Fail(fmt::format("{} takes no value", a.name));
  *target = true;
  return true;
}

bool Parser::TakeValue(const Argument& a) {
  static constexpr std::string_view kNames[] = {
      "--model",        "--threads", "--isa",    "--energy", "--energy_error",
      "--energy_trace", "--resume",  "--output", "--sweep",  "--device",
      "--meter_root",   "--pin",     "--cores"};
  if (std::find(std::begin(kNames), std::end(kNames), a.name) == std::end(kNames)) return false;
  if (!a.value || a.value->empty()) {
    Fail(fmt::format("{} needs a value: {}=...", a.name, a.name));
    return true;
  }
  Flags& flags = parsed_.flags;
  if (a.name == "--model") flags.model_file = *a.value;
  if (a.name == "--threads") TakeCount(a, 1, flags.threads);
  if (a.name == "--isa") flags.isa = *a.value;
  if (a.name == "--energy") flags.energy = *a.value;
  if (a.name == "--energy_error") TakeEnergyError(*a.value);
  if (a.name == "--energy_trace") flags.energy_trace = *a.value;
  if (a.name == "--meter_root") flags.meter_root = *a.value;
  if (a.name == "--resume") flags.resume_file = *a.value;
  if (a.name == "--output") TakeOutput(*a.value);
  if (a.name == "--device") TakeCount(a, 0, flags.device);
  if (a.name == "--pin") TakePin(*a.value);
  if (a.name == "--cores") TakeCores(*a.value);
  if (a.name == "--sweep") {
    flags.full_sweep = true;
    if (*a.value != "full") Fail(fmt::format("--sweep={} is unknown; use full", *a.value));
  }
  return true;
}

void Parser::TakeCount(const Argument& a, int least, std::optional<int>& out) {
  out = IntFrom(*a.value);
  if (!out || *out < least || *out > 4096) {
    Fail(fmt::format("{}={} is not a whole number from {} to 4096", a.name, *a.value, least));
  }
}

// "2%" and "0.02" are the same.
void Parser::TakeEnergyError(const std::string& value) {
  char* end = nullptr;
  double error = std::strtod(value.c_str(), &end);
  const std::string rest = end;
  if (rest == "%") error /= 100;
  if (end == value.c_str() || (!rest.empty() && rest != "%") || !(error > 0) || error > 1) {
    Fail(fmt::format("--energy_error={} is not a share above 0 and up to 1, such as 0.02 or 2%",
                     value));
    return;
  }
  parsed_.flags.energy_error = error;
}

void Parser::TakePin(const std::string& value) {
  if (!IsOneOf(value, {"auto", "on", "off"})) {
    Fail(fmt::format("--pin={} is unknown; use auto, on or off", value));
    return;
  }
  parsed_.flags.pin = value == "on" ? Pin::kOn : value == "off" ? Pin::kOff : Pin::kAuto;
}

void Parser::TakeCores(const std::string& value) {
  if (!IsOneOf(value, {"P", "E", "all"})) {
    Fail(fmt::format("--cores={} is unknown; use P, E or all", value));
    return;
  }
  parsed_.flags.cores = value == "P"   ? Cores::kPerformance
                        : value == "E" ? Cores::kEfficiency
                                       : Cores::kAll;
}

void Parser::TakeOutput(const std::string& value) {
  static constexpr std::pair<std::string_view, Output> kShapes[] = {{"table", Output::kTable},
                                                                    {"md", Output::kMarkdown},
                                                                    {"csv", Output::kCsv},
                                                                    {"json", Output::kJson},
                                                                    {"html", Output::kHtml}};
  for (const auto& [name, shape] : kShapes) {
    if (name != value) continue;
    parsed_.flags.output = shape;
    return;
  }
  Fail(fmt::format("--output={} is unknown; use table, md, csv, json or html", value));
}

// The flags of Google Benchmark that its own reporters, or its own run loop, would have read.
bool Parser::TakeGoogle(const Argument& a, const std::string& whole) {
  if (a.name.rfind("--benchmark_", 0) != 0 && a.name != "--v") return false;
  Flags& flags = parsed_.flags;
  const std::string name = a.name.substr(2);
  const std::string value = a.value.value_or("");
  if (name == "benchmark_filter") {
    TakeFilter(value);
  } else if (name == "benchmark_min_time") {
    TakeMinTime(value);
  } else if (name == "benchmark_format") {
    TakeFormat(value);
  } else if (name == "benchmark_out") {
    if (value.empty()) Fail("--benchmark_out needs a file: --benchmark_out=FILE");
    flags.out = value;
  } else if (name == "benchmark_out_format") {
    flags.out_format = value;
    if (!IsOneOf(value, {"json", "csv", "console"})) {
      Fail(fmt::format("--benchmark_out_format={} is unknown; use json, csv or console", value));
    }
  } else if (name == "benchmark_color") {
    flags.color = !a.value || value == "auto" ? value : IsTrue(a.value) ? "yes" : "no";
    if (!a.value) flags.color = "yes";
  } else if (name == "benchmark_counters_tabular") {
    flags.counters_tabular = IsTrue(a.value);
    flags.google_console = flags.google_console || flags.counters_tabular;
  } else if (name == "benchmark_list_tests") {
    flags.list_tests = IsTrue(a.value);
  } else {
    flags.google.push_back(whole);
  }
  return true;
}

void Parser::TakeFilter(const std::string& value) {
  // As Google Benchmark has it: nothing and "all" mean every row.
  parsed_.flags.filter = value.empty() || value == "all" ? "." : value;
  const std::string& filter = parsed_.flags.filter;
  try {
    std::regex check(filter[0] == '-' ? filter.substr(1) : filter);
  } catch (const std::regex_error&) {
    Fail(fmt::format("--benchmark_filter={} is not a regular expression", value));
  }
}

void Parser::TakeMinTime(const std::string& value) {
  // 1.7 takes seconds without a unit, 1.8 wants "0.5s": both are accepted, for both libraries.
  std::string number = value;
  if (!number.empty() && number.back() == 's') number.pop_back();
  char* end = nullptr;
  const double seconds = std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0' || !(seconds > 0) || seconds > 1e6) {
    Fail(fmt::format("--benchmark_min_time={} is not a number of seconds above 0", value));
    return;
  }
  parsed_.flags.min_time_s = seconds;
  parsed_.flags.google.push_back("--benchmark_min_time=" + number);
}

void Parser::TakeFormat(const std::string& value) {
  Flags& flags = parsed_.flags;
  if (value == "json") flags.output = Output::kJson;
  if (value == "csv") flags.output = Output::kCsv;
  if (value == "console") flags.google_console = true;
  if (!IsOneOf(value, {"json", "csv", "console"})) {
    Fail(fmt::format("--benchmark_format={} is unknown; use json, csv or console", value));
  }
}

}  // namespace

ParsedFlags ParseFlags(const std::vector<std::string>& arguments, const Environment& environment) {
  Parser parser;
  for (const char* variable : kOwnVariables) {
    const std::optional<std::string> value = environment(variable);
    if (value && !value->empty()) parser.Take(fmt::format("--{}={}", Lower(variable), *value));
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "-o") {
      if (i + 1 == arguments.size()) parser.Fail("-o needs a file: -o FILE");
      if (i + 1 < arguments.size()) parser.TakeOutputFile(arguments[++i]);
    } else if (argument.rfind("-o", 0) == 0 && argument.size() > 2) {
      parser.TakeOutputFile(argument.substr(argument[2] == '=' ? 3 : 2));
    } else {
      parser.Take(argument);
    }
  }
  return parser.Done();
}

std::string_view HelpText() {
  return R"(bench measures what this machine does with the work inside a language model.

  bench --benchmark_filter=decode            the whole model: tok/s, MBU, J/token
  bench --benchmark_filter=decode --model=model.gguf
  bench --benchmark_filter='gemm/.*/bf16'    any regular expression on names; '-' in front negates

  --model=FILE.gguf      this one, or a folder of MLX's, in place of decode's named models
  --threads=N            threads, this one included          (default: one for each core of --cores)
  --cores=P|E|all        performance (default), efficiency, all    --pin=auto|on|off  a core each
  --isa=NAME|all         instruction set of the CPU backend  (default: the best)
  --energy=auto|off|NAME,...   meters to read               --list-meters    what they need
  --energy_error=2%      joules are measured until their bound is as narrow, for 10 s at most
  --energy_trace=FILE    power over time as CSV             --meter_root=DIR  files of the meters
  --device=N             accelerator to use                  --list-backends  what can run
  --sweep=full           long lists of models, formats, contexts and batch sizes. A row outside the
                         default list also runs where the filter holds what sets it apart:
                         decode/llama-3-8b, decode/llama-3.2-1b/q6_k, block/.*/tokens:1/batch:4
  --resume=FILE          runs only the rows that FILE lacks, and adds them to it
  --output=table|md|csv|json|html, -o FILE   shape and file of the report
Of Google Benchmark, all flags, among them:
  --benchmark_list_tests   --benchmark_repetitions=N   --benchmark_min_time=SECONDS
  --benchmark_out=FILE     the results (default: results/<chip>/<UTC time>.json)
  --benchmark_format=console|json|csv   console: every counter, as Google Benchmark prints them
Exit codes: 0 done, 1 a failure or unreadable input, 2 wrong usage.
)";
}

}  // namespace wattline::benchmarks
