// See product.h. The whole speed of the kernel is in tile_body.
#include "product.h"

#include "simd.h"

// Floats of k that a left tile of TILE_ROWS rows may hold: 7 x 1024 x 4 B = 28 KiB of 48 KiB L1.
// The panel's chunk, 256 KiB, stays in L2 for all row tiles.
#define K_CHUNK 1024

// Bytes of the left operand that stay in L2 while all panels pass.
#define LEFT_BYTES (320 * 1024)

// How far ahead a panel is prefetched into L1: about 12 steps of k, which take 170 cycles; an L3
// access takes about that.
#define PREFETCH_STEPS 12

INLINE void tile_body(const int rows, const int vectors, const left a, const long inner_stride,
                      const float *b, const long b_stride, const start s, float *c,
                      const long c_stride, const long last) {
    v16 sum[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors - 1; n++) {
            sum[m][n] = v_load(s.data + m * s.stride + 16 * n);
        }
        sum[m][vectors - 1] = v_load_first(s.data + m * s.stride + 16 * (vectors - 1), last);
    }
    const float *outer = a.data;
    for (long o = 0; o < a.outer; o++, outer += a.outer_stride) {
        const float *x = outer;
        for (long k = 0; k < a.inner; k++, x += inner_stride, b += b_stride) {
            UNROLL for (int n = 0; n < vectors; n += 2) {
                const v16 b0 = v_load(b + 16 * n);
                const v16 b1 = n + 1 < vectors ? v_load(b + 16 * n + 16) : b0;
                __builtin_prefetch(b + PREFETCH_STEPS * b_stride + 16 * n);
                if (n + 1 < vectors)
                    __builtin_prefetch(b + PREFETCH_STEPS * b_stride + 16 * n + 16);
                UNROLL for (int m = 0; m < rows; m++) {
                    // 28 sums, 2 weights and 1 broadcast fit 32 registers; a second broadcast of
                    // the same value must not be merged with the first.
                    const v16 xm = rows * vectors >= 28 ? v_set_again(x + m * a.row_stride)
                                                        : v_set(x[m * a.row_stride]);
                    sum[m][n] = v_fma(xm, b0, sum[m][n]);
                    if (n + 1 < vectors) sum[m][n + 1] = v_fma(xm, b1, sum[m][n + 1]);
                }
            }
        }
    }
    UNROLL for (int m = 0; m < rows; m++) {
        UNROLL for (int n = 0; n < vectors - 1; n++) v_store(c + m * c_stride + 16 * n, sum[m][n]);
        v_store_first(c + m * c_stride + 16 * (vectors - 1), last, sum[m][vectors - 1]);
    }
}

typedef void tile_function(left a, const float *b, long b_stride, start s, float *c, long c_stride,
                           long last);

#define TILE(ROWS, VECTORS)                                                                       \
    static void tile_##ROWS##_##VECTORS(left a, const float *b, long b_stride, start s, float *c, \
                                        long c_stride, long last) {                               \
        if (a.inner_stride == 1) {                                                                \
            tile_body(ROWS, VECTORS, a, 1, b, b_stride, s, c, c_stride, last);                    \
        } else {                                                                                  \
            tile_body(ROWS, VECTORS, a, a.inner_stride, b, b_stride, s, c, c_stride, last);       \
        }                                                                                         \
    }

