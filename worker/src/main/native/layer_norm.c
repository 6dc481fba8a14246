// Layer normalisation (Ba, Kiros and Hinton 2016) of the rows of a step, before and after what a
// cell computes of them; the same for every cell. Rows are added up in sixteen lanes.
#include <stddef.h>

#include "polynomials.h"
#include "product.h"
#include "variant.h"

static const float epsilon = 1e-5f;

typedef enum norm_source { OF_INPUT, OF_HIDDEN, OF_GATED } norm_source;

// The floats of a row that are normalised together: vectors of 16 units, block after block.
typedef struct span {
    long blocks, step;    // from block to block
    long first, vectors;  // of a block
    long live;            // units of the last block
    float elements;
    int statistics;  // where their mean is in a position's statistics; then 1 / deviation
} span;

static long block_floats(const cell_shape *shape) { return shape->slots * LANES; }

static span span_of(const recurrent_layer *layer, long step, long first, long vectors,
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

static span cell_span(const recurrent_layer *layer) { return span_of(layer, LANES, 0, 1, 8); }

// The slots that see a source, those in turn that are normalised together: at most two spans.
static int spans_of(const recurrent_layer *layer, norm_source source, span spans[2]) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const int first = source == OF_INPUT    ? shape->input_first
                      : source == OF_HIDDEN ? shape->hidden_first
                                            : shape->gated_first;
    const int slots = source == OF_INPUT    ? shape->input_slots
                      : source == OF_HIDDEN ? shape->hidden_slots
                                            : shape->gated_slots;
    int count = 0;
    for (int s = first, from = first; s < first + slots; s++) {
        if (s + 1 < first + slots && norm_of(shape, s) == norm_of(shape, s + 1)) continue;
        const int at = (source == OF_INPUT ? 0 : 4) + 2 * norm_of(shape, s);
        spans[count++] = span_of(layer, block_floats(shape), from * LANES, (s + 1 - from), at);
        from = s + 1;
    }
    return count;
}

static long live_of(const span *s, long block) { return block + 1 < s->blocks ? LANES : s->live; }

// For each vector of a row that is normalised: its offset, and the units of it that exist.
#define EACH_VECTOR(s, offset, live)                                                             \
    for (long block_ = 0, live = 0; live = live_of(&(s), block_), block_ < (s).blocks; block_++) \
        for (long offset = block_ * (s).step + (s).first, end_ = offset + (s).vectors * LANES;   \
             offset < end_; offset += LANES, (void)live)

