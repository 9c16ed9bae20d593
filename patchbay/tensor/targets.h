// Which instruction sets the operations are compiled for; included before Highway's headers.
//
// One target per vector width is enough: the x86-64 baseline (no FMA: the slow reference), AVX2 and
// AVX-512. The finer steps between them change nothing here but the compile time.
#pragma once

// PATCHBAY_SMALL_KERNELS (the asan preset) leaves AVX-512 out: under sanitizers clang needs many
// minutes for its tiles.
#ifdef PATCHBAY_SMALL_KERNELS
#define PATCHBAY_LEFT_OUT_TARGETS HWY_AVX3
#else
#define PATCHBAY_LEFT_OUT_TARGETS 0
#endif
#define HWY_DISABLED_TARGETS                                                                       \
  (PATCHBAY_LEFT_OUT_TARGETS | HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_AVX3_ZEN4 | HWY_AVX3_SPR | \
   HWY_AVX10_2 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/detect_targets.h>
// Targets that this version of Highway does not know yet.
#ifndef HWY_AVX3_ZEN4
#define HWY_AVX3_ZEN4 0
#endif
#ifndef HWY_AVX3_SPR
#define HWY_AVX3_SPR 0
#endif
#ifndef HWY_AVX10_2
#define HWY_AVX10_2 0
#endif
