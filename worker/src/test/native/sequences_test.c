// Rows of sequences: within their buffers at odd sizes, and what every row must be.
#include <string.h>

#include "kernel_test.h"

enum { TIME = 4, STREAMS = 5 };
static const int32_t lengths[STREAMS] = {4, 0, 1, 3, 2};

static void test_moves(long columns, guard where) {
    static const int32_t rows[] = {2, -1, 0, 2};
    const long stride = padded(columns);
    float *from =
        guarded((size_t)(2 * stride + columns), where);  // the last row ends with the buffer
    float *to = guarded((size_t)(3 * stride + columns), where);
    float *expected = guarded((size_t)(3 * stride + columns), where);
    for (int add = 0; add <= 1; add++) {
        fill(from, 1, 2 * stride + columns, 2 * stride + columns, 1);
        fill(to, 1, 3 * stride + columns, 3 * stride + columns, 1);
        memcpy(expected, to, (size_t)(3 * stride + columns) * sizeof(float));
        for (long i = 0; i < 4; i++) {
            for (long j = 0; j < columns; j++) {
                const float moved = rows[i] < 0 ? 0 : from[rows[i] * stride + j];
                float *element = expected + i * stride + j;
                *element = add ? *element + moved : moved;
            }
        }
        move_rows(from, stride, rows, 4, columns, to, stride, add);
        expect_same("moved rows", to, expected, 3 * stride + columns);
    }
    release_all();
}

// Each step's part of a gradient, summed, is the whole; steps of padding have none.
static void test_pooling(long columns, bool largest, guard where) {
    const long stride = padded(columns), row = STREAMS * stride;
    const pooling of = {.batch = STREAMS, .columns = columns, .stride = stride, .largest = largest};
    float *states = guarded((size_t)(TIME * row), where);
    float *pooled = guarded((size_t)row, where);
    float *d_pooled = guarded((size_t)row, where);
    float *d_states = guarded((size_t)(TIME * row), where);
    float *sums = guarded((size_t)row, where), *expected = guarded((size_t)row, where);
    fill(states, TIME * STREAMS, columns, stride, 1);
    fill(d_states, TIME * STREAMS, columns, stride, 1);
    for (long i = 0; i < row; i++) {  // thrice, twice or once a multiple of 12: no sum is rounded
        d_pooled[i] = i % stride < columns ? (float)(12 * (i % 50 + 1)) : 0;
        expected[i] = lengths[i / stride] > 0 ? d_pooled[i] : 0;
    }
    pool_rows(of, lengths, STREAMS, states, pooled);
    pool_gradient(of, TIME, lengths, STREAMS, states, pooled, d_pooled, d_states);
    for (long t = 0; t < TIME; t++) {
        for (long i = 0; i < row; i++) {
            const bool padding = t >= lengths[i / stride] && i % stride < columns;
            const float zero = 0;
            if (padding) expect_same("gradient of padding", d_states + t * row + i, &zero, 1);
            sums[i] += i % stride < columns ? d_states[t * row + i] : 0;
        }
    }
    expect_same(largest ? "gradient of the largest" : "gradient of the mean", sums, expected, row);
    release_all();
}

void test_sequences(guard where) {
    static const long columns[] = {1, 5, 16, 33};
    for (int i = 0; i < 4; i++) {
        test_moves(columns[i], where);
        test_pooling(columns[i], false, where);
        test_pooling(columns[i], true, where);
    }
}
