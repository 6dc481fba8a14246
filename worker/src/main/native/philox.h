// Philox 4x32 with ten rounds (Salmon et al. 2011); see Philox.java.
#ifndef SPARKRNN_PHILOX_H
#define SPARKRNN_PHILOX_H

#include "kernel.h"

#define PHILOX_COUNTERS 16
#define PHILOX_WORDS (4 * PHILOX_COUNTERS)
#define PHILOX_FACTOR0 0xD2511F53
#define PHILOX_FACTOR1 0xCD9E8D57
#define PHILOX_KEY_STEP0 0x9E3779B9
#define PHILOX_KEY_STEP1 0xBB67AE85

// The words of counters first, first + 1, …: words[4 * i + w] is word w of counter first + i.
static inline void philox_words(uint32_t first, philox_key key, uint32_t words[PHILOX_WORDS]);

// Bit i: whether words[i] is at least the threshold.
static inline uint64_t philox_bits(uint32_t first, philox_key key, uint32_t threshold);

#ifdef VARIANT_AVX512
#include <immintrin.h>

// x * factor: the low and the high halves of the sixteen products. The instruction multiplies
// every second lane; the compiler does not find it, and is seven times as slow.
static inline __m512i philox_product(__m512i x, uint32_t factor, __m512i *high) {
    const __m512i by = _mm512_set1_epi32((int)factor);
    const __m512i even = _mm512_mul_epu32(x, by);
    const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(x, 32), by);
    *high = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
    return _mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CCAA);
}

static inline __m512i philox_exclusive_or(__m512i a, __m512i b, uint32_t key) {
    return _mm512_ternarylogic_epi32(a, b, _mm512_set1_epi32((int)key), 0x96);
}

// c[w]: word w of the sixteen counters.
static inline void philox_counters(uint32_t first, philox_key key, __m512i c[4]) {
    __m512i c0 =
        _mm512_add_epi32(_mm512_set1_epi32((int)first),
                         _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    __m512i c1 = _mm512_set1_epi32((int)key.step), c2 = _mm512_set1_epi32((int)key.replica);
    __m512i c3 = _mm512_set1_epi32((int)key.purpose);
    uint32_t key0 = (uint32_t)key.seed, key1 = (uint32_t)(key.seed >> 32);
    for (int round = 0; round < 10; round++) {
        __m512i high0, high1;
        const __m512i low0 = philox_product(c0, PHILOX_FACTOR0, &high0);
        const __m512i low1 = philox_product(c2, PHILOX_FACTOR1, &high1);
        c0 = philox_exclusive_or(high1, c1, key0);
        c1 = low1;
        c2 = philox_exclusive_or(high0, c3, key1);
        c3 = low0;
        key0 += PHILOX_KEY_STEP0;
        key1 += PHILOX_KEY_STEP1;
    }
    c[0] = c0;
    c[1] = c1;
    c[2] = c2;
    c[3] = c3;
}

static inline uint64_t philox_bits(uint32_t first, philox_key key, uint32_t threshold) {
    __m512i c[4];
    philox_counters(first, key, c);
    uint64_t bits = 0;
    for (int w = 0; w < 4; w++) {
        const uint64_t own = _mm512_cmpge_epu32_mask(c[w], _mm512_set1_epi32((int)threshold));
        bits |= _pdep_u64(own, UINT64_C(0x1111111111111111) << w);
    }
    return bits;
}

static inline void philox_words(uint32_t first, philox_key key, uint32_t words[PHILOX_WORDS]) {
    __m512i c[4];
    philox_counters(first, key, c);
    // Four words of a counter side by side: quarter q of of[k] is counter 4 * q + k.
    const __m512i low01 = _mm512_unpacklo_epi32(c[0], c[1]);
    const __m512i high01 = _mm512_unpackhi_epi32(c[0], c[1]);
    const __m512i low23 = _mm512_unpacklo_epi32(c[2], c[3]);
    const __m512i high23 = _mm512_unpackhi_epi32(c[2], c[3]);
    const __m512i of[4] = {_mm512_unpacklo_epi64(low01, low23), _mm512_unpackhi_epi64(low01, low23),
                           _mm512_unpacklo_epi64(high01, high23),
                           _mm512_unpackhi_epi64(high01, high23)};
    for (int half = 0; half < 2; half++) {  // quarters 0 and 1, then 2 and 3
        const __m512i a = half ? _mm512_shuffle_i32x4(of[0], of[1], 0xee)
                               : _mm512_shuffle_i32x4(of[0], of[1], 0x44);
        const __m512i b = half ? _mm512_shuffle_i32x4(of[2], of[3], 0xee)
                               : _mm512_shuffle_i32x4(of[2], of[3], 0x44);
        _mm512_storeu_si512(words + 32 * half, _mm512_shuffle_i32x4(a, b, 0x88));
        _mm512_storeu_si512(words + 32 * half + 16, _mm512_shuffle_i32x4(a, b, 0xdd));
    }
}

#else

// Counters side by side: the compiler makes vectors of them.
static inline void philox_words(uint32_t first, philox_key key, uint32_t words[PHILOX_WORDS]) {
    uint32_t c0[PHILOX_COUNTERS], c1[PHILOX_COUNTERS], c2[PHILOX_COUNTERS], c3[PHILOX_COUNTERS];
    for (int i = 0; i < PHILOX_COUNTERS; i++) {
        c0[i] = first + (uint32_t)i;
        c1[i] = key.step;
        c2[i] = key.replica;
        c3[i] = key.purpose;
    }
    uint32_t key0 = (uint32_t)key.seed, key1 = (uint32_t)(key.seed >> 32);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < PHILOX_COUNTERS; i++) {
            const uint64_t product0 = (uint64_t)PHILOX_FACTOR0 * c0[i];
            const uint64_t product1 = (uint64_t)PHILOX_FACTOR1 * c2[i];
            c0[i] = (uint32_t)(product1 >> 32) ^ c1[i] ^ key0;
            c1[i] = (uint32_t)product1;
            c2[i] = (uint32_t)(product0 >> 32) ^ c3[i] ^ key1;
            c3[i] = (uint32_t)product0;
        }
        key0 += PHILOX_KEY_STEP0;
        key1 += PHILOX_KEY_STEP1;
    }
    for (int i = 0; i < PHILOX_COUNTERS; i++) {
        words[4 * i] = c0[i];
        words[4 * i + 1] = c1[i];
        words[4 * i + 2] = c2[i];
        words[4 * i + 3] = c3[i];
    }
}

static inline uint64_t philox_bits(uint32_t first, philox_key key, uint32_t threshold) {
    uint32_t words[PHILOX_WORDS];
    philox_words(first, key, words);
    uint64_t bits = 0;
    for (int i = 0; i < PHILOX_WORDS; i++) bits |= (uint64_t)(words[i] >= threshold) << i;
    return bits;
}

#endif  // VARIANT_AVX512

#endif
