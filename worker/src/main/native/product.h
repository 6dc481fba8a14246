// Register-tiled products with packed panels.
//
// A panel is 64 (or, for a GRU's three slots, 48) columns of the right operand: for each k a row of
// adjacent floats, so that one step of k reads four vectors and no stride. The left operand is read
// in place, one broadcast float at a time.
#ifndef SPARKRNN_PRODUCT_H
#define SPARKRNN_PRODUCT_H

#include "simd.h"

#define multiply_panel NAME(multiply_panel)
#define multiply NAME(multiply)

#define PANEL 64

// Most rows of a register tile on this processor.
static inline long tile_rows(void) {
#if defined(PANELS_ARE_FAR)
    if (panels_are_far()) return TILE_ROWS - 1;
#endif
    return TILE_ROWS;
}

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

// Memory that is needed soon: asked for while products run, some lines per strip of k, so that main
// memory works as long as the arithmetic does.
typedef struct stream {
    const float *next, *end;
    long lines;  // per strip
} stream;

#define LINE 16  // floats of a cache line

// A tile stops between strips of k: up to seven, so that each asks for a row of the next tile's
// sums, but none shorter than 32 steps, about 450 cycles.
static inline long strip_of(long k) {
    const long strip = ceil_div(k, 7);
    return strip < 32 ? 32 : strip;
}

// A stream of `floats` that is through when so many tiles of k steps are.
static inline stream stream_during(long tiles, long k, const float *from, long floats) {
    const stream ahead = {from, from + floats,
                          ceil_div(floats, LINE * tiles * ceil_div(k, strip_of(k)))};
    return ahead;
}

// c[0..rows, 0..width] = start, then one fma chain over increasing k per element; width <= PANEL,
// b: a panel with row stride b_stride. s may be c itself; ahead may be NULL.
void multiply_panel(long rows, long width, const left *a, const float *b, long b_stride, start s,
                    float *c, long c_stride, stream *ahead);

// c = start + a * b for all columns, panel after panel: panel i has `width` columns (the last one
// what is left of `columns`) and row stride `width`; its columns of c begin at c + i * c_step, its
// start at s.data + i * s.step.
typedef struct right {
    const float *panels;
    long columns;
    long width;
} right;

void multiply(long rows, const left *a, right b, start s, float *c, long c_stride, long c_step);

#endif
