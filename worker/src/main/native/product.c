// See product.h. The whole speed of the kernel is in tile_body.
#include "product.h"

#include <stddef.h>

#include "simd.h"

#if defined(BF16)
#define MULTIPLY_ADD v_dot  // two terms per lane
#else
#define MULTIPLY_ADD v_fma
#endif

// Floats of k that a left tile of TILE_ROWS rows may hold: 7 x 1024 x 4 B = 28 KiB of 48 KiB L1.
// The panel's chunk, 256 KiB, stays in L2 for all row tiles.
#define K_CHUNK 1024

// Bytes of the left operand that stay in L2 while all panels pass.
#define LEFT_BYTES (320 * 1024)

// How a tile walks its operands; the same for all tiles of a panel. Tiles read it in memory, field
// by field: copies of structs that were just written cost more than a hundred cycles each (a wide
// load waits until the narrow stores before it, and all stores before those, have left the core).
typedef struct strides {
    long left_row, inner, outer, outer_stride;
    long right_row, start_row, result_row;
    long last;        // columns of the last vector
    long strip;       // steps of k
    long strip_rows;  // rows of the next tile's sums to ask for between two strips
    const float *next_sums;
    const float *ask;  // what of `ahead` a tile of STEPS_IN_PAIRS asks for
    stream *ahead;
} strides;

// Hides how a pointer was computed; the compiler would spend a register per row on it, and spill.
#define OPAQUE(pointer) __asm__("" : "+r"(pointer))

INLINE void load_sums(const int rows, const int vectors, v16 sum[TILE_ROWS][TILE_VECTORS],
                      const float *from, const long stride, const long last) {
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors - 1; n++) sum[m][n] = v_load(from + 16 * n);
        sum[m][vectors - 1] = v_load_first(from + 16 * (vectors - 1), last);
        from += stride;
        OPAQUE(from);
    }
}

INLINE void store_sums(const int rows, const int vectors, v16 sum[TILE_ROWS][TILE_VECTORS],
                       float *to, const long stride, const long last) {
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors - 1; n++) v_store(to + 16 * n, sum[m][n]);
        v_store_first(to + 16 * (vectors - 1), last, sum[m][vectors - 1]);
        to += stride;
        OPAQUE(to);
    }
}

INLINE void ask_for(stream *ahead) {
    for (long i = 0; i < ahead->lines && ahead->next < ahead->end; i++, ahead->next += LINE) {
        __builtin_prefetch(ahead->next, 0, 2);
    }
}

INLINE void ask_for_sums(const long rows, const long vectors, const float *sums, const long row) {
    for (long r = 0; r < rows; r++, sums += row) {
        UNROLL for (int n = 0; n < vectors; n++) __builtin_prefetch(sums + 16 * n, 1);
        __builtin_prefetch(sums + 16 * vectors - 1, 1);
    }
}

// Asks for a part of what comes after this tile: a few lines at a time, since many misses at once
// would stop the tile's own loads. Returns the rest of the next tile's sums.
INLINE const float *ask_ahead(const strides *at, const int vectors, const float *sums) {
    ask_for_sums(at->strip_rows, vectors, sums, at->result_row);
    if (at->ahead != NULL) ask_for(at->ahead);
    return sums + at->strip_rows * at->result_row;
}

