#include "benchmarks/core_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace wattline::benchmarks {
namespace {

using TakesKind = std::function<bool(const CoreKind&)>;

// Adds the usable cores of the kinds that `takes` takes.
void AddKinds(const SystemFacts& facts, const TakesKind& takes, CoreChoice& choice, int& count) {
  for (const CoreKind& kind : facts.cores) {
    if (kind.usable == 0 || !takes(kind)) continue;
    choice.kinds.push_back(kind.name);
    choice.cpus.insert(choice.cpus.end(), kind.cpus.begin(), kind.cpus.end());
    count += kind.usable;
  }
}

std::string WhyNoEfficiencyCores(const SystemFacts& facts) {
  std::string text;
  for (const CoreKind& kind : facts.cores) {
    if (kind.name == kEfficiencyCores) {
      return fmt::format("none of the {} efficiency cores may be used by this process",
                         kind.physical);
    }
    text += fmt::format("{}{} {}", text.empty() ? ": " : ", ", kind.physical, kind.name);
  }
  return "this machine has no efficiency cores" + text;
}

}  // namespace

CoreChoice ChooseCores(const SystemFacts& facts, Cores cores) {
  CoreChoice choice;
  int count = 0;
  const auto any = [](const CoreKind&) { return true; };
  if (cores == Cores::kEfficiency) {
    choice.thread_class = kernels::ThreadClass::kEfficient;
    AddKinds(
        facts, [](const CoreKind& kind) { return kind.name == kEfficiencyCores; }, choice, count);
    if (count == 0) choice.why_not = WhyNoEfficiencyCores(facts);
  } else {
    choice.thread_class = kernels::ThreadClass::kFast;
    if (cores == Cores::kPerformance) {
      AddKinds(
          facts, [](const CoreKind& kind) { return kind.by_default; }, choice, count);
    }
    if (count == 0) AddKinds(facts, any, choice, count);
    if (count == 0) count = facts.physical_cores.value_or(1);
  }
  const double threads = std::min<double>(count, facts.granted_cpus.value_or(count));
  choice.threads = std::max(1, static_cast<int>(threads));
  return choice;
}

std::string ConfineToEfficiency(const CoreChoice& choice) {
  const bool confined = choice.cpus.empty() ? kernels::UsedThreadClasses().set(choice.thread_class)
                                            : kernels::PinThisThread(choice.cpus);
  return confined ? "" : "the system does not keep this process on its efficiency cores";
}

}  // namespace wattline::benchmarks