// Each row's lanes, added up, in the lane of the row's number.
static v16 add_lanes(v16 rows[LANES]) {
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

static const float *row_of(const rows *some, long row) {
    return some->first + min_long(row, some->count - 1) * some->stride;
}

static void add_rows_up(const rows *some, span s, v16 sums[LANES]) {
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

static void add_squares_up(const rows *some, span s, const float means[LANES], v16 sums[LANES]) {
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
static void measure(rows some, span s, float *statistics) {
    v16 sums[LANES];
    float means[LANES], inverses[LANES];
    const v16 elements = v_set(s.elements);
    add_rows_up(&some, s, sums);
    v_store(means, v_div(add_lanes(sums), elements));
    add_squares_up(&some, s, means, sums);
    const v16 variance = v_div(add_lanes(sums), elements);
    v_store(inverses, v_div(v_set(1.0f), v_sqrt(v_add(variance, v_set(epsilon)))));
    for (long r = 0; r < some.count; r++) {
        statistics[r * LANES + s.statistics] = means[r];
        statistics[r * LANES + s.statistics + 1] = inverses[r];
    }
}

typedef struct normal {
    v16 mean, inverse;
} normal;

static normal normal_of(const float *statistics, span s) {
    const normal n = {v_set(statistics[s.statistics]), v_set(statistics[s.statistics + 1])};
    return n;
}

INLINE v16 normalised(normal n, const float *from) {
    return v_mul(v_sub(v_load(from), n.mean), n.inverse);
}

// What a source has in memory, from a position on.
typedef struct source_rows {
    float *sums, *gates, *statistics;
    const float *gain;
    float *d_gain;
    long stride;
} source_rows;

static source_rows rows_of(const recurrent_layer *layer, recurrent_layout at, long first,
                           norm_source source) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const long stride = ceil_div(layer->hidden, LANES) * block_floats(shape);
    const bool input = source == OF_INPUT;
    const source_rows r = {
        layer->packed + (input ? at.input_sums : at.hidden_sums) + first * stride,
        layer->gates + first * stride,
        layer->packed + at.statistics + first * LANES,
        layer->packed + (input ? at.gain_ih : at.gain_hh),
        layer->packed + at.d_norm + (input ? stride : 2 * stride),
        stride};
    return r;
}

// gates (+)= gain * normalised sums, of up to 16 positions.
static void source_forward(const recurrent_layer *layer, recurrent_layout at, long first, long some,
                           norm_source source) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const source_rows all = rows_of(layer, at, first, source);
    const float *bias = layer->packed + at.bias;
    span spans[2];
    const int count = spans_of(layer, source, spans);
    for (int k = 0; k < count; k++) {
        const span s = spans[k];
        // What comes first to a slot begins with the bias.
        const bool begins = source == OF_INPUT || !sees_input(shape, (int)(s.first / LANES));
        const rows measured = {all.sums, all.stride, some};
        measure(measured, s, all.statistics);
        for (long r = 0; r < some; r++) {
            const normal n = normal_of(all.statistics + r * LANES, s);
            const float *sums = all.sums + r * all.stride;
            float *gates = all.gates + r * all.stride;
            const float *from = begins ? bias : gates;
            EACH_VECTOR(s, i, live) {
                v_store(gates + i,
                        v_fma(v_load(all.gain + i), normalised(n, sums + i), v_load(from + i)));
            }
        }
    }
}

void NAME(norm_forward)(const recurrent_layer *layer, recurrent_layout at, long step, bool gated) {
    for (long b = 0; b < layer->batch; b += LANES) {
        const long first = step * layer->batch + b, some = min_long(LANES, layer->batch - b);
        if (gated) {
            source_forward(layer, at, first, some, OF_GATED);
        } else {
            source_forward(layer, at, first, some, OF_INPUT);
            source_forward(layer, at, first, some, OF_HIDDEN);
        }
    }
}

// Gradients by up to 16 rows of normalised values, added up: means of themselves, and of their
// products with these values.
typedef struct means {
    float plain[LANES], product[LANES];
} means;

static means means_of(v16 plain[LANES], v16 product[LANES], span s) {
    means m;
    v_store(m.plain, v_div(add_lanes(plain), v_set(s.elements)));
    v_store(m.product, v_div(add_lanes(product), v_set(s.elements)));
    return m;
}

// The gradient by what was normalised to `value`, given that by the value.
INLINE v16 through_norm(normal n, v16 d, v16 value, v16 plain, v16 product) {
    return v_mul(n.inverse, v_fnma(value, product, v_sub(d, plain)));
}

// The sums of up to 16 positions become the gradients by them.
static void source_backward(const recurrent_layer *layer, recurrent_layout at, long first,
                            long some, norm_source source) {
    const source_rows all = rows_of(layer, at, first, source);
    span spans[2];
    const int count = spans_of(layer, source, spans);
    for (int k = 0; k < count; k++) {
        const span s = spans[k];
        v16 plain[LANES], product[LANES];
        for (long r = 0; r < LANES; r++) {
            v16 sum = v_zero(), products = v_zero();
            if (r < some) {
                const normal n = normal_of(all.statistics + r * LANES, s);
                const float *sums = all.sums + r * all.stride;
                const float *gates = all.gates + r * all.stride;
                EACH_VECTOR(s, i, live) {
                    const v16 value = v_first(normalised(n, sums + i), live);
                    const v16 dz = v_load(gates + i);
                    const v16 d = v_mul(v_load(all.gain + i), dz);
                    sum = v_add(sum, d);
                    products = v_fma(d, value, products);
                    v_store(all.d_gain + i, v_fma(dz, value, v_load(all.d_gain + i)));
                }
            }
            plain[r] = sum;
            product[r] = products;
        }
        const means m = means_of(plain, product, s);
        for (long r = 0; r < some; r++) {
            const normal n = normal_of(all.statistics + r * LANES, s);
            const v16 mean = v_set(m.plain[r]), mean_product = v_set(m.product[r]);
            float *sums = all.sums + r * all.stride;
            const float *gates = all.gates + r * all.stride;
            EACH_VECTOR(s, i, live) {
                const v16 d = v_mul(v_load(all.gain + i), v_load(gates + i));
                const v16 by_sum = through_norm(n, d, normalised(n, sums + i), mean, mean_product);
                v_store(sums + i, v_first(by_sum, live));
            }
        }
    }
}

static void bias_backward(const recurrent_layer *layer, recurrent_layout at, long first,
                          long some) {
    const source_rows all = rows_of(layer, at, first, OF_INPUT);
    float *d_bias = layer->packed + at.d_norm;
    for (long r = 0; r < some; r++) {
        const float *gates = all.gates + r * all.stride;
        for (long i = 0; i < all.stride; i += LANES) {
            v_store(d_bias + i, v_add(v_load(d_bias + i), v_load(gates + i)));
        }
    }
}

void NAME(norm_backward)(const recurrent_layer *layer, recurrent_layout at, long step, bool gated) {
    for (long b = 0; b < layer->batch; b += LANES) {
        const long first = step * layer->batch + b, some = min_long(LANES, layer->batch - b);
        if (gated) {
            source_backward(layer, at, first, some, OF_GATED);
        } else {
            bias_backward(layer, at, first, some);
            source_backward(layer, at, first, some, OF_HIDDEN);
            source_backward(layer, at, first, some, OF_INPUT);
        }
    }
}

void NAME(norm_begin_backward)(const recurrent_layer *layer, recurrent_layout at) {
    float *sums = layer->packed + at.d_norm;
    for (long i = 0; i < at.d_normal - at.d_norm; i += LANES) v_store(sums + i, v_zero());
}

// The activation of the output gate, the last slot of every LSTM, of the units at `offset`.
INLINE const float *output_gate(cell_step at, long stream, long offset) {
    const long block = at.gate_row / (at.row / LANES);
    return at.layer->gates + (at.step * at.layer->batch + stream) * at.gate_row +
           offset / LANES * block + block - LANES;
}

static float *cell_statistics(cell_step at, recurrent_layout layout) {
    return at.layer->packed + layout.statistics + at.step * at.layer->batch * LANES;
}

void NAME(norm_cell_forward)(cell_step at, recurrent_layout layout) {
    const recurrent_layer *layer = at.layer;
    const span s = cell_span(layer);
    float *statistics = cell_statistics(at, layout);
    const float *gain = layer->packed + layout.gain_c, *bias = layer->packed + layout.bias_c;
    for (long b = 0; b < layer->batch; b += LANES) {
        const rows some = {at.new_cell + b * at.row, at.row, min_long(LANES, layer->batch - b)};
        measure(some, s, statistics + b * LANES);
    }
    for (long b = 0; b < layer->batch; b++) {
        const normal n = normal_of(statistics + b * LANES, s);
        const float *cell = at.new_cell + b * at.row;
        EACH_VECTOR(s, i, live) {
            const v16 y = v_fma(v_load(gain + i), normalised(n, cell + i), v_load(bias + i));
            const v16 h = v_mul(v_load(output_gate(at, b, i)), v_tanh(y));
            v_store(at.new_hidden + b * at.row + i, v_first(h, live));
        }
    }
}

void NAME(norm_cell_backward)(cell_step at, recurrent_layout layout, float *d_units) {
    const recurrent_layer *layer = at.layer;
    const span s = cell_span(layer);
    const float *statistics = cell_statistics(at, layout);
    const float *gain = layer->packed + layout.gain_c, *bias = layer->packed + layout.bias_c;
    float *normal_gradients = layer->packed + layout.d_normal;
    float *d_gain = layer->packed + layout.d_norm + 3 * at.gate_row, *d_bias = d_gain + at.row;
    for (long b = 0; b < layer->batch; b += LANES) {
        const long some = min_long(LANES, layer->batch - b);
        v16 plain[LANES], product[LANES];
        for (long r = 0; r < LANES; r++) {
            v16 sum = v_zero(), products = v_zero();
            if (r < some) {
                const normal n = normal_of(statistics + (b + r) * LANES, s);
                const float *cell = at.new_cell + (b + r) * at.row;
                EACH_VECTOR(s, i, live) {
                    float *d_unit = d_units + (i / PANEL * layer->batch + b + r) * PANEL + i % PANEL;
                    const v16 value = normalised(n, cell + i);
                    const v16 tc = v_tanh(v_fma(v_load(gain + i), value, v_load(bias + i)));
                    const v16 dh = v_load(d_unit), o = v_load(output_gate(at, b + r, i));
                    const v16 dy = v_first(v_mul(v_mul(dh, o), v_fnma(tc, tc, v_set(1.0f))), live);
                    const v16 d = v_mul(v_load(gain + i), dy);
                    sum = v_add(sum, d);
                    products = v_fma(d, v_first(value, live), products);
                    v_store(d_unit, v_mul(dh, tc));
                    v_store(normal_gradients + r * at.row + i, d);
                    v_store(d_bias + i, v_add(v_load(d_bias + i), dy));
                    v_store(d_gain + i, v_fma(dy, value, v_load(d_gain + i)));
                }
            }
            plain[r] = sum;
            product[r] = products;
        }
        const means m = means_of(plain, product, s);
        for (long r = 0; r < some; r++) {
            const normal n = normal_of(statistics + (b + r) * LANES, s);
            const v16 mean = v_set(m.plain[r]), mean_product = v_set(m.product[r]);
            const float *cell = at.new_cell + (b + r) * at.row;
            float *d_cell = layer->d_cell + (b + r) * at.row;
            EACH_VECTOR(s, i, live) {
                const v16 d = v_load(normal_gradients + r * at.row + i);
                const v16 dc = through_norm(n, d, normalised(n, cell + i), mean, mean_product);
                v_store(d_cell + i, v_first(v_add(v_load(d_cell + i), dc), live));
            }
        }
    }
}

// Of each gate from its slot; where two slots have it, each source from its own.
static void slot_gradients(const recurrent_layer *layer, const float *d, bool of_input, float *to) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    for (long block = 0; block < ceil_div(layer->hidden, LANES); block++) {
        const long live = min_long(LANES, layer->hidden - block * LANES);
        for (int s = 0; s < shape->slots; s++) {
            if (of_input ? sees_input(shape, s) : is_recurrent(shape, s)) {
                v_store_first(to + shape->gate_of[s] * layer->hidden + block * LANES, live,
                              v_load(d + (block * shape->slots + s) * LANES));
            }
        }
    }
}

void NAME(norm_gradients)(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const recurrent_parameters *to = &layer->gradients;
    const long units = round_up(layer->hidden, LANES), gates = units * shape->slots;
    const float *d = layer->packed + at.d_norm;
    slot_gradients(layer, d, true, to->bias_ih);
    slot_gradients(layer, d, false, to->bias_hh);
    slot_gradients(layer, d + gates, true, to->gain_ih);
    slot_gradients(layer, d + 2 * gates, false, to->gain_hh);
    if (!shape->has_cell_state) return;
    for (long i = 0; i < layer->hidden; i += LANES) {
        v_store_first(to->gain_c + i, layer->hidden - i, v_load(d + 3 * gates + i));
        v_store_first(to->bias_c + i, layer->hidden - i, v_load(d + 3 * gates + units + i));
    }
}
