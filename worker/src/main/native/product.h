// Register-tiled products with packed panels.
//
// A panel is 64 (or, for a GRU's three slots, 48) columns of the right operand: for each k a row of
// adjacent floats, so that one step of k reads four vectors and no stride. The left operand is read
// in place, one broadcast float at a time.
#ifndef SPARKRNN_PRODUCT_H
#define SPARKRNN_PRODUCT_H

#include "simd.h"

#define multiply_tile NAME(multiply_tile)
#define multiply_panel NAME(multiply_panel)
#define multiply NAME(multiply)

#define PANEL 64

// The left operand: element (row, k) is data[row * row_stride + offset(k)]. k counts through blocks
// of `inner`: offset(k) = (k / inner) * outer_stride + (k % inner) * inner_stride.
typedef struct left {
    const float *data;
    long row_stride;
    long inner, inner_stride;
    long outer, outer_stride;
} left;

// k adjacent in memory
static inline left left_rows(const float *data, long row_stride, long k) {
    const left a = {data, row_stride, k, 1, 1, 0};
    return a;
}

// The start of each chain and the end of it: element (row, column) is data[row * stride + column].
typedef struct start {
    const float *data;
    long stride;  // 0: all rows start alike
    long step;    // multiply() only: from one panel's columns to the next one's
} start;

// c[0..rows, 0..width] = start, then one fma chain over increasing k per element.
// rows <= TILE_ROWS; width <= PANEL; b: a panel with row stride b_stride.
void multiply_tile(long rows, long width, left a, const float *b, long b_stride, start s, float *c,
                   long c_stride);

// The same for any number of rows, k cut into chunks for the caches. s may be c itself.
void multiply_panel(long rows, long width, left a, const float *b, long b_stride, start s, float *c,
                    long c_stride);

// c = start + a * b for all columns, panel after panel: panel i has `width` columns (the last one
// what is left of `columns`) and row stride `width`; its columns of c begin at c + i * c_step, its
// start at s.data + i * s.step.
typedef struct right {
    const float *panels;
    long columns;
    long width;
} right;

void multiply(long rows, left a, right b, start s, float *c, long c_stride, long c_step);

// Asks for rows that are needed soon, into L1 or (far) into L2 only.
static inline void prefetch_rows(const float *first, long rows, long width, long stride) {
    for (long r = 0; r < rows; r++) {
        for (long c = 0; c < width; c += 16) __builtin_prefetch(first + r * stride + c);
    }
}
static inline void prefetch_rows_far(const float *first, long rows, long width, long stride) {
    for (long r = 0; r < rows; r++) {
        for (long c = 0; c < width; c += 16) __builtin_prefetch(first + r * stride + c, 0, 2);
    }
}

#endif
