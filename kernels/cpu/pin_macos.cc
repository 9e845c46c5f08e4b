#include <pthread/qos.h>

#include "kernels/cpu/pin.h"

namespace wattline::kernels {
namespace {

bool Set(ThreadClass wanted) {
  if (wanted == ThreadClass::kUnset) return false;
  const qos_class_t qos =
      wanted == ThreadClass::kFast ? QOS_CLASS_USER_INTERACTIVE : QOS_CLASS_BACKGROUND;
  return pthread_set_qos_class_self_np(qos, 0) == 0;
}

ThreadClass Get() {
  const qos_class_t qos = qos_class_self();
  if (qos == QOS_CLASS_USER_INTERACTIVE) return ThreadClass::kFast;
  return qos == QOS_CLASS_BACKGROUND ? ThreadClass::kEfficient : ThreadClass::kUnset;
}

}  // namespace

// macOS binds no thread to a core.
bool PinThisThread(std::span<const int> /*cpus*/) { return false; }
std::vector<int> CpusOfThisThread() { return {}; }

const ThreadClasses& SystemThreadClasses() {
  static constexpr ThreadClasses kQos = {Set, Get};
  return kQos;
}

}  // namespace wattline::kernels
