// Optimizers, dropout, rows, sums: within their buffers, and the same bits from every variant.
#include <stdio.h>
#include <string.h>

#include "kernel_test.h"

#define VECTORS 5

static void random_vectors(float *v[VECTORS], long count, guard where) {
    for (int i = 0; i < VECTORS; i++) {
        v[i] = guarded((size_t)count, where);
        fill(v[i], 1, count, count, 1);
    }
    for (int mean_square = 3; mean_square < VECTORS; mean_square++) {
        for (long i = 0; i < count; i++) v[mean_square][i] *= v[mean_square][i];
    }
}

static void update(const kernel *variant, float *v[VECTORS], long count) {
    const gradient_transform clipped = {0.7f, 0.5f, 0.01f, 0.002f}, none = {1, 0, 0, 0};
    const update_coefficients sgd = {.transform = clipped, .sgd = {0.3f}};
    const update_coefficients momentum = {.transform = none, .momentum = {0.3f, 0.9f}};
    const update_coefficients decaying = {.transform = clipped,
                                          .decaying = {0.01f, 0.95f, 0.05f, 1e-8f}};
    const update_coefficients adam = {
        .transform = none, .adam = {0.01f, 0.02f, 0.9f, 0.1f, 0.999f, 0.001f, 3.1f, 1e-8f, 0.99f}};
    variant->update(RULE_SGD, &sgd, v[0], v[1], NULL, NULL, count);
    variant->update(RULE_MOMENTUM, &momentum, v[0], v[1], v[2], NULL, count);
    variant->update(RULE_RMSPROP, &decaying, v[0], v[1], v[3], NULL, count);
    variant->update(RULE_ADADELTA, &decaying, v[0], v[1], v[3], v[4], count);
    variant->update(RULE_ADAM, &adam, v[0], v[1], v[2], v[3], count);
    const update_coefficients first = {.transform = clipped, .averaged = {0.3f, 0.99f, 1}};
    const update_coefficients later = {.transform = none, .averaged = {0.3f, 1, 0.25f}};
    variant->update(RULE_AVERAGED_SGD, &first, v[0], v[1], v[2], NULL, count);
    variant->update(RULE_AVERAGED_SGD, &later, v[0], v[1], v[2], NULL, count);
}

static void test_updates(const kernel *variant, const kernel *expected, long count, guard where) {
    float *a[VECTORS], *b[VECTORS];
    random_vectors(a, count, where);
    random_vectors(b, count, where);
    for (int i = 0; i < VECTORS; i++) memcpy(b[i], a[i], (size_t)count * sizeof(float));
    update(variant, a, count);
    update(expected, b, count);
    for (int i = 0; i < VECTORS; i++) expect_same("optimizers", a[i], b[i], count);
    const double sums[2] = {variant->sum_of_squares(a[1], count),
                            expected->sum_of_squares(b[1], count)};
    expect_same("sum of squares", (const float *)&sums[0], (const float *)&sums[1], 2);
    release_all();
}

static void test_dropout(const kernel *variant, const kernel *expected, long rows, long period,
                         long columns, guard where) {
    const long stride = padded(columns);
    const size_t floats = (size_t)(rows * stride);
    float *in = guarded(floats, where);
    float *a = guarded(floats, where), *b = guarded(floats, where);
    fill(in, rows, columns, stride, 1);
    const padded_rows shape = {rows, period, columns, stride, stride};
    const keep half = {0x80000000u, 2.0f};
    const philox_key key = {0x123456789abcdefull, 7, 1, 0x1000};
    variant->dropout(in, a, shape, half, key);
    expected->dropout(in, b, shape, half, key);
    expect_same("dropout", a, b, rows * stride);
    release_all();
}

static void test_choose(const kernel *variant, const kernel *expected, long time, long batch,
                        long columns, guard where) {
    const long rows = time * (padded(columns) / 16), stride = padded(batch);
    float *a = guarded((size_t)(rows * stride), where);
    float *b = guarded((size_t)(rows * stride), where);
    fill(a, rows, batch, stride, 1);
    fill(b, rows, batch, stride, 1);
    const philox_key key = {0x123456789abcdefull, 7, 1, 0x3000};
    variant->choose(a, time, batch, columns, 0x40000000u, key);
    expected->choose(b, time, batch, columns, 0x40000000u, key);
    expect_same("choose", a, b, rows * stride);
    release_all();
}

static void test_sums(const kernel *variant, const kernel *expected, long rows, long columns,
                      guard where) {
    const long stride = padded(columns);
    const size_t floats = (size_t)(rows * stride);
    const float factors[] = {0.5f, 0, 2};
    float *left = guarded(floats, where), *right = guarded(floats, where);
    float *a = guarded(floats, where), *b = guarded(floats, where);
    fill(left, rows, columns, stride, 1);
    fill(right, rows, columns, stride, 1);
    fill(a, rows, columns, stride, 1);
    memcpy(b, a, floats * sizeof(float));
    variant->add_difference(left, right, -0.3f, a, rows * stride);
    variant->add_difference(left, NULL, 0.7f, a, rows * stride);
    variant->scale_rows(a, stride, factors, rows);
    expected->add_difference(left, right, -0.3f, b, rows * stride);
    expected->add_difference(left, NULL, 0.7f, b, rows * stride);
    expected->scale_rows(b, stride, factors, rows);
    expect_same("sums and multiples", a, b, rows * stride);
    release_all();
}

static void test_rows(const kernel *variant, long columns, guard where) {
    const long stride = padded(columns);
    static const int32_t rows[] = {4, 0, 4, 2};
    float *table = guarded((size_t)(5 * columns), where);
    float *out = guarded((size_t)(4 * stride), where);
    float *sums = guarded((size_t)(5 * columns), where);
    fill(table, 5, columns, columns, 1);
    memset(sums, 0, (size_t)(5 * columns) * sizeof(float));
    gather_rows(table, columns, rows, 4, out, stride);
    variant->add_rows(out, stride, rows, 4, columns, sums);
    expect_same("row used once", sums, table, columns);
    zero_rows(sums, columns, rows, 4);
    for (long i = 0; i < 5 * columns; i++) out[i % columns] += sums[i];
    release_all();
}

void test_vectors(const variants *all, guard where) {
    static const long counts[] = {1, 15, 16, 17, 100, 1025};
    for (int v = 0; v < all->count; v++) {
        const kernel *variant = all->kernels[v], *expected = all->kernels[0];
        for (int i = 0; i < 6; i++) test_updates(variant, expected, counts[i], where);
        test_dropout(variant, expected, 3, 3, 1, where);
        test_dropout(variant, expected, 7, 7, 33, where);
        test_dropout(variant, expected, 7, 2, 33, where);
        test_dropout(variant, expected, 2, 1, 256, where);
        test_choose(variant, expected, 3, 1, 1, where);
        test_choose(variant, expected, 2, 7, 33, where);
        test_choose(variant, expected, 2, 17, 300, where);
        test_sums(variant, expected, 3, 33, where);
        for (long columns = 1; columns <= 40; columns += 13) test_rows(variant, columns, where);
    }
}
