// Writes a page to be clicked through: `make_example KIND FILE`. KIND: two (chips), evil (names
// from files that try to be markup), many (500 points), plain (no joules).
#include <fstream>
#include <iostream>
#include <random>
#include <string>

#include "roofline/html_plot.h"
#include "tests/plot_example.h"

using namespace wattline::roofline;  // NOLINT: a program of a test

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string kind = argv[1];
  Fit fit = ExampleFit(kind == "two");
  std::vector<Judged> rows = ExampleJudged(fit);
  if (kind == "evil") {
    const std::string evil = "</script><script>window.hurt=1</script><img src=x onerror=hurt=2>\"'";
    fit.machines[0].chip = evil;
    for (Judged& row : rows) {
      row.chip = row.bound = row.remark = row.format = evil;
      row.row += evil;
    }
  } else if (kind == "many") {
    rows = JudgeExample(fit.machines[0], ExampleManyRows(fit.machines[0], 500));
  } else if (kind == "plain") {
    fit.machines[0].energies.clear();
    for (Judged& row : rows) {
      row.joules = row.flop_per_joule = row.joule_share = row.attainable_flop_per_joule = {};
    }
  }
  const std::vector<std::string> sources = {"fit.json"};
  const PlotModelResult made = MakePlotModel(fit, rows, sources);
  if (!made.model) {
    std::cerr << made.error << "\n";
    return 1;
  }
  std::ofstream(argv[2], std::ios::binary) << PlotPage(*made.model, PlotPageFiles());
}
