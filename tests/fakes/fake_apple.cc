// A library with the C interface of CoreFoundation, IOReport, IOKit, Mach, notify(3) and the
// Objective-C runtime, as far as it is called. Objects count their references; what a test sets
// lies in the state that fake_apple() returns. Compiled with WATTLINE_FAKE_LACKS_SAMPLES it lacks
// one function.
#include "tests/fakes/fake_apple.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

enum Type : unsigned long {
  kString = 7,
  kDictionary = 18,
  kArray = 19,
  kData = 20,
  kNumber = 22,
  kSubscription = 99
};

struct Object {
  Type type;
  long references = 1;
  std::string bytes;  // of a string or data
  std::map<std::string, const Object*> entries;
  std::vector<const Object*> elements;
  // A channel stands for the one at this place of the state's list.
  long channel = -1;
};

// Wrong use is the end of the test program, in every kind of build.
void Check(bool right) {
  if (right) return;
  std::fputs("fake_apple: called in a way that the real libraries forbid\n", stderr);
  std::abort();
}

wattline::FakeApple& State() {
  static wattline::FakeApple state;
  return state;
}

Object* Make(Type type) {
  ++State().objects;
  return new Object{type, 1, {}, {}, {}, -1};
}

const Object* Retain(const void* object) {
  auto* mine = static_cast<Object*>(const_cast<void*>(object));
  ++mine->references;
  ++State().objects;
  return mine;
}

void Release(const void* object) {
  auto* mine = static_cast<Object*>(const_cast<void*>(object));
  --State().objects;
  if (--mine->references > 0) return;
  for (const auto& [key, value] : mine->entries) Release(value);
  for (const Object* element : mine->elements) Release(element);
  delete mine;
}

const Object& Read(const void* object, Type type) {
  const Object& mine = *static_cast<const Object*>(object);
  Check(mine.type == type && mine.references > 0);
  return mine;
}

Object* MakeText(const std::string& text) {
  Object* string = Make(kString);
  string->bytes = text;
  return string;
}

// Puts `value` into the dictionary and gives its reference away.
void Give(Object* dictionary, const std::string& key, Object* value) {
  Check(dictionary->entries.count(key) == 0);
  dictionary->entries[key] = value;
}

// A channel's dictionary; a sample's has the element that a driver fills in.
Object* MakeChannel(size_t place, bool sample) {
  const wattline::FakeChannel& channel = State().channels[place];
  Object* dictionary = Make(kDictionary);
  dictionary->channel = static_cast<long>(place);
  Give(dictionary, "IOReportGroupName", MakeText(channel.group));
  Give(dictionary, "ChannelName", MakeText(channel.name));
  Give(dictionary, "UnitLabel", MakeText(channel.unit));
  if (sample && State().has_elements) {
    Object* data = Make(kData);
    data->bytes.assign(64, '\0');
    const uint64_t stamp = channel.stamped ? channel.stamp : 0;
    std::memcpy(data->bytes.data() + 24, &stamp, 8);
    std::memcpy(data->bytes.data() + 32, &channel.shown, 8);
    Give(dictionary, "RawElements", data);
  }
  return dictionary;
}

const void* Entry(const void* dictionary, const char* key) {
  const Object& mine = Read(dictionary, kDictionary);
  const auto found = mine.entries.find(key);
  return found == mine.entries.end() ? nullptr : found->second;
}

const wattline::FakeChannel& ChannelOf(const void* dictionary) {
  return State().channels.at(static_cast<size_t>(Read(dictionary, kDictionary).channel));
}

struct Timebase {
  uint32_t numer, denom;
};

// The 80 bytes that the system controller's driver takes and returns.
struct KeyData {
  uint32_t key;
  uint8_t version[8];
  uint8_t limits[16];
  uint32_t info_byte;
  uint32_t info_type;
  uint32_t info_attributes;
  uint8_t result;
  uint8_t status;
  uint8_t command;
  uint8_t pad;
  uint32_t index;
  uint8_t bytes[32];
};
static_assert(sizeof(KeyData) == 80);

}  // namespace

