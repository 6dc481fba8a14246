// Products against the scalar chain that docs/numerics.md prescribes.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_test.h"

typedef struct left {
    const float *data;
    long row_stride;
    long inner, inner_stride;
    long outer, outer_stride;
} left;

typedef struct start {
    const float *data;
    long stride;
    long step;
} start;

typedef struct right {
    const float *panels;
    long columns;
    long width;
} right;

typedef struct stream {
    const float *next, *end;
    long lines;
} stream;

#define DECLARE(variant)                                                                           \
    void multiply_panel_##variant(long rows, long width, const left *a, const float *b,            \
                                  long b_stride, start s, float *c, long c_stride, stream *ahead); \
    void multiply_##variant(long rows, const left *a, right b, start s, float *c, long c_stride,   \
                            long c_step);
#if defined(__x86_64__)
DECLARE(avx512)
DECLARE(avx512_bf16)
DECLARE(avx512_bf16_emulated)
DECLARE(avx2)
DECLARE(avx2_bf16_emulated)
#endif
DECLARE(portable)
DECLARE(portable_bf16_emulated)

typedef struct products {
    int isa, arithmetic;
    void (*panel)(long, long, const left *, const float *, long, start, float *, long, stream *);
    void (*product)(long, const left *, right, start, float *, long, long);
    long tile_rows;
} products;

static const products all_products[] = {
#if defined(__x86_64__)
    {ISA_AVX512, ARITHMETIC_FLOAT32, multiply_panel_avx512, multiply_avx512, 7},
    {ISA_AVX512, ARITHMETIC_BF16, multiply_panel_avx512_bf16, multiply_avx512_bf16, 7},
    {ISA_AVX512, ARITHMETIC_BF16_EMULATED, multiply_panel_avx512_bf16_emulated,
     multiply_avx512_bf16_emulated, 7},
    {ISA_AVX2, ARITHMETIC_FLOAT32, multiply_panel_avx2, multiply_avx2, 6},
    {ISA_AVX2, ARITHMETIC_BF16_EMULATED, multiply_panel_avx2_bf16_emulated,
     multiply_avx2_bf16_emulated, 6},
#endif
    {ISA_PORTABLE, ARITHMETIC_FLOAT32, multiply_panel_portable, multiply_portable, 4},
    {ISA_PORTABLE, ARITHMETIC_BF16_EMULATED, multiply_panel_portable_bf16_emulated,
     multiply_portable_bf16_emulated, 4},
};

static products products_of(int isa, int arithmetic) {
    int i = 0;
    while (all_products[i].isa != isa || all_products[i].arithmetic != arithmetic) i++;
    return all_products[i];
}

// A half of a pair of bfloat16 as float.
static float half(float pair, bool odd) {
    uint32_t bits;
    memcpy(&bits, &pair, sizeof bits);
    bits = odd ? bits & 0xffff0000u : bits << 16;
    memcpy(&pair, &bits, sizeof bits);
    return pair;
}

// The next link of a chain. Nothing here is subnormal.
static float link_of(products p, float a, float b, float sum) {
    if (p.arithmetic == ARITHMETIC_FLOAT32) return fmaf(a, b, sum);
    return fmaf(half(a, false), half(b, false), fmaf(half(a, true), half(b, true), sum));
}

// Operands: floats in +-1, or pairs of them cut to bfloat16.
static void fill_operand(products p, float *to, long count) {
    fill(to, 1, count, count, 1);
    if (p.arithmetic == ARITHMETIC_FLOAT32) return;
    for (long i = 0; i < count; i++) {
        const float even = next_float();
        uint32_t low, high;
        memcpy(&low, &even, sizeof low);
        memcpy(&high, to + i, sizeof high);
        low = (high & 0xffff0000u) | low >> 16;
        memcpy(to + i, &low, sizeof low);
    }
}

