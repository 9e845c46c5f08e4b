// Writes a comparison's page to be clicked through: `make_compare_example KIND FILE`. KIND: four
// (chips, one of them published), evil (texts from files that try to be markup), many (200 rows in
// six columns).
#include <fstream>
#include <string>

#include "roofline/compare_page.h"
#include "tests/page/compare_example.h"

using namespace wattline::roofline;  // NOLINT: a program of a test

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string kind = argv[1];
  const Comparison comparison =
      kind == "many" ? ManyRowsComparison(200)
      : kind == "evil"
          ? EvilComparison("</script><script>window.hurt=1</script><img src=x onerror=hurt=2>\"'")
          : ExampleComparison();
  std::ofstream(argv[2], std::ios::binary) << ComparePage(comparison);
}
