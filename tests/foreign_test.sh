#!/usr/bin/env bash
# Installs the library into a temporary folder, builds tests/foreign against it and runs that:
# without a meter it says so and has no joules, with RAPL files that grow by 50 W it has them.
#   foreign_test.sh CMAKE SOURCE_DIR BUILD_DIR GENERATOR BUILD_TYPE CXX CXX_FLAGS
set -euo pipefail
cmake=$1 source=$2 build=$3 generator=$4 type=$5 cxx=$6 flags=$7
dir=$(mktemp -d)
writer=
trap '[[ -z $writer ]] || kill "$writer"; rm -rf "$dir"' EXIT
fail() { echo "foreign_test: $*" >&2; exit 1; }

"$cmake" --install "$build" --component library --prefix "$dir/prefix" >/dev/null
# A library that is found by accident would prove nothing.
[[ -e $dir/prefix/include/wattline/energy/window.h ]] || fail "no headers were installed"
grep -rlF "$source" "$dir/prefix" --include='*.cmake' --include='*.h' && fail "those name this checkout"

"$cmake" -G "$generator" -S "$source/tests/foreign" -B "$dir/build" "-DCMAKE_BUILD_TYPE=$type" \
  "-DCMAKE_PREFIX_PATH=$dir/prefix" "-DCMAKE_CXX_COMPILER=$cxx" "-DCMAKE_CXX_FLAGS=$flags" >/dev/null
grep -q "wattline_DIR:PATH=$dir/prefix/" "$dir/build/CMakeCache.txt" || fail "found another wattline"
"$cmake" --build "$dir/build" >"$dir/log" 2>&1 || { cat "$dir/log"; fail "the foreign project does not build"; }
run() { WATTLINE_ENERGY=rapl WATTLINE_METER_ROOT=$1 "$dir/build/foreign" --benchmark_format=json 2>"$dir/err"; }

mkdir "$dir/bare"
run "$dir/bare" >"$dir/out"
grep -q '"name": "Sum' "$dir/out" || fail "no row without a meter"
grep -q joules "$dir/out" && fail "joules without a meter"
grep -q 'sys/class/powercap is absent' "$dir/err" || fail "not a word about the missing meter"

zone=$dir/root/sys/class/powercap/intel-rapl:0
mkdir -p "$zone"
echo package-0 >"$zone/name"
echo 262143328850 >"$zone/max_energy_range_uj"
echo 100000000000 >"$zone/energy_uj"
# 50 uJ for each us since the start, always 12 digits, written over the old ones in place.
(
  start=${EPOCHREALTIME/[.,]/}
  while [[ -d $zone ]]; do
    printf '%d\n' $((100000000000 + 50 * (${EPOCHREALTIME/[.,]/} - start))) 1<>"$zone/energy_uj"
  done
) 2>/dev/null &
writer=$!
run "$dir/root" >"$dir/out"
for counter in joules joules_err watts J:cpu; do
  grep -qE "\"$counter\": [1-9]" "$dir/out" || { cat "$dir/err" "$dir/out"; fail "no $counter with a meter"; }
done
