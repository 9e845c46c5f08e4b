// The fake Apple libraries as a test loads them: WATTLINE_FAKE_APPLE names the file.
#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <iostream>

#include "tests/fakes/fake_apple.h"

namespace wattline {

// The library's state outlives a test, so each begins with its own.
inline FakeApple& Fake() {
  static auto* fake = [] {
    void* library = dlopen(WATTLINE_FAKE_APPLE, RTLD_NOW | RTLD_LOCAL);
    auto* state = library == nullptr ? nullptr : dlsym(library, "fake_apple");
    if (state == nullptr) {
      std::cerr << "the fake Apple libraries cannot be loaded: " << dlerror() << "\n";
      std::abort();
    }
    return reinterpret_cast<FakeApple* (*)()>(state)();
  }();
  return *fake;
}

}  // namespace wattline
