// A library with the C interface of the Objective-C runtime, and with those classes and methods of
// Foundation and Core ML that kernels/coreml/coreml.cc sends messages to, each with the parameters
// of its declaration in Apple's headers. Objects count their references. A message that no class
// here answers, or a reference given back too often, ends the test program.
#include "tests/fakes/fake_coreml.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "kernels/float16.h"

namespace {

using Method = void (*)();
using Selector = const char*;

struct Object {
  Object* cls = nullptr;
  long references = 1;
  std::string text;  // of a string, a URL, an error; the name of a class
  int64_t number = 0;
  std::vector<Object*> elements;
  std::map<std::string, Object*> entries;
  std::vector<int64_t> shape, strides;
  std::vector<char> data;
  std::map<std::string, Method> methods;  // of a class
};

[[noreturn]] void Wrong(const std::string& what) {
  std::fprintf(stderr, "fake_coreml: %s\n", what.c_str());
  std::abort();
}

wattline::FakeCoreMl& State() {
  static wattline::FakeCoreMl state;
  return state;
}

std::map<std::string, Object>& Classes() {
  static std::map<std::string, Object> classes;
  return classes;
}

std::vector<std::vector<Object*>>& Pools() {
  static std::vector<std::vector<Object*>> pools;
  return pools;
}

Object* New(const char* cls) {
  ++State().objects;
  auto* object = new Object;
  object->cls = &Classes().at(cls);
  return object;
}

Object* Retain(Object* object) {
  ++object->references;
  ++State().objects;
  return object;
}

void Release(Object* object) {
  if (object->references < 1) Wrong("released too often");
  --State().objects;
  if (--object->references > 0) return;
  for (Object* element : object->elements) Release(element);
  for (auto& [name, entry] : object->entries) Release(entry);
  delete object;
}

Object* Autorelease(Object* object) {
  if (Pools().empty()) Wrong("an object without a pool would leak");
  Pools().back().push_back(object);
  return object;
}

Object* Text(const std::string& text) {
  Object* object = New("NSString");
  object->text = text;
  return Autorelease(object);
}

// True where the step is to fail; the caller's NSError is set then.
bool Fails(const std::string& words, Object** error) {
  if (words.empty()) return false;
  *error = New("NSError");
  (*error)->text = words;
  Autorelease(*error);
  return true;
}

Object* Alloc(Object* cls, Selector) { return New(cls->text.c_str()); }
Object* Init(Object* self, Selector) { return self; }
Object* StringWithUtf8(Object*, Selector, const char* text) { return Text(text); }
const char* Utf8(Object* self, Selector) { return self->text.c_str(); }
Object* TextOf(Object* self, Selector) { return Text(self->text); }
Object* FileUrl(Object*, Selector, Object* path) {
  Object* url = New("NSURL");
  url->text = path->text;
  return Autorelease(url);
}
Object* NumberWith(Object*, Selector, long long value) {
  Object* number = New("NSNumber");
  number->number = value;
  return Autorelease(number);
}
long long LongLong(Object* self, Selector) { return self->number; }
Object* Array(Object*, Selector) { return Autorelease(New("NSMutableArray")); }
void AddObject(Object* self, Selector, Object* element) {
  self->elements.push_back(Retain(element));
}
unsigned long Count(Object* self, Selector) { return self->elements.size(); }
Object* ObjectAt(Object* self, Selector, unsigned long index) { return self->elements.at(index); }
void SetObject(Object* self, Selector, Object* value, Object* key) {
  Object*& entry = self->entries[key->text];
  if (entry != nullptr) Release(entry);
  entry = Retain(value);
}

Object* Compile(Object*, Selector, Object* url, Object** error) {
  State().package = url->text;
  if (Fails(State().compile_error, error)) return nullptr;
  Object* compiled = New("NSURL");
  compiled->text = State().compiled_path;
  return Autorelease(compiled);
}
void SetUnits(Object* self, Selector, long units) { self->number = units; }
Object* LoadModel(Object*, Selector, Object* url, Object* configuration, Object** error) {
  if (url->text != State().compiled_path) Wrong("another model than the compiled one");
  if (Fails(State().load_error, error)) return nullptr;
  State().units = configuration->number;
  return Autorelease(New("MLModel"));
}

Object* InitArray(Object* self, Selector, Object* shape, long type, Object** error) {
  if (Fails(State().input_error, error)) {
    Release(self);
    return nullptr;
  }
  for (Object* size : shape->elements) self->shape.push_back(size->number);
  if (type != (0x20000 | 32) && type != (0x10000 | 16)) Wrong("the inputs are int32 or f16");
  self->number = type;
  // Rows may be padded, as those of outputs.
  self->strides.assign(self->shape.size(), 1);
  int64_t stride = self->shape.back() + State().input_padding;
  for (size_t d = self->shape.size() - 1; d-- > 0; stride *= self->shape[d]) {
    self->strides[d] = stride;
  }
  self->data.assign(static_cast<size_t>(stride) * (type == (0x10000 | 16) ? 2 : 4), 0x7f);
  return self;
}
void* DataPointer(Object* self, Selector) { return self->data.data(); }
long DataType(Object* self, Selector) { return self->number; }
Object* Numbers(const std::vector<int64_t>& values) {
  Object* array = Autorelease(New("NSMutableArray"));
  for (const int64_t value : values) {
    Object* number = New("NSNumber");
    number->number = value;
    array->elements.push_back(number);
  }
  return array;
}
Object* Shape(Object* self, Selector) { return Numbers(self->shape); }
Object* Strides(Object* self, Selector) { return Numbers(self->strides); }

Object* FeatureOf(Object*, Selector, Object* array) {
  Object* feature = New("MLFeatureValue");
  feature->elements.push_back(Retain(array));
  return Autorelease(feature);
}
Object* ArrayOfFeature(Object* self, Selector) { return self->elements.at(0); }
Object* InitProvider(Object* self, Selector, Object* features, Object**) {
  for (auto& [name, feature] : features->entries) self->entries[name] = Retain(feature);
  return self;
}
Object* FeatureNamed(Object* self, Selector, Object* name) {
  const auto found = self->entries.find(name->text);
  return found == self->entries.end() ? nullptr : found->second;
}

void Put(std::vector<char>& data, int64_t type, int64_t at, float value) {
  const uint16_t half = wattline::kernels::F16FromFloat(value);
  const void* from = type == (0x10000 | 16) ? static_cast<const void*>(&half) : &value;
  const size_t byte = type == (0x10000 | 16) ? 2 : 4;
  std::memcpy(data.data() + static_cast<size_t>(at) * byte, from, byte);
}
Object* OutputOf(std::vector<int64_t> shape, std::vector<int64_t> strides) {
  Object* array = New("MLMultiArray");
  array->number = State().output_type;
  array->data.assign(static_cast<size_t>(shape[0] * strides[0]) * 4, 0x7f);  // padding is no 0
  array->shape = std::move(shape);
  array->strides = std::move(strides);
  Object* feature = New("MLFeatureValue");
  feature->elements.push_back(array);
  return feature;
}
// A row of an input, whose elements lie side by side.
template <class T>
std::vector<T> RowOf(const Object& array, int64_t row) {
  std::vector<T> values(static_cast<size_t>(array.shape.back()));
  const auto at = static_cast<size_t>(row * array.strides[array.strides.size() - 2]) * sizeof(T);
  std::memcpy(values.data(), array.data.data() + at, values.size() * sizeof(T));
  return values;
}
void Take(const std::string& name, const Object& array) {
  wattline::FakeCoreMl& state = State();
  if (name != "x") {
    if (array.shape.size() != 2 || array.shape[0] != 1) Wrong("inputs are [1, tokens]");
    state.inputs[name] = RowOf<int32_t>(array, 0);
    return;
  }
  if (array.shape.size() != 3 || array.number != (0x10000 | 16)) Wrong("x is f16 [1, tokens, dim]");
  state.x_shape = array.shape;
  state.x.clear();
  for (int64_t row = 0; row < array.shape[1]; ++row) {
    for (const uint16_t half : RowOf<uint16_t>(array, row)) {
      state.x.push_back(wattline::kernels::FloatFromF16(half));
    }
  }
}

// [1, rows, dim], its elements those of value(row, i).
template <class Value>
Object* RowsOutput(int64_t rows, const Value& value) {
  wattline::FakeCoreMl& state = State();
  Object* feature = OutputOf({1, rows, state.dim}, {rows * state.row_stride, state.row_stride, 1});
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < state.dim; ++i) {
      Put(feature->elements[0]->data, state.output_type, row * state.row_stride + i, value(row, i));
    }
  }
  return feature;
}
Object* Predict(Object*, Selector, Object* provider, Object** error) {
  wattline::FakeCoreMl& state = State();
  if (Fails(state.predict_error, error)) return nullptr;
  ++state.predictions;
  for (auto& [name, feature] : provider->entries) Take(name, *feature->elements.at(0));
  Object* outputs = Autorelease(New("Outputs"));
  if (provider->entries.contains("x")) {
    const int64_t cols = state.x_shape[2];
    outputs->entries["y"] = RowsOutput(state.x_shape[1], [&](int64_t row, int64_t i) {
      return wattline::FakeBlock(state.x[static_cast<size_t>(row * cols + i % cols)]);
    });
    return outputs;
  }
  const auto tokens = static_cast<int64_t>(state.inputs.at("tokens").size());
  outputs->entries["hidden"] =
      RowsOutput(tokens, [&](int64_t t, int64_t i) { return wattline::FakeHidden(state, t, i); });
  if (!state.has_pooled) return outputs;
  Object* pooled = OutputOf({1, state.dim}, {state.dim, 1});
  for (int64_t i = 0; i < state.dim; ++i) {
    Put(pooled->elements[0]->data, state.output_type, i, wattline::FakePooled(i));
  }
  outputs->entries["pooled"] = pooled;
  return outputs;
}