#if TILE_VECTORS == 4
#define TILES(ROWS) TILE(ROWS, 1) TILE(ROWS, 2) TILE(ROWS, 3) TILE(ROWS, 4)
#define TILE_NAMES(ROWS) \
    { tile_##ROWS##_1, tile_##ROWS##_2, tile_##ROWS##_3, tile_##ROWS##_4 }
#else
#define TILES(ROWS) TILE(ROWS, 1)
#define TILE_NAMES(ROWS) \
    { tile_##ROWS##_1 }
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
    TILE_NAMES(1), TILE_NAMES(2), TILE_NAMES(3), TILE_NAMES(4),
#if TILE_ROWS > 4
    TILE_NAMES(5), TILE_NAMES(6),
#endif
#if TILE_ROWS > 6
    TILE_NAMES(7),
#endif
};

void multiply_tile(long rows, long width, left a, const float *b, long b_stride, start s, float *c,
                   long c_stride) {
    // One pass where four vectors fit the registers; else one per vector, the left tile in L1.
    for (long column = 0; column < width; column += 16 * TILE_VECTORS) {
        const long part = min_long(width - column, 16 * TILE_VECTORS);
        const long vectors = ceil_div(part, 16);
        const start part_start = {s.data + column, s.stride, 0};
        tiles[rows - 1][vectors - 1](a, b + column, b_stride, part_start, c + column, c_stride,
                                     part - 16 * (vectors - 1));
    }
}

// Rows as evenly as possible over the fewest tiles: 20 rows are 7 + 7 + 6, never 7 + 7 + 5 + 1.
static void row_tiles(long rows, long width, left a, const float *b, long b_stride, start s,
                      float *c, long c_stride) {
    const long count = ceil_div(rows, TILE_ROWS);
    long first = 0;
    for (long i = 0; i < count; i++) {
        const long next = rows * (i + 1) / count;
        left part = a;
        part.data += first * a.row_stride;
        const start part_start = {s.data + first * s.stride, s.stride, 0};
        if (s.stride != 0 && next < rows) {
            // The next tile's sums: they may lie far away and would be waited for, all at once.
            prefetch_rows(s.data + next * s.stride, min_long(TILE_ROWS, rows - next), width,
                          s.stride);
        }
        multiply_tile(next - first, width, part, b, b_stride, part_start, c + first * c_stride,
                      c_stride);
        first = next;
    }
}

// k from step `first` on, `count` steps; steps are outer blocks where there are several.
static left k_range(left a, long first, long count) {
    if (a.outer > 1) {
        a.data += first * a.outer_stride;
        a.outer = count;
    } else {
        a.data += first * a.inner_stride;
        a.inner = count;
    }
    return a;
}

typedef struct chunks {
    long steps;      // of k_range
    long rows_each;  // panel rows of one step
    long count;      // chunks of at most K_CHUNK panel rows
} chunks;

static chunks chunks_of(left a) {
    chunks k = {a.outer > 1 ? a.outer : a.inner, a.outer > 1 ? a.inner : 1, 1};
    k.count = ceil_div(k.steps * k.rows_each, K_CHUNK);
    return k;
}

void multiply_panel(long rows, long width, left a, const float *b, long b_stride, start s, float *c,
                    long c_stride) {
    const chunks k = chunks_of(a);
    const start again = {c, c_stride, 0};
    for (long i = 0; i < k.count; i++) {
        const long first = k.steps * i / k.count, next = k.steps * (i + 1) / k.count;
        row_tiles(rows, width, k_range(a, first, next - first), b + first * k.rows_each * b_stride,
                  b_stride, i == 0 ? s : again, c, c_stride);
    }
}

void multiply(long rows, left a, right b, start s, float *c, long c_stride, long c_step) {
    const chunks k = chunks_of(a);
    const long k_total = k.steps * k.rows_each;
    const long chunk_bytes = ceil_div(k_total, k.count) * (long)sizeof(float);
    const long block = TILE_ROWS * (LEFT_BYTES / (chunk_bytes * TILE_ROWS) + 1);
    const long panels = ceil_div(b.columns, b.width);
    for (long i = 0; i < k.count; i++) {
        const long first = k.steps * i / k.count, next = k.steps * (i + 1) / k.count;
        for (long row = 0; row < rows; row += block) {
            left part = k_range(a, first, next - first);
            part.data += row * a.row_stride;
            for (long panel = 0; panel < panels; panel++) {
                float *part_c = c + row * c_stride + panel * c_step;
                const start begin = {s.data + row * s.stride + panel * s.step, s.stride, 0};
                const start again = {part_c, c_stride, 0};
                row_tiles(min_long(block, rows - row),
                          min_long(b.width, b.columns - panel * b.width), part,
                          b.panels + (panel * k_total + first * k.rows_each) * b.width, b.width,
                          i == 0 ? begin : again, part_c, c_stride);
            }
        }
    }
}
