// Sixteen float lanes in two AVX registers.
#include <immintrin.h>

typedef struct v16 {
    __m256 low, high;
} v16;

// 6 x 2 = 12 accumulators, 2 weights, 1 broadcast of 16 registers.
#define TILE_ROWS 6
#define TILE_VECTORS 1

INLINE v16 v_both(__m256 low, __m256 high) {
    const v16 v = {low, high};
    return v;
}
INLINE v16 v_zero(void) { return v_both(_mm256_setzero_ps(), _mm256_setzero_ps()); }
INLINE v16 v_set(float x) { return v_both(_mm256_set1_ps(x), _mm256_set1_ps(x)); }
INLINE v16 v_set_again(const float *p) { return v_set(*p); }
INLINE v16 v_load(const float *p) { return v_both(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)); }
INLINE void v_store(float *p, v16 x) {
    _mm256_storeu_ps(p, x.low);
    _mm256_storeu_ps(p + 8, x.high);
}
INLINE __m256i v_first_eight(long n) {
    const int bound = n > 8 ? 8 : (int)n;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(bound), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE v16 v_load_first(const float *p, long n) {
    if (n >= 16) return v_load(p);
    return v_both(_mm256_maskload_ps(p, v_first_eight(n)),
                  n > 8 ? _mm256_maskload_ps(p + 8, v_first_eight(n - 8)) : _mm256_setzero_ps());
}
INLINE void v_store_first(float *p, long n, v16 x) {
    if (n >= 16) {
        v_store(p, x);
        return;
    }
    _mm256_maskstore_ps(p, v_first_eight(n), x.low);
    if (n > 8) _mm256_maskstore_ps(p + 8, v_first_eight(n - 8), x.high);
}
INLINE v16 v_first(v16 x, long n) {
    return v_both(_mm256_and_ps(x.low, _mm256_castsi256_ps(v_first_eight(n))),
                  _mm256_and_ps(x.high, _mm256_castsi256_ps(v_first_eight(n - 8))));
}

#define BOTH(op, a, b) v_both(op((a).low, (b).low), op((a).high, (b).high))
INLINE v16 v_add(v16 a, v16 b) { return BOTH(_mm256_add_ps, a, b); }
INLINE v16 v_sub(v16 a, v16 b) { return BOTH(_mm256_sub_ps, a, b); }
INLINE v16 v_mul(v16 a, v16 b) { return BOTH(_mm256_mul_ps, a, b); }
INLINE v16 v_div(v16 a, v16 b) { return BOTH(_mm256_div_ps, a, b); }
INLINE v16 v_max(v16 a, v16 b) { return BOTH(_mm256_max_ps, a, b); }
INLINE v16 v_min(v16 a, v16 b) { return BOTH(_mm256_min_ps, a, b); }
INLINE v16 v_sqrt(v16 a) { return v_both(_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)); }
INLINE v16 v_fma(v16 a, v16 b, v16 c) {
    return v_both(_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high));
}
INLINE v16 v_fnma(v16 a, v16 b, v16 c) {
    return v_both(_mm256_fnmadd_ps(a.low, b.low, c.low), _mm256_fnmadd_ps(a.high, b.high, c.high));
}
INLINE v16 v_abs(v16 x) { return BOTH(_mm256_andnot_ps, v_set(-0.0f), x); }
INLINE v16 v_negative(v16 x) { return BOTH(_mm256_xor_ps, x, v_set(-0.0f)); }
INLINE v16 v_copysign(v16 magnitude, v16 sign) {
    const v16 bit = BOTH(_mm256_and_ps, sign, v_set(-0.0f));
    const v16 rest = v_abs(magnitude);
    return BOTH(_mm256_or_ps, bit, rest);
}
INLINE v16 v_select_less(v16 a, v16 b, v16 x, v16 y) {
    return v_both(_mm256_blendv_ps(y.low, x.low, _mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ)),
                  _mm256_blendv_ps(y.high, x.high, _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ)));
}
// x * 2^n in two normal factors; n is in the low bits of `rounded` (polynomials.h).
INLINE __m256 v_scale_eight(__m256 x, __m256 rounded) {
    const __m256i n = _mm256_sub_epi32(_mm256_castps_si256(rounded), _mm256_set1_epi32(0x4B400000));
    const __m256i half = _mm256_srai_epi32(n, 1);
    const __m256i bias = _mm256_set1_epi32(127);
    const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    const __m256i rest = _mm256_add_epi32(_mm256_sub_epi32(n, half), bias);
    return _mm256_mul_ps(_mm256_mul_ps(x, _mm256_castsi256_ps(first)),
                         _mm256_castsi256_ps(_mm256_slli_epi32(rest, 23)));
}
INLINE v16 v_scale(v16 x, v16 n, v16 rounded) {
    (void)n;
    return v_both(v_scale_eight(x.low, rounded.low), v_scale_eight(x.high, rounded.high));
}
#undef BOTH

// rows[i] lane j <-> rows[j] lane i, through memory.
INLINE void v_transpose(v16 rows[16]) {
    float part[16][16], turned[16][16];
    for (int i = 0; i < 16; i++) v_store(part[i], rows[i]);
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) turned[i][j] = part[j][i];
    }
    for (int i = 0; i < 16; i++) rows[i] = v_load(turned[i]);
}

// Bit i set: x, else y in lane i.
INLINE __m256 v_eight_of_bits(uint32_t bits) {
    const __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i set = _mm256_and_si256(_mm256_set1_epi32((int)bits), each);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, each));
}
INLINE v16 v_select_bits(uint32_t bits, v16 x, v16 y) {
    return v_both(_mm256_blendv_ps(y.low, x.low, v_eight_of_bits(bits)),
                  _mm256_blendv_ps(y.high, x.high, v_eight_of_bits(bits >> 8)));
}

// x in lanes whose word is at least the threshold, +0 in the others.
INLINE __m256 v_eight_at_least(__m256 x, const uint32_t *words, uint32_t threshold) {
    const __m256i w = _mm256_loadu_si256((const __m256i *)words);
    const __m256i larger = _mm256_max_epu32(w, _mm256_set1_epi32((int)threshold));
    return _mm256_and_ps(x, _mm256_castsi256_ps(_mm256_cmpeq_epi32(larger, w)));
}
INLINE v16 v_where_at_least(v16 x, const uint32_t *words, uint32_t threshold) {
    return v_both(v_eight_at_least(x.low, words, threshold),
                  v_eight_at_least(x.high, words + 8, threshold));
}