static void test_panel(products p, long rows, long width, long k, bool transposed) {
    const long stride = transposed ? rows : k;
    float *a = guarded((size_t)(rows * k), GUARD_AFTER);
    float *b = guarded((size_t)(k * 64), GUARD_AFTER);
    float *c = guarded((size_t)(rows * width), GUARD_AFTER);
    float *expected = guarded((size_t)(rows * width), GUARD_AFTER);
    fill_operand(p, a, rows * k);
    fill_operand(p, b, k * 64);
    fill(c, rows, width, width, 1);
    for (long r = 0; r < rows; r++) {
        for (long n = 0; n < width; n++) {
            float sum = c[r * width + n];
            for (long i = 0; i < k; i++) {
                sum = link_of(p, transposed ? a[i * rows + r] : a[r * k + i], b[i * 64 + n], sum);
            }
            expected[r * width + n] = sum;
        }
    }
    const left whole = {a, transposed ? 1 : stride, k, transposed ? stride : 1, 1, 0};
    const start same = {c, width, 0};
    // What is asked for ahead changes nothing; a tile asks for at least one line.
    stream ahead = {b, b + k * 64, 1};
    p.panel(rows, width, &whole, b, 64, same, c, width, transposed ? &ahead : NULL);
    if (transposed && ahead.next == b) {
        fprintf(stderr, "FAILED: nothing was asked for ahead\n");
        exit(1);
    }
    char what[100];
    snprintf(what, sizeof what, "panel %ld x %ld x %ld%s", rows, width, k, transposed ? "T" : "");
    expect_same(what, c, expected, rows * width);
    release_all();
}

// k in blocks of which the left operand skips the first part, as a GRU's recurrent slots.
static void test_product(products p, long rows, long columns, long outer, long inner, long skip) {
    const long k = outer * inner, row = outer * (inner + skip), panels = (columns + 63) / 64;
    float *a = guarded((size_t)(rows * row), GUARD_AFTER);
    float *b = guarded((size_t)(panels * k * 64), GUARD_AFTER);
    float *bias = guarded((size_t)columns, GUARD_AFTER);
    float *c = guarded((size_t)(rows * columns), GUARD_AFTER);
    float *expected = guarded((size_t)(rows * columns), GUARD_AFTER);
    fill_operand(p, a, rows * row);
    fill_operand(p, b, panels * k * 64);
    fill(bias, 1, columns, columns, 1);
    for (long r = 0; r < rows; r++) {
        for (long n = 0; n < columns; n++) {
            float sum = bias[n];
            for (long i = 0; i < k; i++) {
                const long at = i / inner * (inner + skip) + skip + i % inner;
                sum = link_of(p, a[r * row + at], b[(n / 64 * k + i) * 64 + n % 64], sum);
            }
            expected[r * columns + n] = sum;
        }
    }
    const left part = {a + skip, row, inner, 1, outer, inner + skip};
    const right weights = {b, columns, 64};
    const start begin = {bias, 0, 64};
    p.product(rows, &part, weights, begin, c, columns, 64);
    char what[100];
    snprintf(what, sizeof what, "product %ld x %ld x %ld * %ld", rows, columns, outer, inner);
    expect_same(what, c, expected, rows * columns);
    release_all();
}

void test_products(int isa, int arithmetic) {
    const products p = products_of(isa, arithmetic);
    static const long widths[] = {1, 15, 16, 17, 31, 32, 48, 49, 63, 64};
    for (long rows = 1; rows <= 2 * p.tile_rows + 1; rows++) {
        for (int w = 0; w < 10; w++) {
            for (long k = 1; k <= 21; k += 10) {
                test_panel(p, rows, widths[w], k, false);
                test_panel(p, rows, widths[w], k, true);
            }
        }
    }
    test_product(p, 20, 65, 1, 1024, 0);
    test_product(p, 3, 64, 1, 1025, 0);
    test_product(p, 8, 100, 1, 2600, 0);
    test_product(p, 150, 30, 1, 600, 0);
    test_product(p, 20, 70, 43, 48, 16);
    test_product(p, 5, 33, 2, 48, 16);
}
