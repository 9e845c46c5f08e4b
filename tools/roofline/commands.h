// The subcommands of the program `roofline`, a file each.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace wattline::tools {

// Runs a parsed subcommand and returns the exit code: 0 done, 1 a failure named on stderr, 2 wrong
// usage or unreadable input, 3 a verdict.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

// Each adds its subcommand with its flags. Flags live as long as the returned function.
Command AddFit(CLI::App& program);      // fit.cc
Command AddReport(CLI::App& program);   // report.cc
Command AddLint(CLI::App& program);     // lint.cc
Command AddPredict(CLI::App& program);  // predict.cc
Command AddPlot(CLI::App& program);     // plot.cc

// "roofline: " and the sentence on stderr; returns `code`.
int Fail(const std::string& sentence, int code);

}  // namespace wattline::tools
