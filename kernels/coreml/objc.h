// The Objective-C runtime through its C interface, opened at run time: no Objective-C compiler is
// needed, and a machine without the runtime says so in one sentence.
#pragma once

#include <memory>
#include <string>

namespace wattline::kernels {

using ObjcId = void*;              // id, Class
using ObjcSelector = const void*;  // SEL
using ObjcMethod = void (*)();     // IMP

// Functions of <objc/runtime.h>, and those of automatic reference counting, whose interface Clang
// documents (Automatic Reference Counting, "Runtime support").
struct Objc {
  ObjcId (*get_class)(const char* name) = nullptr;                  // objc_getClass
  ObjcId (*class_of)(ObjcId object) = nullptr;                      // object_getClass
  ObjcSelector (*selector)(const char* name) = nullptr;             // sel_registerName
  ObjcMethod (*find)(ObjcId cls, ObjcSelector selector) = nullptr;  // class_getMethodImplementation
  ObjcId (*retain)(ObjcId object) = nullptr;                        // objc_retain
  void (*release)(ObjcId object) = nullptr;                         // objc_release
  void* (*push_pool)() = nullptr;                                   // objc_autoreleasePoolPush
  void (*pop_pool)(void* pool) = nullptr;                           // objc_autoreleasePoolPop
};

struct LoadedObjc {
  std::shared_ptr<const Objc> objc;
  std::string why_not;
};
LoadedObjc LoadObjc(const std::string& library);

// [to name: arguments...]. Calls the method's own function, which has exactly the parameters of its
// declaration: arm64 passes those of a variadic function elsewhere. So R and the arguments have
// the declared types: NSInteger is int64_t, NSError** ObjcId*. A message to nil does nothing.
template <class R = ObjcId, class... A>
R Send(const Objc& objc, ObjcId to, const char* name, A... arguments) {
  if (to == nullptr) return R();
  const ObjcSelector selector = objc.selector(name);
  const ObjcMethod method = objc.find(objc.class_of(to), selector);
  return reinterpret_cast<R (*)(ObjcId, ObjcSelector, A...)>(method)(to, selector, arguments...);
}

// One reference to an object.
class ObjcOwner {
 public:
  ObjcOwner() = default;
  // Takes over a reference that the caller has (alloc, init).
  ObjcOwner(std::shared_ptr<const Objc> objc, ObjcId owned) : objc_(std::move(objc)), id_(owned) {}
  ObjcOwner(ObjcOwner&& other) noexcept : objc_(std::move(other.objc_)), id_(other.id_) {
    other.id_ = nullptr;
  }
  ObjcOwner& operator=(ObjcOwner&& other) noexcept {
    std::swap(objc_, other.objc_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~ObjcOwner() {
    if (id_ != nullptr) objc_->release(id_);
  }
  ObjcId get() const { return id_; }

 private:
  std::shared_ptr<const Objc> objc_;
  ObjcId id_ = nullptr;
};

// Objects that messages return without ownership live until the pool's end.
class ObjcPool {
 public:
  explicit ObjcPool(const Objc& objc) : objc_(objc), pool_(objc.push_pool()) {}
  ~ObjcPool() { objc_.pop_pool(pool_); }
  ObjcPool(const ObjcPool&) = delete;
  ObjcPool& operator=(const ObjcPool&) = delete;

 private:
  const Objc& objc_;
  void* pool_;
};

}  // namespace wattline::kernels
