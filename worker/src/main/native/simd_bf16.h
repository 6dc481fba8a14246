// Products of bfloat16 in sixteen float lanes: docs/numerics.md, section 10.
//
// A pair is two bfloat16, the terms 2j and 2j + 1 of a sum, in the low and the high half of the 32
// bits of a lane: what a product of pairs moves as a float it never computes with as one.
#ifndef SPARKRNN_SIMD_BF16_H
#define SPARKRNN_SIMD_BF16_H

#if defined(__AVX512BF16__)

// Rounds two vectors to sixteen pairs: lane i is (even[i], odd[i]).
INLINE v16 v_pair(v16 even, v16 odd) {
    const __m512i halves = (__m512i)_mm512_cvtne2ps_pbh(odd, even);  // even's sixteen, then odd's
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_castsi512_ps(_mm512_permutexvar_epi16(order, halves));
}

// Rounds 32 adjacent floats to sixteen pairs of neighbours.
INLINE v16 v_pair_neighbours(v16 first, v16 second) {
    return _mm512_castsi512_ps((__m512i)_mm512_cvtne2ps_pbh(second, first));
}

// From pairs of two rows, pairs (a, b) of both: of their even terms, and of their odd ones.
INLINE void v_pairs_across(v16 a, v16 b, v16 *even, v16 *odd) {
    const __m512i x = _mm512_castps_si512(a), y = _mm512_castps_si512(b);
    const __mmask32 upper = 0xaaaaaaaa;
    *even = _mm512_castsi512_ps(_mm512_mask_blend_epi16(upper, x, _mm512_slli_epi32(y, 16)));
    *odd = _mm512_castsi512_ps(_mm512_mask_blend_epi16(upper, _mm512_srli_epi32(x, 16), y));
}

// sum + a.odd * b.odd, then + a.even * b.even.
INLINE v16 v_dot(v16 a, v16 b, v16 sum) { return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b); }

#else

#include <string.h>

#undef STEPS_IN_PAIRS  // a product is not one instruction

// To nearest even; subnormal numbers to zero; NaN to quiet NaN.
static inline uint32_t bf16_of(uint32_t bits) {
    if ((bits & 0x7f800000u) == 0) return (bits & 0x80000000u) >> 16;
    if ((bits & 0x7fffffffu) > 0x7f800000u) return bits >> 16 | 0x40u;
    return (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}

#if defined(VARIANT_AVX512) || defined(VARIANT_AVX2)
#define EMULATED __attribute__((noinline, unused)) static
#else
#define EMULATED LARGE
#endif

EMULATED v16 v_pair(v16 even, v16 odd) {
    float floats[32];
    uint32_t bits[32];
    v_store(floats, even);
    v_store(floats + 16, odd);
    memcpy(bits, floats, sizeof bits);
    for (int i = 0; i < 16; i++) bits[i] = bf16_of(bits[i]) | bf16_of(bits[16 + i]) << 16;
    memcpy(floats, bits, 16 * sizeof *bits);
    return v_load(floats);
}

EMULATED v16 v_pair_neighbours(v16 first, v16 second) {
    float floats[32];
    uint32_t bits[32];
    v_store(floats, first);
    v_store(floats + 16, second);
    memcpy(bits, floats, sizeof bits);
    for (int i = 0; i < 16; i++) bits[i] = bf16_of(bits[2 * i]) | bf16_of(bits[2 * i + 1]) << 16;
    memcpy(floats, bits, 16 * sizeof *bits);
    return v_load(floats);
}

static inline void v_pairs_across(v16 a, v16 b, v16 *even, v16 *odd) {
    float floats[32];
    uint32_t bits[32];
    v_store(floats, a);
    v_store(floats + 16, b);
    memcpy(bits, floats, sizeof bits);
    for (int i = 0; i < 16; i++) {
        const uint32_t x = bits[i], y = bits[16 + i];
        bits[i] = (x & 0xffffu) | y << 16;
        bits[16 + i] = x >> 16 | (y & 0xffff0000u);
    }
    memcpy(floats, bits, sizeof bits);
    *even = v_load(floats);
    *odd = v_load(floats + 16);
}

// The halves of pairs as floats.
static inline void v_halves(v16 pairs, v16 *even, v16 *odd) {
    float floats[16];
    uint32_t bits[16], low[16];
    v_store(floats, pairs);
    memcpy(bits, floats, sizeof bits);
    for (int i = 0; i < 16; i++) {
        low[i] = bits[i] << 16;
        bits[i] &= 0xffff0000u;
    }
    memcpy(floats, low, sizeof low);
    *even = v_load(floats);
    memcpy(floats, bits, sizeof bits);
    *odd = v_load(floats);
}

// Subnormal numbers become zero.
static inline v16 v_normal(v16 x) {
    return v_select_less(v_abs(x), v_set(0x1p-126f), v_copysign(v_zero(), x), x);
}

// What is below the normal numbers becomes zero. Whether a sum is, is judged before it is rounded
// to a subnormal number: from the same sum 2^64 times as large, which is not one.
static inline v16 v_fma_to_normal(v16 a, v16 b, v16 c) {
    const v16 scale = v_set(0x1p64f);
    const v16 sum = v_fma(a, b, c);
    const v16 scaled = v_abs(v_fma(v_mul(a, scale), b, v_mul(c, scale)));
    return v_select_less(scaled, v_set(0x1p-62f), v_copysign(v_zero(), sum), sum);
}

EMULATED v16 v_dot(v16 a, v16 b, v16 sum) {
    v16 a_even, a_odd, b_even, b_odd;
    v_halves(a, &a_even, &a_odd);
    v_halves(b, &b_even, &b_odd);
    return v_fma_to_normal(a_even, b_even, v_fma_to_normal(a_odd, b_odd, v_normal(sum)));
}

#endif

#endif
