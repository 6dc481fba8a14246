// Products against the scalar chain that docs/numerics.md prescribes.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_test.h"

typedef struct left {
    const float *data;
    long row_stride;
    long inner;
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
    long rows, row_stride, row_floats;
    struct stream *then;
} stream;

#define DECLARE(variant)                                                                           \
    void multiply_panel_##variant(long rows, long width, const left *a, const float *b,            \
                                  long b_stride, start s, float *c, long c_stride, stream *ahead); \
    void multiply_##variant(long rows, const left *a, right b, start s, float *c, long c_stride,   \
                            long c_step);                                                          \
    void products_begin_##variant(void);                                                           \
    void products_end_##variant(void);
#if defined(__x86_64__)
DECLARE(avx512)
DECLARE(avx512_bf16)
DECLARE(avx512_bf16_emulated)
DECLARE(avx2)
DECLARE(avx2_bf16_emulated)
DECLARE(avx512_bf16_amx)
DECLARE(avx512_bf16_amx_emulated)
DECLARE(avx2_bf16_amx_emulated)
#endif
DECLARE(portable)
DECLARE(portable_bf16_emulated)
DECLARE(portable_bf16_amx_emulated)

typedef struct products {
    int precision;
    void (*panel)(long, long, const left *, const float *, long, start, float *, long, stream *);
    void (*product)(long, const left *, right, start, float *, long, long);
    void (*begin)(void);
    void (*end)(void);
    const char *variant;
    long tile_rows;
} products;

#define OF(variant)                                                         \
    multiply_panel_##variant, multiply_##variant, products_begin_##variant, \
        products_end_##variant, #variant

static const products all_products[] = {
#if defined(__x86_64__)
    {PRECISION_FLOAT32, OF(avx512), 7},
    {PRECISION_BF16, OF(avx512_bf16), 7},
    {PRECISION_BF16, OF(avx512_bf16_emulated), 7},
    {PRECISION_BF16_AMX, OF(avx512_bf16_amx), 32},
    {PRECISION_BF16_AMX, OF(avx512_bf16_amx_emulated), 1},
    {PRECISION_FLOAT32, OF(avx2), 6},
    {PRECISION_BF16, OF(avx2_bf16_emulated), 6},
    {PRECISION_BF16_AMX, OF(avx2_bf16_amx_emulated), 1},
#endif
    {PRECISION_FLOAT32, OF(portable), 4},
    {PRECISION_BF16, OF(portable_bf16_emulated), 4},
    {PRECISION_BF16_AMX, OF(portable_bf16_amx_emulated), 1},
};

