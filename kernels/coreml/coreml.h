// Apple's Core ML: a model package compiled and loaded for chosen compute units, and predictions
// with it. All of it goes through the Objective-C runtime (objc.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/coreml/objc.h"

namespace wattline::kernels {

struct CoreMlLibraries {
  std::string objc = "/usr/lib/libobjc.A.dylib";
  std::string foundation = "/System/Library/Frameworks/Foundation.framework/Foundation";
  std::string core_ml = "/System/Library/Frameworks/CoreML.framework/CoreML";
};

// MLComputeUnits of MLModelConfiguration.h (macOS 13).
enum class CoreMlUnits : int64_t { kCpu = 0, kCpuAndGpu = 1, kAll = 2, kCpuAndNeuralEngine = 3 };

// MLMultiArrayDataType of MLMultiArray.h.
enum class CoreMlType : int64_t {
  kFloat16 = 0x10000 | 16,
  kFloat32 = 0x10000 | 32,
  kInt32 = 0x20000 | 32
};

struct LoadedCoreMl {
  std::shared_ptr<const Objc> objc;
  std::string why_not;
};
// Both frameworks and the classes that are used here.
LoadedCoreMl LoadCoreMl(const CoreMlLibraries& libraries);

// An array as it lies in Core ML's memory; strides count elements, and rows may be padded.
struct CoreMlArray {
  CoreMlType type = CoreMlType::kFloat16;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  const std::byte* data = nullptr;
};
// Its values row-major. `why_not` where the type is none of the floats or shape and strides differ
// in length.
struct CoreMlFloats {
  std::vector<float> values;
  std::string why_not;
};
CoreMlFloats FloatsOf(const CoreMlArray& array);

class CoreMlModel {
 public:
  // Compiles and loads the package: seconds. A fault is one sentence with Core ML's own words.
  CoreMlModel(std::shared_ptr<const Objc> objc, const std::string& package, CoreMlUnits units);
  ~CoreMlModel();
  CoreMlModel(const CoreMlModel&) = delete;
  CoreMlModel& operator=(const CoreMlModel&) = delete;

  // The first thing that failed; what follows does nothing.
  const std::string& fault() const { return fault_; }

  // The input `name`, copied: int32 [1, values.size()].
  void SetInput(const char* name, std::span<const int32_t> values);
  // f16 [1, values.size() / cols, cols], rounded from `values`.
  void SetInput(const char* name, std::span<const float> values, int64_t cols);
  // One prediction, complete on return. Its outputs replace those of the last one.
  void Predict();
  // Of the last prediction; valid until the next one.
  CoreMlArray Output(const char* name);

 private:
  ObjcId Class(const char* name) const { return objc_->get_class(name); }
  ObjcId Text(const char* text) const;
  std::vector<int64_t> Numbers(ObjcId array) const;
  CoreMlArray LayoutOf(ObjcId array) const;
  // `values` row-major, elements of the type's size.
  void SetInput(const char* name, CoreMlType type, std::span<const int64_t> shape,
                std::span<const std::byte> values);
  // Keeps the sentence where nothing has failed before; `error` is an NSError or nil.
  void Fail(const std::string& what, ObjcId error);
  void Load(const std::string& package, CoreMlUnits units);

  std::shared_ptr<const Objc> objc_;
  std::string fault_;
  std::string compiled_path_;  // a temporary folder, removed with the model
  ObjcOwner model_;            // MLModel
  ObjcOwner features_;         // NSMutableDictionary: names to MLFeatureValue
  ObjcOwner provider_;         // MLDictionaryFeatureProvider of them
  ObjcOwner outputs_;          // id<MLFeatureProvider>
};

}  // namespace wattline::kernels
