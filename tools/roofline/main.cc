// roofline: from results files of bench to a machine's limits, verdicts, predictions and drawings.
#include <fmt/format.h>

#include <vector>

#include "tools/program.h"
#include "tools/roofline/commands.h"

namespace wattline::tools {

int Fail(const std::string& sentence, int code) { return FailAs("roofline", sentence, code); }

namespace {

int Main(int argc, char** argv) {
  CLI::App program("Limits of machines from results files of bench, and where each row stands.",
                   "roofline");
  program.require_subcommand(1);
  program.set_help_all_flag("--help-all", "Help of every subcommand");
  program.footer(
      "Example:\n"
      "  ./bench --benchmark_filter=ceiling --benchmark_out=chip.json\n"
      "  roofline fit chip.json -o fit.json");
  const std::vector<Command> commands = {
      AddFit(program), AddReport(program), AddLint(program), AddPredict(program), AddPlot(program),
  };
  try {
    program.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return program.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return program.exit(help);
  } catch (const CLI::ParseError& error) {
    return Fail(fmt::format("{}; roofline --help shows the usage", error.what()), kUsage);
  }
  for (const Command& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return kUsage;
}

}  // namespace
}  // namespace wattline::tools

int main(int argc, char** argv) {
  return wattline::tools::Guarded("roofline", wattline::tools::Main, argc, argv);
}