template <class F>
void Add(const char* cls, char kind, const char* selector, F* function) {
  Object& object = Classes()[cls];
  object.text = cls;
  // A class's own methods lie in its metaclass.
  Object& meta = Classes()[std::string("meta ") + cls];
  object.cls = &meta;
  (kind == '+' ? meta : object).methods[selector] = reinterpret_cast<Method>(function);
}

void MakeClasses() {
  for (const char* cls : {"NSMutableDictionary", "MLModelConfiguration", "MLMultiArray",
                          "MLDictionaryFeatureProvider"}) {
    Add(cls, '+', "alloc", Alloc);
  }
  Add("NSString", '+', "stringWithUTF8String:", StringWithUtf8);
  Add("NSString", '-', "UTF8String", Utf8);
  Add("NSURL", '+', "fileURLWithPath:", FileUrl);
  Add("NSURL", '-', "path", TextOf);
  Add("NSError", '-', "localizedDescription", TextOf);
  Add("NSNumber", '+', "numberWithLongLong:", NumberWith);
  Add("NSNumber", '-', "longLongValue", LongLong);
  Add("NSMutableArray", '+', "array", Array);
  Add("NSMutableArray", '-', "addObject:", AddObject);
  Add("NSMutableArray", '-', "count", Count);
  Add("NSMutableArray", '-', "objectAtIndex:", ObjectAt);
  Add("NSMutableDictionary", '-', "init", Init);
  Add("NSMutableDictionary", '-', "setObject:forKey:", SetObject);
  Add("MLModel", '+', "compileModelAtURL:error:", Compile);
  Add("MLModel", '+', "modelWithContentsOfURL:configuration:error:", LoadModel);
  Add("MLModel", '-', "predictionFromFeatures:error:", Predict);
  Add("MLModelConfiguration", '-', "init", Init);
  Add("MLModelConfiguration", '-', "setComputeUnits:", SetUnits);
  Add("MLMultiArray", '-', "initWithShape:dataType:error:", InitArray);
  Add("MLMultiArray", '-', "dataPointer", DataPointer);
  Add("MLMultiArray", '-', "dataType", DataType);
  Add("MLMultiArray", '-', "shape", Shape);
  Add("MLMultiArray", '-', "strides", Strides);
  Add("MLFeatureValue", '+', "featureValueWithMultiArray:", FeatureOf);
  Add("MLFeatureValue", '-', "multiArrayValue", ArrayOfFeature);
  Add("MLDictionaryFeatureProvider", '-', "initWithDictionary:error:", InitProvider);
  Add("Outputs", '-', "featureValueForName:", FeatureNamed);
}

}  // namespace

extern "C" {

wattline::FakeCoreMl* fake_coreml() { return &State(); }

Object* objc_getClass(const char* name) {
  if (Classes().empty()) MakeClasses();
  const auto found = Classes().find(name);
  return found == Classes().end() || name == State().missing_class ? nullptr : &found->second;
}
Object* object_getClass(Object* object) { return object->cls; }
Selector sel_registerName(const char* name) {
  static std::set<std::string> names;
  return names.insert(name).first->c_str();
}
Method class_getMethodImplementation(Object* cls, Selector selector) {
  const auto found = cls->methods.find(selector);
  if (found == cls->methods.end()) Wrong(cls->text + " does not answer " + selector);
  return found->second;
}
Object* objc_retain(Object* object) { return Retain(object); }
void objc_release(Object* object) { Release(object); }
void* objc_autoreleasePoolPush() {
  Pools().emplace_back();
  return reinterpret_cast<void*>(Pools().size());
}
void objc_autoreleasePoolPop(void* pool) {
  if (pool != reinterpret_cast<void*>(Pools().size())) Wrong("pools end in another order");
  for (Object* object : Pools().back()) Release(object);
  Pools().pop_back();
}

}  // extern "C"
