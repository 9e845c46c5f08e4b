#include <pthread/qos.h>

#include "kernels/cpu/pin.h"

namespace wattline::kernels {

// macOS binds no thread to a core; the highest class keeps it off the efficiency cores while there
// is a free performance core (pthread/qos.h).
bool PinThisThread(std::span<const int> /*cpus*/) {
  pthread_set_qos_class_self_np(QOS_CLASS_USER_INTERACTIVE, 0);
  return false;
}

std::vector<int> CpusOfThisThread() { return {}; }

}  // namespace wattline::kernels
