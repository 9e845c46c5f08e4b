#!/usr/bin/env bash
# The include checker passes this tree and catches each kind of wrong arrow in a made one.
set -euo pipefail
root=$1
"$root/tools/check_includes" "$root"

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
mkdir -p "$made"/{kernels,energy,roofline,benchmarks,tools,tests}
printf '// A header.\n#pragma once\n' | tee "$made"/{kernels,energy,roofline,benchmarks,tools}/a.h >/dev/null

expect_fault() {  # file, line that must be refused
  printf '%s\n' "$2" >"$made/$1"
  if "$root/tools/check_includes" "$made" 2>"$made/said"; then
    echo "the checker let pass: $1: $2"
    exit 1
  fi
  grep -q "^$1:1:" "$made/said"
  rm "$made/$1"
}
expect_fault kernels/b.cc '#include "energy/a.h"'
expect_fault energy/b.cc '#include "roofline/a.h"'
expect_fault roofline/b.cc '#include "benchmarks/a.h"'
expect_fault benchmarks/b.cc '#include "tools/a.h"'
expect_fault energy/b.cc '#include <benchmark/benchmark.h>'
expect_fault kernels/b.cc '#include <immintrin.h>'
expect_fault kernels/b.cc '#include "a.h"'
expect_fault kernels/b.h 'int no_comment;'
printf '#include "energy/a.h"\n#include <benchmark/benchmark.h>\n' >"$made/benchmarks/b.cc"
"$root/tools/check_includes" "$made"
