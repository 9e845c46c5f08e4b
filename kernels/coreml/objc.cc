#include "kernels/coreml/objc.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace wattline::kernels {

LoadedObjc LoadObjc(const std::string& library) {
  // Kept open: objects outlive any owner that could close it.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return {nullptr, "needs macOS: there is no Objective-C runtime here"};
  auto objc = std::make_shared<Objc>();
  std::string lacks;
  const auto find = [&](const char* name, auto*& into) {
    void* symbol = dlsym(handle, name);
    if (symbol == nullptr && lacks.empty()) lacks = name;
    into = reinterpret_cast<std::remove_reference_t<decltype(into)>>(symbol);
  };
  find("objc_getClass", objc->get_class);
  find("object_getClass", objc->class_of);
  find("sel_registerName", objc->selector);
  find("class_getMethodImplementation", objc->find);
  find("objc_retain", objc->retain);
  find("objc_release", objc->release);
  find("objc_autoreleasePoolPush", objc->push_pool);
  find("objc_autoreleasePoolPop", objc->pop_pool);
  if (!lacks.empty()) return {nullptr, fmt::format("{} has no {}", library, lacks)};
  return {std::move(objc), {}};
}

}  // namespace wattline::kernels
