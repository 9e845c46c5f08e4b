# Toolchain: arm64 macOS 14 from Linux, through zig's compiler wrappers in WATTLINE_ZIG_BIN.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_OSX_SYSROOT "")
set(CMAKE_C_COMPILER $ENV{WATTLINE_ZIG_BIN}/cc)
set(CMAKE_CXX_COMPILER $ENV{WATTLINE_ZIG_BIN}/c++)
set(CMAKE_AR $ENV{WATTLINE_ZIG_BIN}/ar)
set(CMAKE_RANLIB $ENV{WATTLINE_ZIG_BIN}/ranlib)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# Google Benchmark's run-time checks cannot run here; macOS has a regular-expression library.
set(HAVE_STD_REGEX 1 CACHE INTERNAL "")
set(RUN_HAVE_STD_REGEX 0 CACHE INTERNAL "")
set(RUN_HAVE_STEADY_CLOCK 0 CACHE INTERNAL "")
# zig 0.17: math.h asks float.h for a part only (__need_infinity_nan), after which libc++'s guard keeps
# FLT_MAX out. Included first, both parts are there.
# At -O0 zig adds UBSan and debug information, which a check of what links has no use for.
set(CMAKE_CXX_FLAGS_INIT
  "-include float.h -include __float_infinity_nan.h -fno-sanitize=undefined -g0")
