// Layer normalisation of an LSTM's cell states of a step: before the output gate, and backward.
#include "layer_norm.h"
#include "polynomials.h"
#include "product.h"

static span cell_span(const recurrent_layer *layer) { return span_of(layer, LANES, 0, 1, 8); }

// The activation of the output gate, the last slot of every LSTM, of the units at `offset`.
INLINE const float *output_gate(cell_step at, long stream, long offset) {
    const long block = at.gate_row / (at.row / LANES);
    return at.layer->gates + (at.step * at.layer->batch + stream) * at.gate_row +
           offset / LANES * block + block - LANES;
}

// A row takes about 0.5 us, longer than L3 takes to answer; 1 and 4 rows ahead are as good.
#define ROWS_AHEAD 2

// Asks for the gates of the units at `offset`. The product of the step did so block by block, but
// weights of all blocks have passed through L2 since.
INLINE void ask_for_gates(cell_step at, long stream, long offset) {
    const float *last = output_gate(at, stream, offset);
    const long block = at.gate_row / (at.row / LANES);
    for (long v = 0; v < block; v += LANES) __builtin_prefetch(last - v, 1, 2);
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
                const long next = min_long(b + r + ROWS_AHEAD, layer->batch - 1);
                EACH_VECTOR(s, i, live) {
                    ask_for_gates(at, next, i);
                    float *d_unit =
                        d_units + (i / PANEL * layer->batch + b + r) * PANEL + i % PANEL;
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
