// Products against the scalar chain that docs/numerics.md prescribes.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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
DECLARE(avx2)
#endif
DECLARE(portable)

typedef struct products {
    void (*panel)(long, long, const left *, const float *, long, start, float *, long, stream *);
    void (*product)(long, const left *, right, start, float *, long, long);
    long tile_rows;
} products;

static products products_of(int isa) {
#if defined(__x86_64__)
    const products avx512 = {multiply_panel_avx512, multiply_avx512, 7},
                   avx2 = {multiply_panel_avx2, multiply_avx2, 6};
    if (isa == ISA_AVX512) return avx512;
    if (isa == ISA_AVX2) return avx2;
#endif
    (void)isa;
    const products portable = {multiply_panel_portable, multiply_portable, 4};
    return portable;
}

static void test_panel(products p, long rows, long width, long k, bool transposed) {
    const long stride = transposed ? rows : k;
    float *a = guarded((size_t)(rows * k), GUARD_AFTER);
    float *b = guarded((size_t)(k * 64), GUARD_AFTER);
    float *c = guarded((size_t)(rows * width), GUARD_AFTER);
    float *expected = guarded((size_t)(rows * width), GUARD_AFTER);
    fill(a, 1, rows * k, rows * k, 1);
    fill(b, k, 64, 64, 1);
    fill(c, rows, width, width, 1);
    for (long r = 0; r < rows; r++) {
        for (long n = 0; n < width; n++) {
            float sum = c[r * width + n];
            for (long i = 0; i < k; i++) {
                sum = fmaf(transposed ? a[i * rows + r] : a[r * k + i], b[i * 64 + n], sum);
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
    fill(a, 1, rows * row, rows * row, 1);
    fill(b, panels * k, 64, 64, 1);
    fill(bias, 1, columns, columns, 1);
    for (long r = 0; r < rows; r++) {
        for (long n = 0; n < columns; n++) {
            float sum = bias[n];
            for (long i = 0; i < k; i++) {
                const long at = i / inner * (inner + skip) + skip + i % inner;
                sum = fmaf(a[r * row + at], b[(n / 64 * k + i) * 64 + n % 64], sum);
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

void test_products(int isa) {
    const products p = products_of(isa);
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
