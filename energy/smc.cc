#include "energy/smc.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "energy/summed_meter.h"

namespace wattline::energy {
namespace {

constexpr uint32_t FourLetters(const char (&text)[5]) {
  uint32_t code = 0;
  for (int i = 0; i < 4; ++i) code = code << 8 | static_cast<uint8_t>(text[i]);
  return code;
}
constexpr uint32_t kSystemPower = FourLetters("PSTR");
constexpr uint32_t kFloat = FourLetters("flt ");

// What the driver takes and returns, 80 bytes (as in macmon's src_lib/sources.rs, 2026-08).
struct KeyData {
  uint32_t key;
  uint8_t version[6];
  uint16_t pad_to_limits;
  uint8_t limits[16];
  uint32_t value_byte;  // key information: bytes of the value, its type, its attributes
  uint32_t value_type;
  uint8_t attributes;
  uint8_t pad_to_result[3];
  uint8_t result;  // 0: done; 132: no such key
  uint8_t status;
  uint8_t command;
  uint8_t pad_to_index;
  uint32_t index;
  uint8_t value[32];
};
static_assert(sizeof(KeyData) == 80 && offsetof(KeyData, value_byte) == 28 &&
              offsetof(KeyData, result) == 40 && offsetof(KeyData, value) == 48);
constexpr uint32_t kCallSelector = 2;
constexpr uint8_t kReadValue = 5;
constexpr uint8_t kReadInformation = 9;

// IOKit's functions; services and connections are Mach ports.
struct IoKit {
  void* (*matching)(const char* name);
  uint32_t (*find_service)(uint32_t main_port, const void* matching);  // releases `matching`
  int (*open)(uint32_t service, uint32_t task, uint32_t type, uint32_t* connection);
  int (*close)(uint32_t connection);
  int (*release)(uint32_t service);
  int (*call)(uint32_t connection, uint32_t selector, const void* input, size_t input_byte,
              void* output, size_t* output_byte);
  const uint32_t* task;  // mach_task_self_
};

// Why it could not be loaded; empty where it was.
std::string Load(const std::string& path, IoKit& kit) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays open
  if (library == nullptr) return fmt::format("not macOS: {}", dlerror());
  std::string fault;
  const auto find = [&](const char* name, auto*& into) {
    void* symbol = dlsym(library, name);
    if (symbol == nullptr) symbol = dlsym(RTLD_DEFAULT, name);
    if (symbol == nullptr && fault.empty()) fault = fmt::format("{} has no {}", path, name);
    into = reinterpret_cast<std::remove_reference_t<decltype(into)>>(symbol);
  };
  find("IOServiceMatching", kit.matching);
  find("IOServiceGetMatchingService", kit.find_service);
  find("IOServiceOpen", kit.open);
  find("IOServiceClose", kit.close);
  find("IOObjectRelease", kit.release);
  find("IOConnectCallStructMethod", kit.call);
  find("mach_task_self_", kit.task);
  return fault;
}

// An open connection to the controller, and the key that is read through it.
class SystemPower : public PowerSource {
 public:
  SystemPower(const IoKit& kit, uint32_t connection)
      : PowerSource(std::nullopt),  // how often the controller renews it is not documented
        kit_(kit),
        connection_(connection) {}
  ~SystemPower() override { kit_.close(connection_); }

  // Why the key is of no use; empty where it is a power.
  std::string Check() {
    KeyData information{};
    information.command = kReadInformation;
    if (std::string why_not = Call(information); !why_not.empty()) return why_not;
    if (information.value_type != kFloat || information.value_byte != sizeof(float)) {
      return fmt::format("the system controller's key PSTR is {} bytes of type {:#x}, no float",
                         information.value_byte, information.value_type);
    }
    const std::optional<double> watts = ReadValue();
    if (!watts) return "the system controller's key PSTR, the machine's power, cannot be read";
    if (!(*watts > 0)) {
      return fmt::format("the system controller shows {:.3g} W for the machine: not metered here",
                         *watts);
    }
    return "";
  }

 private:
  // A machine that runs draws power: 0 is a sensor without a value.
  std::optional<double> Watts() override {
    const std::optional<double> watts = ReadValue();
    return watts && *watts > 0 ? watts : std::nullopt;
  }

  std::optional<double> ReadValue() {
    KeyData data{};
    data.command = kReadValue;
    data.value_byte = sizeof(float);
    data.value_type = kFloat;
    if (!Call(data).empty()) return std::nullopt;
    float watts = 0;  // little endian, as the chip itself
    std::memcpy(&watts, data.value, sizeof(watts));
    return watts;
  }

  // Sends `data` and receives into it.
  std::string Call(KeyData& data) {
    data.key = kSystemPower;
    KeyData answer{};
    size_t answer_byte = sizeof(answer);
    const int fault =
        kit_.call(connection_, kCallSelector, &data, sizeof(data), &answer, &answer_byte);
    if (fault != 0)
      return fmt::format("the system controller does not answer ({:#x})",
                         static_cast<uint32_t>(fault));
    constexpr uint8_t kNoSuchKey = 132;
    if (answer.result == kNoSuchKey) {
      return "this Mac's system controller has no key PSTR, the machine's power";
    }
    if (answer.result != 0) {
      return fmt::format("the system controller refuses its key PSTR ({})", answer.result);
    }
    data = answer;
    return "";
  }

  IoKit kit_;
  uint32_t connection_;
};

}  // namespace

Opened OpenSmc(const MeterOptions& options) {
  if (!options.IsThisMachine() && options.iokit_library == MeterOptions().iokit_library) {
    return {nullptr, "not used: --meter_root points at another machine"};
  }
  IoKit kit{};
  if (std::string why_not = Load(options.iokit_library, kit); !why_not.empty()) {
    return {nullptr, why_not};
  }
  constexpr uint32_t kMainPort = 0;
  const uint32_t service = kit.find_service(kMainPort, kit.matching("AppleSMC"));
  if (service == 0) {
    return {nullptr,
            "there is no system controller (AppleSMC) here; a virtual machine may have none"};
  }
  uint32_t connection = 0;
  const int fault = kit.open(service, *kit.task, 0, &connection);
  kit.release(service);
  if (fault != 0) {
    return {nullptr,
            fmt::format("the system controller cannot be opened ({:#x}); a sandbox may "
                        "forbid it: run outside of one",
                        static_cast<uint32_t>(fault)),
            true};
  }
  auto power = std::make_unique<SystemPower>(kit, connection);
  if (std::string why_not = power->Check(); !why_not.empty()) return {nullptr, why_not};

  MeterInfo info;
  info.name = "smc";
  info.kind = Kind::kSampled;
  info.domains.push_back(
      {"machine", "the whole Mac, as its system controller sees it", kWholeMachine});
  info.note = "display, disks and radios are in it";
  std::vector<Sources> domains(1);
  domains[0].push_back(std::move(power));
  return {MakeSummedMeter(std::move(info), std::move(domains), *options.clock), ""};
}

}  // namespace wattline::energy
