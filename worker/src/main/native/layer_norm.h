// Layer normalisation (Ba, Kiros and Hinton 2016): what the files that do it share. Rows are added
// up in sixteen lanes.
#ifndef SPARKRNN_LAYER_NORM_H
#define SPARKRNN_LAYER_NORM_H

#include "variant.h"

// The floats of a row that are normalised together: vectors of 16 units, block after block.
typedef struct span {
    long blocks, step;    // from block to block
    long first, vectors;  // of a block
    long live;            // units of the last block
    float elements;
    int statistics;  // where their mean is in a position's statistics; then 1 / deviation
} span;

static inline span span_of(const recurrent_layer *layer, long step, long first, long vectors,
                           int statistics) {
    const long blocks = ceil_div(layer->hidden, LANES);
    const span s = {blocks,
                    step,
                    first,
                    vectors,
                    layer->hidden - (blocks - 1) * LANES,
                    (float)(layer->hidden * vectors),
                    statistics};
    return s;
}

static inline long live_of(const span *s, long block) {
    return block + 1 < s->blocks ? LANES : s->live;
}

// For each vector of a row that is normalised: its offset, and the units of it that exist.
#define EACH_VECTOR(s, offset, live)                                                             \
    for (long block_ = 0, live = 0; live = live_of(&(s), block_), block_ < (s).blocks; block_++) \
        for (long offset = block_ * (s).step + (s).first, end_ = offset + (s).vectors * LANES;   \
             offset < end_; offset += LANES, (void)live)

// Each row's lanes, added up, in the lane of the row's number.
static inline v16 add_lanes(v16 rows[LANES]) {
    v_transpose(rows);
    for (int distance = LANES / 2; distance > 0; distance /= 2) {
        for (int lane = 0; lane < distance; lane++) {
            rows[lane] = v_add(rows[lane], rows[lane + distance]);
        }
    }
    return rows[0];
}

// Rows that are added up side by side, so that none waits for its last sum.
#define TOGETHER 4

// Up to 16 rows; the last one stands for those that are not there.
typedef struct rows {
    const float *first;
    long stride, count;
} rows;

static inline const float *row_of(const rows *some, long row) {
    return some->first + min_long(row, some->count - 1) * some->stride;
}

static inline void add_rows_up(const rows *some, span s, v16 sums[LANES]) {
    for (long row = 0; row < LANES; row += TOGETHER) {
        const float *from[TOGETHER];
        v16 sum[TOGETHER];
        UNROLL for (int r = 0; r < TOGETHER; r++) {
            from[r] = row_of(some, row + r);
            sum[r] = v_zero();
        }
        if (row < some->count) {
            EACH_VECTOR(s, i, live) {
                UNROLL for (int r = 0; r < TOGETHER; r++) {
                    sum[r] = v_add(sum[r], v_first(v_load(from[r] + i), live));
                }
            }
        }
        UNROLL for (int r = 0; r < TOGETHER; r++) sums[row + r] = sum[r];
    }
}

static inline void add_squares_up(const rows *some, span s, const float means[LANES],
                                  v16 sums[LANES]) {
    for (long row = 0; row < LANES; row += TOGETHER) {
        const float *from[TOGETHER];
        v16 sum[TOGETHER], mean[TOGETHER];
        UNROLL for (int r = 0; r < TOGETHER; r++) {
            from[r] = row_of(some, row + r);
            mean[r] = v_set(means[row + r]);
            sum[r] = v_zero();
        }
        if (row < some->count) {
            EACH_VECTOR(s, i, live) {
                UNROLL for (int r = 0; r < TOGETHER; r++) {
                    const v16 d = v_first(v_sub(v_load(from[r] + i), mean[r]), live);
                    sum[r] = v_fma(d, d, sum[r]);
                }
            }
        }
        UNROLL for (int r = 0; r < TOGETHER; r++) sums[row + r] = sum[r];
    }
}

// Of up to 16 rows.
static inline void measure(rows some, span s, float *statistics) {
    v16 sums[LANES];
    float means[LANES], inverses[LANES];
    const v16 elements = v_set(s.elements);
    add_rows_up(&some, s, sums);
    v_store(means, v_div(add_lanes(sums), elements));
    add_squares_up(&some, s, means, sums);
    const v16 variance = v_div(add_lanes(sums), elements);
    v_store(inverses, v_div(v_set(1.0f), v_sqrt(v_add(variance, v_set(1e-5f)))));
    for (long r = 0; r < some.count; r++) {
        statistics[r * LANES + s.statistics] = means[r];
        statistics[r * LANES + s.statistics + 1] = inverses[r];
    }
}

typedef struct normal {
    v16 mean, inverse;
} normal;

static inline normal normal_of(const float *statistics, span s) {
    const normal n = {v_set(statistics[s.statistics]), v_set(statistics[s.statistics + 1])};
    return n;
}

INLINE v16 normalised(normal n, const float *from) {
    return v_mul(v_sub(v_load(from), n.mean), n.inverse);
}

// Gradients by up to 16 rows of normalised values, added up: means of themselves, and of their
// products with these values.
typedef struct means {
    float plain[LANES], product[LANES];
} means;

static inline means means_of(v16 plain[LANES], v16 product[LANES], span s) {
    means m;
    v_store(m.plain, v_div(add_lanes(plain), v_set(s.elements)));
    v_store(m.product, v_div(add_lanes(product), v_set(s.elements)));
    return m;
}

// The gradient by what was normalised to `value`, given that by the value.
INLINE v16 through_norm(normal n, v16 d, v16 value, v16 plain, v16 product) {
    return v_mul(n.inverse, v_fnma(value, product, v_sub(d, plain)));
}

#endif
