// Sixteen float lanes in one AVX-512 register.
#include <immintrin.h>

typedef __m512 v16;
typedef __mmask16 mask16;

// Rows of a register tile: 7 x 4 = 28 accumulators, 2 weights, 1 broadcast of 32 registers.
#define TILE_ROWS 7
#define TILE_VECTORS 4

// Intel's cores have tiles of their own (product_pairs.h): 24 accumulators, 4 weights, 1 broadcast.
#define STEPS_IN_PAIRS
#define PAIRS_ROWS 6
static inline _Bool steps_in_pairs(void) { return __builtin_cpu_is("intel"); }

static inline v16 v_zero(void) { return _mm512_setzero_ps(); }
static inline v16 v_set(float x) { return _mm512_set1_ps(x); }
// Broadcasts *p with an instruction of its own, which the compiler neither merges nor moves.
static inline v16 v_set_again(const float *p) {
    v16 x;
    __asm__ volatile("vbroadcastss %1, %0" : "=v"(x) : "m"(*p));
    return x;
}
static inline v16 v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, v16 x) { _mm512_storeu_ps(p, x); }
static inline mask16 first_lanes(long n) { return n >= 16 ? 0xffff : (mask16)((1u << n) - 1); }
static inline v16 v_load_first(const float *p, long n) {
    return _mm512_maskz_loadu_ps(first_lanes(n), p);
}
static inline void v_store_first(float *p, long n, v16 x) {
    _mm512_mask_storeu_ps(p, first_lanes(n), x);
}
static inline v16 v_add(v16 a, v16 b) { return _mm512_add_ps(a, b); }
static inline v16 v_sub(v16 a, v16 b) { return _mm512_sub_ps(a, b); }
static inline v16 v_mul(v16 a, v16 b) { return _mm512_mul_ps(a, b); }
static inline v16 v_div(v16 a, v16 b) { return _mm512_div_ps(a, b); }
static inline v16 v_sqrt(v16 a) { return _mm512_sqrt_ps(a); }
static inline v16 v_fma(v16 a, v16 b, v16 c) { return _mm512_fmadd_ps(a, b, c); }
// fma(-a, b, c)
static inline v16 v_fnma(v16 a, v16 b, v16 c) { return _mm512_fnmadd_ps(a, b, c); }
// Larger of the two; either being NaN, the second.
static inline v16 v_max(v16 a, v16 b) { return _mm512_max_ps(a, b); }
static inline v16 v_min(v16 a, v16 b) { return _mm512_min_ps(a, b); }

// rows[i] lane j <-> rows[j] lane i
static inline void v_transpose(v16 rows[16]) {
    __m512 t[16];
    for (int i = 0; i < 16; i += 2) {  // pairs of rows: lanes 0 and 1 of each quarter
        t[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {  // fours: each quarter now holds four rows of one column
        const __m512d a = _mm512_castps_pd(t[i]), b = _mm512_castps_pd(t[i + 2]);
        const __m512d c = _mm512_castps_pd(t[i + 1]), d = _mm512_castps_pd(t[i + 3]);
        rows[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
        rows[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        rows[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(c, d));
        rows[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(c, d));
    }
    for (int i = 0; i < 4; i++) {  // quarters across the fours
        const __m512 a = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0x88);
        const __m512 b = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0xdd);
        const __m512 c = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0x88);
        const __m512 d = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0xdd);
        t[i] = _mm512_shuffle_f32x4(a, c, 0x88);
        t[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
        t[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
    for (int i = 0; i < 16; i++) rows[i] = t[i];
}

// The first n lanes, the others +0.
static inline v16 v_first(v16 x, long n) { return _mm512_maskz_mov_ps(first_lanes(n), x); }
static inline v16 v_abs(v16 x) { return _mm512_abs_ps(x); }
static inline v16 v_negative(v16 x) {
    return _mm512_castsi512_ps(
        _mm512_xor_si512(_mm512_castps_si512(x), _mm512_set1_epi32((int)0x80000000)));
}
// The magnitude of the first with the sign of the second.
static inline v16 v_copysign(v16 magnitude, v16 sign) {
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_set1_epi32((int)0x80000000),
                                                         _mm512_castps_si512(sign),
                                                         _mm512_castps_si512(magnitude), 0xca));
}
// a < b ? x : y
static inline v16 v_select_less(v16 a, v16 b, v16 x, v16 y) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}
// x * 2^n, rounded once: what two multiplications by factors of 2^n give, of which the first is
// exact. `rounded`, n with an offset, is not needed here.
static inline v16 v_scale(v16 x, v16 n, v16 rounded) {
    (void)rounded;
    return _mm512_scalef_ps(x, n);
}

// Bit i set: x, else y in lane i.
static inline v16 v_select_bits(uint32_t bits, v16 x, v16 y) {
    return _mm512_mask_blend_ps((mask16)bits, y, x);
}

// x in lanes whose word is at least the threshold, +0 in the others.
static inline v16 v_where_at_least(v16 x, const uint32_t *words, uint32_t threshold) {
    return _mm512_maskz_mov_ps(
        _mm512_cmpge_epu32_mask(_mm512_loadu_si512(words), _mm512_set1_epi32((int)threshold)), x);
}