static products products_of(const kernel *variant) {
    int i = 0;
    while (strcmp(all_products[i].variant, variant->name) != 0) i++;
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

static bool in_chunks(products p) { return p.precision == PRECISION_BF16_AMX; }

// A sum, link by link. Nothing here is subnormal.
typedef struct chain {
    products of;
    long links;
    float sum, even, odd;
} chain;

static void add_link(chain *to, float a, float b) {
    if (to->of.precision == PRECISION_FLOAT32) {
        to->sum = fmaf(a, b, to->sum);
    } else if (in_chunks(to->of)) {
        to->even = fmaf(half(a, false), half(b, false), to->even);
        to->odd = fmaf(half(a, true), half(b, true), to->odd);
        if (++to->links % 16 == 0) {
            to->sum += to->even + to->odd;
            to->even = to->odd = 0;
        }
    } else {
        to->sum = fmaf(half(a, true), half(b, true), to->sum);
        to->sum = fmaf(half(a, false), half(b, false), to->sum);
    }
}

// Where a panel 64 wide keeps an element.
static long panel_at(products p, long k, long column, long lanes) {
    if (!in_chunks(p)) return k * 64 + column;
    const long tile = column / 32 * 32 * lanes + (k / 16 * 2 + column % 32 / 16) * 256;
    return tile + k % 16 * 16 + column % 16;
}

// Operands: floats in +-1, or pairs of them cut to bfloat16.
static void fill_operand(products p, float *to, long count) {
    fill(to, 1, count, count, 1);
    if (p.precision == PRECISION_FLOAT32) return;
    for (long i = 0; i < count; i++) {
        const float even = next_float();
        uint32_t low, high;
        memcpy(&low, &even, sizeof low);
        memcpy(&high, to + i, sizeof high);
        low = (high & 0xffff0000u) | low >> 16;
        memcpy(to + i, &low, sizeof low);
    }
}

static void test_panel(products p, long rows, long width, long k) {
    float *a = guarded((size_t)(rows * k), GUARD_AFTER);
    float *b = guarded((size_t)(k * 64), GUARD_AFTER);
    float *c = guarded((size_t)(rows * width), GUARD_AFTER);
    float *expected = guarded((size_t)(rows * width), GUARD_AFTER);
    fill_operand(p, a, rows * k);
    fill_operand(p, b, k * 64);
    fill(c, rows, width, width, 1);
    for (long r = 0; r < rows; r++) {
        for (long n = 0; n < width; n++) {
            chain sum = {p, 0, c[r * width + n], 0, 0};
            for (long i = 0; i < k; i++) {
                add_link(&sum, a[r * k + i], b[panel_at(p, i, n, k)]);
            }
            expected[r * width + n] = sum.sum;
        }
    }
    const left whole = {a, k, k, 1, 0};
    const start same = {c, width, 0};
    // What is asked for ahead changes nothing; a tile asks for at least one line.
    stream ahead = {b, b + k * 64, 1, 0, 0, 0, NULL};
    const bool asks = rows % 2 == 0;
    p.begin();
    p.panel(rows, width, &whole, b, 64, same, c, width, asks ? &ahead : NULL);
    p.end();
    if (asks && ahead.next == b) {
        fprintf(stderr, "FAILED: nothing was asked for ahead\n");
        exit(1);
    }
    char what[100];
    snprintf(what, sizeof what, "panel %ld x %ld x %ld", rows, width, k);
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
            chain sum = {p, 0, bias[n], 0, 0};
            for (long i = 0; i < k; i++) {
                const long at = i / inner * (inner + skip) + skip + i % inner;
                add_link(&sum, a[r * row + at], b[n / 64 * k * 64 + panel_at(p, i, n % 64, k)]);
            }
            expected[r * columns + n] = sum.sum;
        }
    }
    const left part = {a + skip, row, inner, outer, inner + skip};
    const right weights = {b, columns, 64};
    const start begin = {bias, 0, 64};
    p.begin();
    p.product(rows, &part, weights, begin, c, columns, 64);
    p.end();
    char what[100];
    snprintf(what, sizeof what, "product %ld x %ld x %ld * %ld", rows, columns, outer, inner);
    expect_same(what, c, expected, rows * columns);
    release_all();
}

static const long widths[] = {1, 15, 16, 17, 31, 32, 48, 49, 63, 64};

// Whole chunks of 16 pairs, adjacent.
static void test_chunks(products p) {
    for (long rows = 1; rows <= 2 * p.tile_rows + 17; rows++) {
        for (int w = 0; w < 10; w++) {
            for (long k = 16; k <= 48; k += 16) test_panel(p, rows, widths[w], k);
        }
    }
    test_product(p, 20, 65, 1, 1024, 0);
    test_product(p, 3, 64, 1, 1040, 0);
    test_product(p, 8, 100, 1, 2608, 0);
    test_product(p, 150, 30, 1, 1600, 0);
    test_product(p, 300, 130, 1, 800, 0);
}

// One float, or one pair, after the other.
static void test_links(products p) {
    for (long rows = 1; rows <= 2 * p.tile_rows + 1; rows++) {
        for (int w = 0; w < 10; w++) {
            for (long k = 1; k <= 21; k += 5) test_panel(p, rows, widths[w], k);
        }
    }
    test_product(p, 20, 65, 1, 1024, 0);
    test_product(p, 3, 64, 1, 1025, 0);
    test_product(p, 8, 100, 1, 2600, 0);
    test_product(p, 150, 30, 1, 600, 0);
    test_product(p, 20, 70, 43, 48, 16);
    test_product(p, 5, 33, 2, 48, 16);
}

void test_products(const variants *all) {
    for (int i = 0; i < all->count; i++) {
        const products p = products_of(all->kernels[i]);
        if (in_chunks(p)) {
            test_chunks(p);
        } else {
            test_links(p);
        }
    }
}
