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

#if defined(__FP_FAST_FMAF) || defined(__aarch64__)
static inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
// a * b + c rounded once, without an instruction for it. The product is exact in double. Its sum with c
// is rounded to odd: where something was cut off, the last bit is set, so that the rounding to float
// (29 bits shorter) sees on which side of a tie the exact sum lies (Boldo and Melquiond 2008).
static inline float fused(float a, float b, float c) {
    const double product = (double)a * (double)b;
    const double addend = (double)c;
    double sum = product + addend;
    const double back = sum - product;
    const double cut = (product - (sum - back)) + (addend - back);  // exact: sum + cut (Knuth)
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    // Infinities and NaN make cut NaN, which compares false.
    if ((cut > 0 || cut < 0) && (bits & 1) == 0) {
        bits += (cut > 0) == (sum > 0) ? (uint64_t)1 : (uint64_t)-1;
        memcpy(&sum, &bits, sizeof sum);
    }
    return (float)sum;
}
#endif

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
static inline void v_store_first(float *p, long n, v16 x) {
    EACH if (i < n) p[i] = x.lane[i];
}
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
static inline v16 v_fma(v16 a, v16 b, v16 c) {
    EACH c.lane[i] = fused(a.lane[i], b.lane[i], c.lane[i]);
    return c;
}
static inline v16 v_fnma(v16 a, v16 b, v16 c) {
    EACH c.lane[i] = fused(-a.lane[i], b.lane[i], c.lane[i]);
    return c;
}
static inline v16 v_abs(v16 x) {
    EACH x.lane[i] = float_of(bits_of(x.lane[i]) & 0x7fffffffu);
    return x;
}
static inline v16 v_negative(v16 x) {
    EACH x.lane[i] = float_of(bits_of(x.lane[i]) ^ 0x80000000u);
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