extern "C" {

wattline::FakeApple* fake_apple() { return &State(); }

// CoreFoundation.
extern const char kCFTypeArrayCallBacks[40];
const char kCFTypeArrayCallBacks[40] = {};
void CFRelease(const void* object) { Release(object); }
const void* CFStringCreateWithCString(const void*, const char* text, uint32_t encoding) {
  Check(encoding == 0x08000100);
  return MakeText(text);
}
unsigned char CFStringGetCString(const void* text, char* buffer, long buffer_byte, uint32_t) {
  const std::string& bytes = Read(text, kString).bytes;
  if (static_cast<long>(bytes.size()) >= buffer_byte) return 0;
  std::memcpy(buffer, bytes.c_str(), bytes.size() + 1);
  return 1;
}
const void* CFDictionaryGetValue(const void* dictionary, const void* key) {
  return Entry(dictionary, Read(key, kString).bytes.c_str());
}
const void* CFDictionaryCreateMutableCopy(const void*, long, const void* dictionary) {
  const Object& original = Read(dictionary, kDictionary);
  Object* copy = Make(kDictionary);
  copy->channel = original.channel;
  for (const auto& [key, value] : original.entries) copy->entries[key] = Retain(value);
  return copy;
}
void CFDictionarySetValue(const void* dictionary, const void* key, const void* value) {
  Read(dictionary, kDictionary);
  auto* mine = static_cast<Object*>(const_cast<void*>(dictionary));
  const Object*& entry = mine->entries[Read(key, kString).bytes];
  const Object* old = entry;
  entry = Retain(value);
  if (old != nullptr) Release(old);
}
long CFArrayGetCount(const void* array) {
  return static_cast<long>(Read(array, kArray).elements.size());
}
const void* CFArrayGetValueAtIndex(const void* array, long index) {
  return Read(array, kArray).elements.at(static_cast<size_t>(index));
}
const void* CFArrayCreateMutable(const void*, long, const void* callbacks) {
  Check(callbacks == kCFTypeArrayCallBacks);
  return Make(kArray);
}
void CFArrayAppendValue(const void* array, const void* value) {
  Read(array, kArray);
  static_cast<Object*>(const_cast<void*>(array))->elements.push_back(Retain(value));
}
unsigned long CFGetTypeID(const void* object) { return static_cast<const Object*>(object)->type; }
unsigned long CFDataGetTypeID() { return kData; }
long CFDataGetLength(const void* data) { return static_cast<long>(Read(data, kData).bytes.size()); }
const uint8_t* CFDataGetBytePtr(const void* data) {
  return reinterpret_cast<const uint8_t*>(Read(data, kData).bytes.data());
}

unsigned long CFNumberGetTypeID() { return kNumber; }
unsigned char CFNumberGetValue(const void* number, long type, void* value) {
  Check(type == 4);  // kCFNumberSInt64Type
  std::memcpy(value, Read(number, kNumber).bytes.data(), 8);
  return 1;
}

// IOReport.
const void* IOReportCopyChannelsInGroup(const void* group, const void* subgroup, uint64_t, uint64_t,
                                        uint64_t) {
  Check(subgroup == nullptr);
  if (!State().has_group || Read(group, kString).bytes != "Energy Model") return nullptr;
  Object* all = Make(kDictionary);
  Object* array = Make(kArray);
  for (size_t i = 0; i < State().channels.size(); ++i) {
    array->elements.push_back(MakeChannel(i, false));
  }
  Give(all, "QueryOpts", MakeText("0"));
  Give(all, "IOReportChannels", array);
  return all;
}
const void* IOReportCreateSubscription(const void*, const void* desired, const void** subscribed,
                                       uint64_t, const void*) {
  if (!State().subscribes) return nullptr;
  State().subscribed.clear();
  for (const Object* channel : Read(Entry(desired, "IOReportChannels"), kArray).elements) {
    State().subscribed.push_back(ChannelOf(channel).name);
  }
  *subscribed = CFDictionaryCreateMutableCopy(nullptr, 0, desired);
  return Make(kSubscription);
}
#ifndef WATTLINE_FAKE_LACKS_SAMPLES
const void* IOReportCreateSamples(const void* subscription, const void* subscribed, const void*) {
  Read(subscription, kSubscription);
  if (State().before_sample) State().before_sample();
  if (!State().samples) return nullptr;
  Object* samples = Make(kDictionary);
  Object* array = Make(kArray);
  for (const Object* wanted : Read(Entry(subscribed, "IOReportChannels"), kArray).elements) {
    wattline::FakeChannel& channel = State().channels.at(static_cast<size_t>(wanted->channel));
    if (channel.missing) continue;
    if (channel.live) {
      channel.shown = channel.count;
      channel.stamp = State().ticks;
    }
    const Object* made = MakeChannel(static_cast<size_t>(wanted->channel), true);
    array->elements.insert(State().reversed ? array->elements.begin() : array->elements.end(),
                           made);
  }
  Give(samples, "IOReportChannels", array);
  return samples;
}
#endif
const void* IOReportChannelGetGroup(const void* channel) {
  return Entry(channel, "IOReportGroupName");
}
const void* IOReportChannelGetChannelName(const void* channel) {
  return Entry(channel, "ChannelName");
}
const void* IOReportChannelGetUnitLabel(const void* channel) { return Entry(channel, "UnitLabel"); }
int IOReportChannelGetFormat(const void* channel) { return ChannelOf(channel).format; }
int64_t IOReportSimpleGetIntegerValue(const void* channel, void* unit) {
  Check(unit == nullptr);
  return ChannelOf(channel).shown;
}

// Mach.
uint64_t mach_absolute_time() { return State().ticks; }
int mach_timebase_info(Timebase* info) {
  *info = {State().numer, State().denom};
  return 0;
}
uint32_t mach_task_self_ = 259;

// IOKit: matching dictionaries are consumed by the search.
const void* IOServiceMatching(const char* name) { return MakeText(name); }
uint32_t IOServiceGetMatchingService(uint32_t, const void* matching) {
  const std::string& wanted = Read(matching, kString).bytes;
  const uint32_t found = wanted == "AppleSMC" && State().has_controller  ? 11
                         : wanted == "AGXAccelerator" && State().has_gpu ? 13
                                                                         : 0;
  Release(matching);
  if (found != 0) ++State().ports;
  return found;
}
const void* IORegistryEntryCreateCFProperty(uint32_t entry, const void* key, const void*,
                                            uint32_t options) {
  Check(entry == 13 && options == 0 && Read(key, kString).bytes == "gpu-core-count");
  if (!State().has_gpu_cores) return nullptr;
  Object* value = Make(State().gpu_cores_are_text ? kString : kNumber);
  value->bytes.assign(reinterpret_cast<const char*>(&State().gpu_cores), 8);
  return value;
}
int IOServiceOpen(uint32_t service, uint32_t task, uint32_t type, uint32_t* connection) {
  Check(service == 11 && task == 259 && type == 0);
  if (State().open_result != 0) return State().open_result;
  ++State().ports;
  *connection = 12;
  return 0;
}
int IOServiceClose(uint32_t connection) {
  Check(connection == 12);
  --State().ports;
  return 0;
}
int IOObjectRelease(uint32_t object) {
  Check(object == 11 || object == 13);
  --State().ports;
  return 0;
}
int IOConnectCallStructMethod(uint32_t connection, uint32_t selector, const void* input,
                              size_t input_byte, void* output, size_t* output_byte) {
  Check(connection == 12 && selector == 2 && input_byte == 80 && *output_byte == 80);
  if (State().smc_result != 0) return State().smc_result;
  KeyData request;
  std::memcpy(&request, input, sizeof(request));
  KeyData answer{};
  if (request.key != State().smc_key) {
    answer.result = 132;  // no such key
  } else if (request.command == 9) {
    answer.info_byte = State().smc_byte;
    answer.info_type = State().smc_type;
  } else if (request.command == 5 && request.info_byte == State().smc_byte) {
    std::memcpy(answer.bytes, &State().smc_w, sizeof(float));
  } else {
    answer.result = 0x89;
  }
  std::memcpy(output, &answer, sizeof(answer));
  return 0;
}

// The source of power: the text is owned by the answer that it is taken from.
const void* IOPSCopyPowerSourcesInfo() {
  Object* sources = Make(kDictionary);
  if (!State().power_source.empty()) Give(sources, "source", MakeText(State().power_source));
  return sources;
}
const void* IOPSGetProvidingPowerSourceType(const void* sources) {
  return Entry(sources, "source");
}

// notify(3).
uint32_t notify_register_check(const char* name, int* token) {
  Check(std::strcmp(name, "com.apple.system.thermalpressurelevel") == 0);
  if (State().notify_status != 0) return State().notify_status;
  ++State().tokens;
  *token = 5;
  return 0;
}
uint32_t notify_get_state(int token, uint64_t* state) {
  Check(token == 5);
  *state = State().thermal_level;
  return 0;
}
uint32_t notify_cancel(int token) {
  Check(token == 5);
  --State().tokens;
  return 0;
}

// The Objective-C runtime: a class, its one object, and two methods.
void* objc_getClass(const char* name) {
  static int process_info;
  return std::strcmp(name, "NSProcessInfo") == 0 ? &process_info : nullptr;
}
void* sel_registerName(const char* name) {
  static std::map<std::string, std::string> names;
  return &names.emplace(name, name).first->second;
}
void* objc_msgSend(void* object, void* selector) {
  static int info;
  const std::string& name = *static_cast<std::string*>(selector);
  if (object == objc_getClass("NSProcessInfo") && name == "processInfo") return &info;
  Check(object == &info && name == "isLowPowerModeEnabled");
  // The rest of a register that returns one byte may hold anything.
  return reinterpret_cast<void*>(uintptr_t{0xab00} + (State().low_power_mode ? 1 : 0));
}

}  // extern "C"