INLINE void tile_body(const int rows, const int vectors, const strides *at, const float *a,
                      const float *b, const float *s, float *c) {
    v16 sum[TILE_ROWS][TILE_VECTORS];
    // Constants are worth a branch: masks would be computed, and a masked store is not forwarded.
    if (at->last == 16) {
        load_sums(rows, vectors, sum, s, at->start_row, 16);
    } else {
        load_sums(rows, vectors, sum, s, at->start_row, at->last);
    }
    const float *next_sums = at->next_sums;
    const long row = at->left_row, right_row = at->right_row;
    for (long o = at->outer; o > 0; o--, a += at->outer_stride) {
        const float *x0 = a, *x3 = a + 3 * row, *x6 = a + 6 * row;
        OPAQUE(x0);
        OPAQUE(x3);
        OPAQUE(x6);
        for (long first = 0; first < at->inner; first += at->strip) {
            next_sums = ask_ahead(at, vectors, next_sums);
            for (long k = min_long(at->strip, at->inner - first); k > 0; k--) {
                UNROLL for (int n = 0; n < vectors; n += 2) {
                    const v16 b0 = v_load(b + 16 * n);
                    const v16 b1 = n + 1 < vectors ? v_load(b + 16 * n + 16) : b0;
                    UNROLL for (int m = 0; m < rows; m++) {
                        const float *x = m < 3 ? x0 + m * row : m < 6 ? x3 + (m - 3) * row : x6;
                        // 28 sums, 2 weights and 1 broadcast fit 32 registers; a second broadcast
                        // of the same value must not be merged with the first.
                        const v16 xm = rows * vectors >= 28 ? v_set_again(x) : v_set(*x);
                        sum[m][n] = MULTIPLY_ADD(xm, b0, sum[m][n]);
                        if (n + 1 < vectors) sum[m][n + 1] = MULTIPLY_ADD(xm, b1, sum[m][n + 1]);
                    }
                }
                x0++;
                x3++;
                x6++;
                b += right_row;
            }
        }
    }
    if (at->last == 16) {
        store_sums(rows, vectors, sum, c, at->result_row, 16);
    } else {
        store_sums(rows, vectors, sum, c, at->result_row, at->last);
    }
}

typedef void tile_function(const strides *at, const float *a, const float *b, const float *s,
                           float *c);

#define TILE(ROWS, VECTORS)                                                                \
    static void tile_##ROWS##_##VECTORS(const strides *at, const float *a, const float *b, \
                                        const float *s, float *c) {                        \
        tile_body(ROWS, VECTORS, at, a, b, s, c);                                          \
    }

