// Sixteen float lanes in plain C.
#include <math.h>
#include <string.h>

typedef struct v16 {
    float lane[16];
} v16;

#define TILE_ROWS 4
#define TILE_VECTORS 1

#define EACH for (int i = 0; i < 16; i++)

static inline uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline v16 v_set(float x) {
    v16 v;
    EACH v.lane[i] = x;
    return v;
}
static inline v16 v_set_again(const float *p) { return v_set(*p); }
static inline v16 v_zero(void) { return v_set(0.0f); }
static inline v16 v_load(const float *p) {
    v16 v;
    memcpy(v.lane, p, sizeof v.lane);
    return v;
}
static inline void v_store(float *p, v16 x) { memcpy(p, x.lane, sizeof x.lane); }
static inline v16 v_load_first(const float *p, long n) {
    if (n >= 16) return v_load(p);
    v16 v;
    EACH v.lane[i] = i < n ? p[i] : 0.0f;
    return v;
}
static inline void v_store_first(float *p, long n, v16 x) { EACH if (i < n) p[i] = x.lane[i]; }
static inline v16 v_first(v16 x, long n) {
    EACH x.lane[i] = i < n ? x.lane[i] : 0.0f;
    return x;
}
static inline v16 v_add(v16 a, v16 b) {
    EACH a.lane[i] += b.lane[i];
    return a;
}
static inline v16 v_sub(v16 a, v16 b) {
    EACH a.lane[i] -= b.lane[i];
    return a;
}
static inline v16 v_mul(v16 a, v16 b) {
    EACH a.lane[i] *= b.lane[i];
    return a;
}
static inline v16 v_div(v16 a, v16 b) {
    EACH a.lane[i] /= b.lane[i];
    return a;
}
// The second where either is NaN.
static inline v16 v_max(v16 a, v16 b) {
    EACH a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
    return a;
}
static inline v16 v_min(v16 a, v16 b) {
    EACH a.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i];
    return a;
}
static inline v16 v_negative(v16 x) {
    EACH x.lane[i] = float_of(bits_of(x.lane[i]) ^ 0x80000000u);
    return x;
}
#if defined(__FP_FAST_FMAF) || defined(__aarch64__)
static inline v16 v_fma(v16 a, v16 b, v16 c) {
    EACH c.lane[i] = __builtin_fmaf(a.lane[i], b.lane[i], c.lane[i]);
    return c;
}
#else
typedef float two_floats __attribute__((vector_size(8)));
typedef double two_doubles __attribute__((vector_size(16)));
typedef int64_t two_words __attribute__((vector_size(16)));

// a * b + c rounded once, without an instruction for it. The product is exact in double. Its sum
// with c is rounded to odd: where something was cut off, the last bit is set, so that the rounding
// to float (29 bits shorter) sees on which side of a tie the exact sum lies (Boldo and Melquiond
// 2008).
static inline two_floats fused(two_floats a, two_floats b, two_floats c) {
    const two_doubles product =
        __builtin_convertvector(a, two_doubles) * __builtin_convertvector(b, two_doubles);
    const two_doubles addend = __builtin_convertvector(c, two_doubles);
    const two_doubles sum = product + addend;
    const two_doubles back = sum - product;
    // Exact: sum + cut is the sum (Knuth). Where something is infinite or NaN, cut is NaN and the
    // comparisons are false.
    const two_doubles cut = (product - (sum - back)) + (addend - back);
    const two_words above = cut > 0, below = cut < 0;
    const two_words step = ~(two_words)sum & (above | below) & 1;  // 1: even, has to become odd
    const two_words down = above ^ (two_words)(sum > 0);           // -1: towards zero
    const two_doubles odd = (two_doubles)((two_words)sum + ((step ^ down) - down));
    return __builtin_convertvector(odd, two_floats);
}
static inline v16 v_fma(v16 a, v16 b, v16 c) {
    for (int i = 0; i < 16; i += 2) {
        two_floats x, y, z;
        memcpy(&x, a.lane + i, sizeof x);
        memcpy(&y, b.lane + i, sizeof y);
        memcpy(&z, c.lane + i, sizeof z);
        z = fused(x, y, z);
        memcpy(c.lane + i, &z, sizeof z);
    }
    return c;
}
#endif
static inline v16 v_fnma(v16 a, v16 b, v16 c) { return v_fma(v_negative(a), b, c); }
static inline v16 v_abs(v16 x) {
    EACH x.lane[i] = float_of(bits_of(x.lane[i]) & 0x7fffffffu);
    return x;
}
static inline v16 v_copysign(v16 magnitude, v16 sign) {
    EACH magnitude.lane[i] = float_of((bits_of(magnitude.lane[i]) & 0x7fffffffu) |
                                      (bits_of(sign.lane[i]) & 0x80000000u));
    return magnitude;
}
static inline v16 v_select_less(v16 a, v16 b, v16 x, v16 y) {
    EACH y.lane[i] = a.lane[i] < b.lane[i] ? x.lane[i] : y.lane[i];
    return y;
}
// -fno-math-errno makes this the processor's instruction: every target has one, none calls libm.
static inline v16 v_sqrt(v16 x) {
    EACH x.lane[i] = __builtin_sqrtf(x.lane[i]);
    return x;
}
// x * 2^n in two normal factors; n is in the low bits of `rounded` (polynomials.h).
static inline v16 v_scale(v16 x, v16 n, v16 rounded) {
    (void)n;
    EACH {
        const int32_t whole = (int32_t)(bits_of(rounded.lane[i]) - 0x4B400000u);
        const int32_t half = whole >> 1;
        x.lane[i] = x.lane[i] * float_of((uint32_t)(half + 127) << 23) *
                    float_of((uint32_t)(whole - half + 127) << 23);
    }
    return x;
}
static inline void v_transpose(v16 rows[16]) {
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < i; j++) {
            const float x = rows[i].lane[j];
            rows[i].lane[j] = rows[j].lane[i];
            rows[j].lane[i] = x;
        }
    }
}

// Bit i set: x, else y in lane i.
static inline v16 v_select_bits(uint32_t bits, v16 x, v16 y) {
    EACH y.lane[i] = bits >> i & 1 ? x.lane[i] : y.lane[i];
    return y;
}

// x in lanes whose word is at least the threshold, +0 in the others.
static inline v16 v_where_at_least(v16 x, const uint32_t *words, uint32_t threshold) {
    EACH x.lane[i] = words[i] >= threshold ? x.lane[i] : 0.0f;
    return x;
}
