#include "kernels/coreml/coreml.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <utility>

#include "kernels/float16.h"

namespace wattline::kernels {
namespace {

constexpr const char* kClasses[] = {"NSString",
                                    "NSNumber",
                                    "NSMutableArray",
                                    "NSMutableDictionary",
                                    "NSURL",
                                    "MLModel",
                                    "MLModelConfiguration",
                                    "MLMultiArray",
                                    "MLFeatureValue",
                                    "MLDictionaryFeatureProvider"};

float ValueAt(const CoreMlArray& array, int64_t at) {
  if (array.type == CoreMlType::kFloat16) {
    uint16_t bits = 0;
    std::memcpy(&bits, array.data + at * 2, sizeof(bits));
    return FloatFromF16(bits);
  }
  float value = 0;
  std::memcpy(&value, array.data + at * 4, sizeof(value));
  return value;
}

// Calls visit(its place in memory, in elements) for each element, row-major. There is a stride for
// each dimension.
template <class Visit>
void ForEachElement(const CoreMlArray& array, const Visit& visit) {
  int64_t count = 1;
  for (const int64_t size : array.shape) count *= size;
  std::vector<int64_t> index(array.shape.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = 0;
    for (size_t d = 0; d < index.size(); ++d) at += index[d] * array.strides[d];
    visit(at);
    for (size_t d = index.size(); d-- > 0 && ++index[d] == array.shape[d];) index[d] = 0;
  }
}

}  // namespace

LoadedCoreMl LoadCoreMl(const CoreMlLibraries& libraries) {
  const LoadedObjc loaded = LoadObjc(libraries.objc);
  if (!loaded.objc) return {nullptr, loaded.why_not};
  for (const std::string& framework : {libraries.foundation, libraries.core_ml}) {
    if (dlopen(framework.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
      return {nullptr, fmt::format("needs macOS: {} cannot be opened", framework)};
    }
  }
  for (const char* name : kClasses) {
    if (loaded.objc->get_class(name) == nullptr) {
      return {nullptr, fmt::format("this macOS has no class {}", name)};
    }
  }
  return {loaded.objc, {}};
}

CoreMlFloats FloatsOf(const CoreMlArray& array) {
  if (array.type != CoreMlType::kFloat16 && array.type != CoreMlType::kFloat32) {
    return {{},
            fmt::format("Core ML's output has the type {:#x}, no float that is known here",
                        static_cast<int64_t>(array.type))};
  }
  if (array.data == nullptr || array.shape.empty() || array.shape.size() != array.strides.size()) {
    return {{}, "Core ML's output has no data, or no stride for each dimension"};
  }
  CoreMlFloats floats;
  ForEachElement(array, [&](int64_t at) { floats.values.push_back(ValueAt(array, at)); });
  return floats;
}

CoreMlModel::CoreMlModel(std::shared_ptr<const Objc> objc, const std::string& package,
                         CoreMlUnits units)
    : objc_(std::move(objc)) {
  const ObjcPool pool(*objc_);
  Load(package, units);
}

CoreMlModel::~CoreMlModel() {
  model_ = {};  // it may still read the files
  const std::filesystem::path compiled(compiled_path_);
  std::error_code ignored;
  if (compiled.filename().extension() == ".mlmodelc")
    std::filesystem::remove_all(compiled, ignored);
}

void CoreMlModel::Load(const std::string& package, CoreMlUnits units) {
  const Objc& o = *objc_;
  ObjcId error = nullptr;
  const ObjcId url = Send(o, Class("NSURL"), "fileURLWithPath:", Text(package.c_str()));
  const ObjcId compiled = Send(o, Class("MLModel"), "compileModelAtURL:error:", url, &error);
  if (compiled == nullptr) return Fail("compiling " + package, error);
  const auto* path = Send<const char*>(o, Send(o, compiled, "path"), "UTF8String");
  if (path != nullptr) compiled_path_ = path;
  const ObjcOwner configuration(objc_,
                                Send(o, Send(o, Class("MLModelConfiguration"), "alloc"), "init"));
  Send<void>(o, configuration.get(), "setComputeUnits:", static_cast<int64_t>(units));
  const ObjcId model =
      Send(o, Class("MLModel"), "modelWithContentsOfURL:configuration:error:", compiled,
           configuration.get(), &error);
  if (model == nullptr) return Fail("loading " + package, error);
  model_ = ObjcOwner(objc_, o.retain(model));
  features_ = ObjcOwner(objc_, Send(o, Send(o, Class("NSMutableDictionary"), "alloc"), "init"));
}

void CoreMlModel::SetInput(const char* name, std::span<const int32_t> values) {
  SetInput(name, CoreMlType::kInt32, std::array<int64_t, 2>{1, std::ssize(values)},
           std::as_bytes(values));
}

void CoreMlModel::SetInput(const char* name, std::span<const float> values, int64_t cols) {
  std::vector<uint16_t> halves;
  for (const float value : values) halves.push_back(F16FromFloat(value));
  SetInput(name, CoreMlType::kFloat16, std::array<int64_t, 3>{1, std::ssize(values) / cols, cols},
           std::as_bytes(std::span<const uint16_t>(halves)));
}

void CoreMlModel::SetInput(const char* name, CoreMlType type, std::span<const int64_t> shape,
                           std::span<const std::byte> values) {
  if (!fault_.empty()) return;
  const Objc& o = *objc_;
  const ObjcPool pool(o);
  const ObjcId sizes = Send(o, Class("NSMutableArray"), "array");
  for (const int64_t size : shape) {
    Send<void>(o, sizes, "addObject:", Send(o, Class("NSNumber"), "numberWithLongLong:", size));
  }
  ObjcId error = nullptr;
  const ObjcOwner array(
      objc_, Send(o, Send(o, Class("MLMultiArray"), "alloc"),
                  "initWithShape:dataType:error:", sizes, static_cast<int64_t>(type), &error));
  auto* data = Send<std::byte*>(o, array.get(), "dataPointer");
  const CoreMlArray layout = LayoutOf(array.get());
  if (data == nullptr || layout.shape.size() != layout.strides.size()) {
    return Fail(fmt::format("making the input {}", name), error);
  }
  const int64_t element_byte = type == CoreMlType::kFloat16 ? 2 : 4;
  const std::byte* from = values.data();
  ForEachElement(layout, [&](int64_t at) {
    std::memcpy(data + at * element_byte, from, static_cast<size_t>(element_byte));
    from += element_byte;
  });
  const ObjcId feature =
      Send(o, Class("MLFeatureValue"), "featureValueWithMultiArray:", array.get());
  Send<void>(o, features_.get(), "setObject:forKey:", feature, Text(name));
  provider_ = {};  // it has a copy of the dictionary
}

void CoreMlModel::Predict() {
  if (!fault_.empty()) return;
  const Objc& o = *objc_;
  const ObjcPool pool(o);
  ObjcId error = nullptr;
  if (provider_.get() == nullptr) {
    const ObjcId allocated = Send(o, Class("MLDictionaryFeatureProvider"), "alloc");
    provider_ =
        ObjcOwner(objc_, Send(o, allocated, "initWithDictionary:error:", features_.get(), &error));
    if (provider_.get() == nullptr) return Fail("naming the inputs", error);
  }
  const ObjcId outputs =
      Send(o, model_.get(), "predictionFromFeatures:error:", provider_.get(), &error);
  if (outputs == nullptr) return Fail("a prediction", error);
  outputs_ = ObjcOwner(objc_, o.retain(outputs));
}

CoreMlArray CoreMlModel::Output(const char* name) {
  if (!fault_.empty()) return {};
  const Objc& o = *objc_;
  const ObjcPool pool(o);
  const ObjcId feature = Send(o, outputs_.get(), "featureValueForName:", Text(name));
  const ObjcId array = Send(o, feature, "multiArrayValue");
  if (array == nullptr) {
    Fail(fmt::format("the output {}", name), nullptr);
    return {};
  }
  return LayoutOf(array);
}

CoreMlArray CoreMlModel::LayoutOf(ObjcId array) const {
  const Objc& o = *objc_;
  CoreMlArray result;
  result.type = static_cast<CoreMlType>(Send<int64_t>(o, array, "dataType"));
  result.shape = Numbers(Send(o, array, "shape"));
  result.strides = Numbers(Send(o, array, "strides"));
  result.data = static_cast<const std::byte*>(Send<void*>(o, array, "dataPointer"));
  return result;
}

ObjcId CoreMlModel::Text(const char* text) const {
  return Send(*objc_, Class("NSString"), "stringWithUTF8String:", text);
}

std::vector<int64_t> CoreMlModel::Numbers(ObjcId array) const {
  std::vector<int64_t> numbers;
  const auto count = Send<uint64_t>(*objc_, array, "count");
  for (uint64_t i = 0; i < count; ++i) {
    const ObjcId number = Send(*objc_, array, "objectAtIndex:", i);
    numbers.push_back(Send<int64_t>(*objc_, number, "longLongValue"));
  }
  return numbers;
}

void CoreMlModel::Fail(const std::string& what, ObjcId error) {
  if (!fault_.empty()) return;
  const ObjcId text = Send(*objc_, error, "localizedDescription");
  const auto* words = Send<const char*>(*objc_, text, "UTF8String");
  fault_ =
      fmt::format("Core ML: {} failed: {}", what, words == nullptr ? "no reason given" : words);
}

}  // namespace wattline::kernels