#if TILE_VECTORS == 4
#define TILES(ROWS) TILE(ROWS, 1) TILE(ROWS, 2) TILE(ROWS, 3) TILE(ROWS, 4)
#define TILE_NAMES(KIND, ROWS) \
    { KIND##_##ROWS##_1, KIND##_##ROWS##_2, KIND##_##ROWS##_3, KIND##_##ROWS##_4 }
#else
#define TILES(ROWS) TILE(ROWS, 1)
#define TILE_NAMES(KIND, ROWS) \
    { KIND##_##ROWS##_1 }
#endif

TILES(1)
TILES(2)
TILES(3)
TILES(4)
#if TILE_ROWS > 4
TILES(5)
TILES(6)
#endif
#if TILE_ROWS > 6
TILES(7)
#endif

static tile_function *const tiles[TILE_ROWS][TILE_VECTORS] = {
    TILE_NAMES(tile, 1), TILE_NAMES(tile, 2), TILE_NAMES(tile, 3), TILE_NAMES(tile, 4),
#if TILE_ROWS > 4
    TILE_NAMES(tile, 5), TILE_NAMES(tile, 6),
#endif
#if TILE_ROWS > 6
    TILE_NAMES(tile, 7),
#endif
};

#if defined(STEPS_IN_PAIRS)
#include "product_pairs.h"
#endif

static tile_function *tile_of(strides *at, long rows, long vectors) {
#if defined(STEPS_IN_PAIRS)
    if (steps_in_pairs()) return pairs_tile_of(at, rows, vectors);
#endif
    (void)at;
    return tiles[rows - 1][vectors - 1];
}

// Rows as evenly as possible over the fewest tiles: 20 rows are 7 + 7 + 6, never 7 + 7 + 5 + 1.
static void row_tiles(long rows, long width, strides *at, const float *a, const float *b,
                      const float *s, float *c) {
    const float *next_sums = c + width;
    const long count = ceil_div(rows, tile_rows()), longer = rows % count;
    for (long i = 0; i < count; i++) {
        const long here = rows / count + (i < longer ? 1 : 0);
        // One pass where four vectors fit the registers; else one per vector, the left tile in L1.
        for (long column = 0; column < width; column += 16 * TILE_VECTORS) {
            const long part = min_long(width - column, 16 * TILE_VECTORS);
            const long vectors = ceil_div(part, 16);
            at->last = part - 16 * (vectors - 1);
            at->next_sums = i + 1 < count ? c + here * at->result_row : next_sums;
            tile_of(at, here, vectors)(at, a, b + column, s + column, c + column);
        }
        a += here * at->left_row;
        s += here * at->start_row;
        c += here * at->result_row;
    }
}

// k counted in steps that a chunk may not cut: outer blocks where there are several.
typedef struct chunks {
    long steps;
    long step_stride;  // of the left operand
    long rows_each;    // panel rows of one step
    long count;        // chunks of at most K_CHUNK panel rows
} chunks;

static chunks chunks_of(const left *a) {
    const bool blocks = a->outer > 1;
    chunks k = {blocks ? a->outer : a->inner, blocks ? a->outer_stride : 1, blocks ? a->inner : 1, 1};
    k.count = ceil_div(k.steps * k.rows_each, K_CHUNK);
    return k;
}

static strides strides_of(const left *a, long steps, long b_stride, long s_stride, long c_stride,
                          stream *ahead) {
    const bool blocks = a->outer > 1;
    strides at = {.left_row = a->row_stride,
                  .inner = blocks ? a->inner : steps,
                  .outer = blocks ? steps : a->outer,
                  .outer_stride = a->outer_stride,
                  .right_row = b_stride,
                  .start_row = s_stride,
                  .result_row = c_stride,
                  .ahead = ahead};
    at.strip = min_long(at.inner, strip_of(at.inner * at.outer));
    at.strip_rows = ceil_div(TILE_ROWS, ceil_div(at.inner, at.strip) * at.outer);
    return at;
}

void products_begin(void) {}
void products_end(void) {}

void multiply_panel(long rows, long width, const left *a, const float *b, long b_stride, start s,
                    float *c, long c_stride, stream *ahead) {
    const chunks k = chunks_of(a);
    for (long i = 0; i < k.count; i++) {
        const long first = k.steps * i / k.count, next = k.steps * (i + 1) / k.count;
        strides at =
            strides_of(a, next - first, b_stride, i == 0 ? s.stride : c_stride, c_stride, ahead);
        stream own;
        if (i + 1 < k.count) {
            stream *rest = stream_ahead(&own, rows, (next - first) * k.rows_each,
                                        b + next * k.rows_each * b_stride,
                                        (next - first) * k.rows_each * b_stride);
            if (rest != NULL) at.ahead = rest;
        }
        row_tiles(rows, width, &at, a->data + first * k.step_stride,
                  b + first * k.rows_each * b_stride, i == 0 ? s.data : c, c);
    }
}

void multiply(long rows, const left *a, right b, start s, float *c, long c_stride, long c_step) {
    const chunks k = chunks_of(a);
    const long k_total = k.steps * k.rows_each;
    const long chunk_bytes = ceil_div(k_total, k.count) * (long)sizeof(float);
    const long block = TILE_ROWS * (LEFT_BYTES / (chunk_bytes * TILE_ROWS) + 1);
    const long panels = ceil_div(b.columns, b.width);
    for (long i = 0; i < k.count; i++) {
        const long first = k.steps * i / k.count, next = k.steps * (i + 1) / k.count;
        strides at =
            strides_of(a, next - first, b.width, i == 0 ? s.stride : c_stride, c_stride, NULL);
        const long here_k = (next - first) * k.rows_each, panel_floats = k_total * b.width;
        const float *right = b.panels + first * k.rows_each * b.width;
        for (long row = 0; row < rows; row += block) {
            const long here = min_long(block, rows - row);
            for (long panel = 0; panel < panels; panel++) {
                float *part = c + row * c_stride + panel * c_step;
                const long following = panel + 1 < panels ? panel + 1 : 0;
                stream ahead;
                at.ahead = stream_ahead(&ahead, here, here_k, right + following * panel_floats,
                                        here_k * b.width);
                row_tiles(here, min_long(b.width, b.columns - panel * b.width), &at,
                          a->data + row * a->row_stride + first * k.step_stride,
                          right + panel * panel_floats,
                          i == 0 ? s.data + row * s.stride + panel * s.step : part, part);
            }
        }
    }
}
