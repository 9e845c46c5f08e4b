// What the programs of tools/ share: how a failure is told, and what their main() catches.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wattline::tools {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kVerdict = 3;

// One line without control characters, which a terminal would obey; at most `most` bytes.
std::string Plain(const std::string& text, size_t most = 400);

// The program's name, a colon and the sentence on stderr, as one line; returns `code`.
int FailAs(std::string_view program, const std::string& sentence, int code);

// Runs a program's Main. What it throws becomes a sentence and exit code 1.
int Guarded(std::string_view program, int (*run)(int, char**), int argc, char** argv);

}  // namespace wattline::tools
