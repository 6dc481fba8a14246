// Long short-term memory: what happens to a block of 16 units once its sums are there.
//
//   i = sigmoid(z_i)   f = sigmoid(z_f)   g = tanh(z_g)   o = sigmoid(z_o)
//   c = f * c_before + i * g              h = o * tanh(c)
#include "cell_output.h"
#include "variant.h"

#define SLOTS 4

static void forward(cell_step at) {
    const recurrent_layer *layer = at.layer;
    const long batch = layer->batch;
    float *gates = layer->gates + at.step * batch * at.gate_row + at.block * SLOTS * LANES;
    const float *before = layer->cell_states + at.step * batch * at.row + at.block * LANES;
    float *after = at.new_cell;
    float *hidden = at.new_hidden;
    for (long b = 0; b < batch; b++) {
        const v16 i = v_sigmoid(v_load(gates));
        const v16 f = v_sigmoid(v_load(gates + LANES));
        const v16 g = v_tanh(v_load(gates + 2 * LANES));
        const v16 o = v_sigmoid(v_load(gates + 3 * LANES));
        const v16 c = v_fma(f, v_load(before), v_mul(i, g));
        v_store(gates, v_first(i, at.live));
        v_store(gates + LANES, v_first(f, at.live));
        v_store(gates + 2 * LANES, v_first(g, at.live));
        v_store(gates + 3 * LANES, v_first(o, at.live));
        store_states(&at, b, hidden, after, o, c);
        gates += at.gate_row;
        before += at.row;
        after += at.row;
        hidden += at.row;
    }
}

static void backward(cell_step at, const float *d_units) {
    const recurrent_layer *layer = at.layer;
    const long batch = layer->batch;
    float *gates = layer->gates + at.step * batch * at.gate_row + at.block * SLOTS * LANES;
    const float *before = layer->cell_states + at.step * batch * at.row + at.block * LANES;
    float *d_cell = layer->d_cell + at.block * LANES;
    const v16 one = v_set(1.0f);
    for (long b = 0; b < batch; b++) {
        const v16 i = v_load(gates), f = v_load(gates + LANES);
        const v16 g = v_load(gates + 2 * LANES), o = v_load(gates + 3 * LANES);
        const v16 previous = v_load(before), c = v_fma(f, previous, v_mul(i, g));
        const output_gradient d = output_backward(&at, b, d_units, o, c, d_cell);
        const v16 dc = d.by_cell;
        const v16 di = v_mul(v_mul(dc, g), v_fnma(i, i, i));
        const v16 df = v_mul(v_mul(dc, previous), v_fnma(f, f, f));
        const v16 dg = v_mul(v_mul(dc, i), v_fnma(g, g, one));
        const v16 d_o = v_mul(d.by_output, v_fnma(o, o, o));
        v_store(gates, v_first(di, at.live));
        v_store(gates + LANES, v_first(df, at.live));
        v_store(gates + 2 * LANES, v_first(dg, at.live));
        v_store(gates + 3 * LANES, v_first(d_o, at.live));
        store_d_cell(&at, b, d_cell, v_mul(dc, f));
        gates += at.gate_row;
        before += at.row;
        d_cell += at.row;
        d_units += 64;
    }
}

const cell_functions NAME(lstm) = {.forward = forward, .backward = backward};
