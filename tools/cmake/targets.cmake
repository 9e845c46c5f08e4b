# Makes a folder into a target. A file's name decides where it belongs: `*_avx2.cc` is compiled with
# that instruction set's flags and on x86-64 only, `*_neon.cc` on arm64 only, `*_linux.cc` and
# `*_macos.cc` on that system only (`*_linux_arm.cc`: both must hold), `*_reference.cc` without
# vectorisation (it is the yardstick). `*_avxvnni.cc`, `*_amx.cc` and `*_neon_i8mm.cc` have the flags of
# the set that theirs extends, and more; AMX's few instructions are asm and need no flag.
# Backends of optional libraries (`*_onednn.cc`, `*_blas.cc`, `*_mlx.cc`) are added by the folder that owns them.

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(WATTLINE_ARCH x86)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(WATTLINE_ARCH arm)
else()
  message(FATAL_ERROR "wattline knows x86-64 and arm64, not '${CMAKE_SYSTEM_PROCESSOR}'")
endif()

include(CheckCXXCompilerFlag)

set(WATTLINE_AVX2_FLAGS -mavx2 -mfma -mf16c -mbmi2)
set(WATTLINE_AVX512_FLAGS ${WATTLINE_AVX2_FLAGS} -mavx512f -mavx512bw -mavx512dq -mavx512vl
    -mavx512vnni -mavx512vbmi -mavx512bf16 -mprefer-vector-width=512
    -Wno-uninitialized)  # gcc 12 warns of its own _mm512_undefined_*() (its bug 105593)
set(WATTLINE_AVXVNNI_FLAGS ${WATTLINE_AVX2_FLAGS} -mavxvnni)
set(WATTLINE_AMX_FLAGS ${WATTLINE_AVX512_FLAGS})
# Every Apple M chip and every Arm server core since Neoverse N1 has these (dot products, f16). On
# macOS the compilers' own default is the M1, which has them.
if(APPLE)
  set(WATTLINE_NEON_FLAGS)
  # Clang's name of the M2, or zig's.
  check_cxx_compiler_flag(-mcpu=apple-m2 WATTLINE_MCPU_APPLE_M2)
  if(WATTLINE_MCPU_APPLE_M2)
    set(WATTLINE_NEON_I8MM_FLAGS -mcpu=apple-m2)
  else()
    set(WATTLINE_NEON_I8MM_FLAGS -mcpu=apple_m2)
  endif()
else()
  set(WATTLINE_NEON_FLAGS -march=armv8.2-a+fp16+dotprod)
  set(WATTLINE_NEON_I8MM_FLAGS -march=armv8.2-a+fp16+dotprod+i8mm+bf16)
endif()
# The end of a name that stands for an instruction set.
set(WATTLINE_ISA_ENDING "_(avx2|avxvnni|avx512|amx|neon|neon_i8mm)")

# wattline_sources(<out> [folder...]): the .cc files of this folder and the named ones, for this target.
function(wattline_sources out)
  set(globs ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  foreach(folder ${ARGN})
    list(APPEND globs ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cc)
  endforeach()
  file(GLOB files CONFIGURE_DEPENDS ${globs})
  list(FILTER files EXCLUDE REGEX "_(onednn|blas|mlx)\\.cc$")
  if(NOT WATTLINE_ARCH STREQUAL x86)
    list(FILTER files EXCLUDE REGEX "_(avx2|avxvnni|avx512|amx|x86)\\.cc$")
  endif()
  if(NOT WATTLINE_ARCH STREQUAL arm)
    list(FILTER files EXCLUDE REGEX "_(neon|neon_i8mm|arm)\\.cc$")
  endif()
  if(APPLE)
    list(FILTER files EXCLUDE REGEX "_linux(_arm|_x86)?\\.cc$")
  else()
    list(FILTER files EXCLUDE REGEX "_macos\\.cc$")
  endif()
  foreach(file ${files})
    if(file MATCHES "${WATTLINE_ISA_ENDING}\\.cc$")
      string(TOUPPER "${CMAKE_MATCH_1}" isa)
      set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS
        "${WATTLINE_${isa}_FLAGS};${WATTLINE_ISA_FLAGS}")
    elseif(file MATCHES "_reference\\.cc$")
      set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS
        "-fno-tree-vectorize;-ffp-contract=off")
    endif()
  endforeach()
  set(${out} ${files} PARENT_SCOPE)
endfunction()

# wattline_target(<target>): includes from the root, warnings. Text that is put together trips gcc 12,
# which warns of overlap inside its own operator+ of strings (its bug 105651); kernels make none.
function(wattline_target target)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wno-psabi
    $<$<BOOL:${WATTLINE_WERROR}>:-Werror>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT target STREQUAL "kernels")
    target_compile_options(${target} PRIVATE -Wno-restrict)
    # In continuous integration an index beyond a container ends the program.
    target_compile_definitions(${target} PRIVATE $<$<BOOL:${WATTLINE_WERROR}>:_GLIBCXX_ASSERTIONS>)
  endif()
endfunction()
