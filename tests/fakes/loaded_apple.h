// The fake Apple libraries as a test loads them: WATTLINE_FAKE_APPLE names the file.
#pragma once

#include <dlfcn.h>

#include "tests/fakes/fake_apple.h"

namespace wattline {

// The library's state outlives a test, so each begins with its own.
inline FakeApple& Fake() {
  static auto* fake = [] {
    void* library = dlopen(WATTLINE_FAKE_APPLE, RTLD_NOW | RTLD_LOCAL);
    auto* state = library == nullptr ? nullptr : dlsym(library, "fake_apple");
    return state == nullptr ? nullptr : reinterpret_cast<FakeApple* (*)()>(state)();
  }();
  return *fake;
}

}  // namespace wattline
