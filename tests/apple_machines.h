// What Macs answer, as people have recorded it in public: lines of `sysctl`, and what the IO
// registry and the system's power management say. What no record tells is left out, not filled in.
#pragma once

#include <string_view>

#include "benchmarks/mac_system.h"

namespace wattline {

struct AppleMachine {
  std::string_view sysctl;  // "name: value" lines
  benchmarks::MacSystem system;
};

// `sysctl hw` of a MacBook Air (target J313) in macOS 12, which has no names of levels:
// qiita.com/items/5deec6b139a76246aeee. The brand string of an M1:
// github.com/GuillaumeGomez/sysinfo pull request 497.
inline const AppleMachine kM1 = {R"(machdep.cpu.brand_string: Apple M1
hw.memsize: 17179869184
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 4
hw.perflevel0.logicalcpu: 4
hw.perflevel0.l1icachesize: 196608
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l2cachesize: 12582912
hw.perflevel0.cpusperl2: 4
hw.perflevel1.physicalcpu: 4
hw.perflevel1.logicalcpu: 4
hw.perflevel1.l1icachesize: 131072
hw.perflevel1.l1dcachesize: 65536
hw.perflevel1.l2cachesize: 4194304
hw.perflevel1.cpusperl2: 4
hw.physicalcpu: 8)",
                                 {}};

// `sysctl -a` of a MacBook Pro: github.com/Dr-Noob/cpufetch issue 139.
inline const AppleMachine kM1Pro = {R"(machdep.cpu.brand_string: Apple M1 Pro
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 8
hw.perflevel0.logicalcpu: 8
hw.perflevel0.l1icachesize: 196608
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l2cachesize: 12582912
hw.perflevel0.cpusperl2: 4
hw.perflevel1.physicalcpu: 2
hw.perflevel1.logicalcpu: 2
hw.perflevel1.l1icachesize: 131072
hw.perflevel1.l1dcachesize: 65536
hw.perflevel1.l2cachesize: 4194304
hw.perflevel1.cpusperl2: 2)",
                                    {}};

// Sizes and counts that hw.perflevel* gave on an M1 Max: github.com/google/benchmark issue 1310.
// Model and GPU: github.com/philipturner/applegpuinfo issue 2 (its count is the IO registry's).
inline const AppleMachine kM1Max = {R"(machdep.cpu.brand_string: Apple M1 Max
hw.model: MacBookPro18,4
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 8
hw.perflevel0.l1icachesize: 196608
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l2cachesize: 12582912
hw.perflevel0.cpusperl2: 4
hw.perflevel1.physicalcpu: 2
hw.perflevel1.l1icachesize: 131072
hw.perflevel1.l1dcachesize: 65536
hw.perflevel1.l2cachesize: 4194304
hw.perflevel1.cpusperl2: 2)",
                                    {.gpu_cores = 32}};

// "proc 24:16:8" of a Mac Studio: github.com/vladkens/macmon issue 17. No record of its caches.
inline const AppleMachine kM2Ultra = {R"(machdep.cpu.brand_string: Apple M2 Ultra
hw.model: Mac14,14
kern.osproductversion: 15.2
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 16
hw.perflevel1.physicalcpu: 8)",
                                      {}};

// `sysctl hw` of a MacBook Pro (target J516c): qiita.com/items/61164dccbb472682e3df.
inline const AppleMachine kM3Max = {R"(machdep.cpu.brand_string: Apple M3 Max
hw.memsize: 137438953472
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 12
hw.perflevel0.logicalcpu: 12
hw.perflevel0.l1icachesize: 196608
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l2cachesize: 16777216
hw.perflevel0.cpusperl2: 6
hw.perflevel0.name: Performance
hw.perflevel1.physicalcpu: 4
hw.perflevel1.logicalcpu: 4
hw.perflevel1.l1icachesize: 131072
hw.perflevel1.l1dcachesize: 65536
hw.perflevel1.l2cachesize: 4194304
hw.perflevel1.cpusperl2: 4
hw.perflevel1.name: Efficiency
hw.physicalcpu: 16)",
                                    {}};

// Model, memory and cores of a MacBook Air: github.com/vladkens/macmon issue 51. Caches of the M4:
// jia.je's article on the M4, section "L2 Cache".
inline const AppleMachine kM4 = {R"(machdep.cpu.brand_string: Apple M4
hw.model: Mac16,12
hw.memsize: 17179869184
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 4
hw.perflevel0.l2cachesize: 16777216
hw.perflevel0.cpusperl2: 4
hw.perflevel1.physicalcpu: 6
hw.perflevel1.l2cachesize: 4194304
hw.perflevel1.cpusperl2: 6)",
                                 {}};

// `sysctl hw` (target J773s): qiita.com/items/69fd802fd41ae4d7d469.
inline const AppleMachine kM4Pro = {R"(machdep.cpu.brand_string: Apple M4 Pro
hw.memsize: 68719476736
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 10
hw.perflevel0.logicalcpu: 10
hw.perflevel0.l1icachesize: 196608
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l2cachesize: 16777216
hw.perflevel0.cpusperl2: 5
hw.perflevel0.name: Performance
hw.perflevel1.physicalcpu: 4
hw.perflevel1.logicalcpu: 4
hw.perflevel1.l1icachesize: 131072
hw.perflevel1.l1dcachesize: 65536
hw.perflevel1.l2cachesize: 4194304
hw.perflevel1.cpusperl2: 4
hw.perflevel1.name: Efficiency
hw.physicalcpu: 14)",
                                    {}};

// Read by sysctl and from AGXAccelerator: github.com/wandb/wandb pull request 12680.
inline const AppleMachine kM4Max = {R"(machdep.cpu.brand_string: Apple M4 Max
hw.model: Mac16,5
hw.memsize: 68719476736
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 12
hw.perflevel1.physicalcpu: 4)",
                                    {.gpu_cores = 40}};

// Model, memory, system and the names of its cores: github.com/nirs/vmnet-helper pull request 287.
// Counts and L2: notes of github.com/kaix-huang/Zynum.
inline const AppleMachine kM5 = {R"(machdep.cpu.brand_string: Apple M5
hw.model: Mac17,2
hw.memsize: 34359738368
kern.osproductversion: 26.5.2
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 4
hw.perflevel0.logicalcpu: 4
hw.perflevel0.l2cachesize: 16777216
hw.perflevel0.name: Super
hw.perflevel1.physicalcpu: 6
hw.perflevel1.logicalcpu: 6
hw.perflevel1.l2cachesize: 6291456
hw.perflevel1.name: Efficiency)",
                                 {}};

// `sysctl` of a Mac17,6: github.com/EverydayOpen/tirekick, Tests/TirekickCoreTests/Fixtures. The
// GPU's cores: `ioreg` in github.com/exelban/stats issue 3047.
inline const AppleMachine kM5Max = {R"(machdep.cpu.brand_string: Apple M5 Max
hw.model: Mac17,6
hw.memsize: 137438953472
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 6
hw.perflevel0.logicalcpu: 6
hw.perflevel0.l1icachesize: 196608
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l2cachesize: 16777216
hw.perflevel0.cpusperl2: 6
hw.perflevel0.name: Super
hw.perflevel1.physicalcpu: 12
hw.perflevel1.logicalcpu: 12
hw.perflevel1.l1icachesize: 131072
hw.perflevel1.l1dcachesize: 65536
hw.perflevel1.l2cachesize: 8388608
hw.perflevel1.cpusperl2: 6
hw.perflevel1.name: Performance)",
                                    {.gpu_cores = 40}};

}  // namespace wattline
