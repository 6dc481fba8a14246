// Sixteen float lanes, the unit in which all kernels count, whatever the processor: v16.
//
// Every variant does the same operations in the same order, so their results agree bit for bit. A
// file that includes this one is compiled once per variant (VARIANT is avx512, avx2 or portable)
// and names what it exports with NAME().
#ifndef SPARKRNN_SIMD_H
#define SPARKRNN_SIMD_H

#define PASTE_(name, variant) name##_##variant
#define PASTE(name, variant) PASTE_(name, variant)
#define NAME(name) PASTE(name, VARIANT)

#include <stdbool.h>
#include <stdint.h>

// Without a vector register to keep, inlining and unrolling only make the code large.
#if defined(VARIANT_AVX512) || defined(VARIANT_AVX2)
#define INLINE static inline __attribute__((always_inline))
#define LARGE INLINE
#define UNROLL _Pragma("GCC unroll 32")
#else
#define INLINE static inline
#define LARGE __attribute__((noinline, unused)) static
#define UNROLL
#endif

#if defined(VARIANT_AVX512)
#include "simd_avx512.h"
#elif defined(VARIANT_AVX2)
#include "simd_avx2.h"
#else
#include "simd_portable.h"
#endif

#if defined(BF16)
#include "simd_bf16.h"
#endif

// kernel.h; AMX: the order of its sums, by its instructions or emulated.
#if defined(AMX)
#define PRECISION PRECISION_BF16_AMX
#elif defined(BF16)
#define PRECISION PRECISION_BF16
#else
#define PRECISION PRECISION_FLOAT32
#endif

static inline long min_long(long a, long b) { return a < b ? a : b; }
static inline long ceil_div(long a, long b) { return (a + b - 1) / b; }
static inline long round_up(long a, long b) { return ceil_div(a, b) * b; }

#endif
