// Register-tiled products with packed panels.
//
// A panel is 64 (or, for a GRU's three slots, 48) columns of the right operand: for each k a row of
// adjacent floats, so that one step of k reads four vectors and no stride. The left operand is read
// in place, one broadcast float at a time.
#ifndef SPARKRNN_PRODUCT_H
#define SPARKRNN_PRODUCT_H

#include <stddef.h>

#include "simd.h"

#define multiply_panel NAME(multiply_panel)
#define multiply NAME(multiply)
#define products_begin NAME(products_begin)
#define products_end NAME(products_end)

#define PANEL 64

// Where a panel of `lanes` rows of `width` columns, a multiple of 16, keeps the 16 columns from
// `column` on of row k. For AMX tiles of 16 x 16 lie in the order in which they are loaded: columns
// two by two tiles, in these the chunks of k, in a chunk both tiles.
static inline long panel_at(long k, long column, long width, long lanes) {
#if defined(AMX)
    const long first = column / 32 * 32, tiles = width - first > 16 ? 2 : 1;
    return first * lanes + (k / 16 * tiles + (column - first) / 16) * 256 + k % 16 * 16;
#else
    (void)lanes;
    return k * width + column;
#endif
}

// Most rows that one pass over a panel computes: two rows of AMX tiles, or those of a register tile
// on this processor.
#if defined(AMX)
#define MOST_ROWS 32
static inline long tile_rows(void) { return MOST_ROWS; }
#else
#define MOST_ROWS TILE_ROWS
static inline long tile_rows(void) {
#if defined(STEPS_IN_PAIRS)
    if (steps_in_pairs()) return PAIRS_ROWS;
#endif
    return TILE_ROWS;
}
#endif

// Around all products of a call: AMX's tiles have a shape while in use.
void products_begin(void);
void products_end(void);

// The left operand; for AMX in whole chunks of k. Element (row, k) is data[row * row_stride +
// offset(k)]. k counts through blocks of `inner` that are adjacent: offset(k) = (k / inner) *
// outer_stride + k % inner.
typedef struct left {
    const float *data;
    long row_stride;
    long inner;
    long outer, outer_stride;
} left;

// k adjacent in memory
static inline left left_rows(const float *data, long row_stride, long k) {
    const left a = {data, row_stride, k, 1, 0};
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
    // AMX: rows after the one that ends at `end`, and a second stream, or NULL.
    long rows, row_stride, row_floats;
    struct stream *then;
} stream;

#define LINE 16  // floats of a cache line

// A tile stops between strips of k: up to seven, so that each asks for a row of the next tile's
// sums, but none shorter than 32 steps, about 450 cycles. AMX has one per chunk, half a panel wide;
// steps in pairs ask while they go on.
static inline long strip_of(long k) {
#if defined(AMX)
    (void)k;
    return 8;
#else
#if defined(STEPS_IN_PAIRS)
    if (steps_in_pairs()) return 2;
#endif
    const long strip = ceil_div(k, 7);
    return strip < 32 ? 32 : strip;
#endif
}

// A stream of `floats` that is through when so many tiles of k steps are.
static inline stream stream_during(long tiles, long k, const float *from, long floats) {
    const stream ahead = {
        from, from + floats, ceil_div(floats, LINE * tiles * ceil_div(k, strip_of(k))), 0, 0,
        0,    NULL};
    return ahead;
}

// The same of rows that are not adjacent.
static inline stream rows_during(long tiles, long k, const float *from, long rows, long stride,
                                 long floats) {
    stream ahead = stream_during(tiles, k, from, rows * round_up(floats, LINE));
    ahead.end = rows > 0 ? from + floats : from;
    ahead.rows = rows - 1;
    ahead.row_stride = stride;
    ahead.row_floats = floats;
    return ahead;
}

// The same of what a product of so many rows should ask for, where that pays: most processors work
// so long on a panel of floats that their own prefetching is in time.
static inline stream *stream_ahead(stream *to, long rows, long k, const float *from, long floats) {
#if defined(AMX)
    const bool pays = true;
#elif defined(STEPS_IN_PAIRS)
    const bool pays = steps_in_pairs();
#else
    const bool pays = false;
#endif
    if (!pays) return NULL;
    *to = stream_during(ceil_div(rows, tile_rows()), k, from, floats);
    return to;
}

// c[0..rows, 0..width] = start, then one chain over increasing k per element; width <= PANEL, b: a
// panel b_stride wide. s may be c itself; ahead may be NULL.
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
