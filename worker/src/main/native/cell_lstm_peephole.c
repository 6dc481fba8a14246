// Long short-term memory with peepholes: what happens to a block of 16 units once its sums are
// there. Slots i, f, g, o; diagonal weights p_i, p_f, p_o.
//
//   i = sigmoid(z_i + p_i * c_before)   f = sigmoid(z_f + p_f * c_before)   g = tanh(z_g)
//   c = f * c_before + i * g            h = o * tanh(c)
//   o = sigmoid(z_o + p_o * c), or, where it sees the previous cell, sigmoid(z_o + p_o * c_before)
#include "cell_output.h"
#include "variant.h"

#define SLOTS 4

INLINE void forward_with(bool output_sees_previous, cell_step at) {
    const recurrent_layer *layer = at.layer;
    const long batch = layer->batch;
    float *gates = layer->gates + at.step * batch * at.gate_row + at.block * SLOTS * LANES;
    const float *before = layer->cell_states + at.step * batch * at.row + at.block * LANES;
    float *after = at.new_cell;
    float *hidden = at.new_hidden;
    const v16 p_i = v_load(at.peepholes), p_f = v_load(at.peepholes + LANES);
    const v16 p_o = v_load(at.peepholes + 2 * LANES);
    for (long b = 0; b < batch; b++) {
        const v16 previous = v_load(before);
        const v16 i = v_sigmoid(v_fma(p_i, previous, v_load(gates)));
        const v16 f = v_sigmoid(v_fma(p_f, previous, v_load(gates + LANES)));
        const v16 g = v_tanh(v_load(gates + 2 * LANES));
        const v16 c = v_fma(f, previous, v_mul(i, g));
        const v16 seen = output_sees_previous ? previous : c;
        const v16 o = v_sigmoid(v_fma(p_o, seen, v_load(gates + 3 * LANES)));
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

INLINE void backward_with(bool output_sees_previous, cell_step at, const float *d_units) {
    const recurrent_layer *layer = at.layer;
    const long batch = layer->batch;
    float *gates = layer->gates + at.step * batch * at.gate_row + at.block * SLOTS * LANES;
    const float *before = layer->cell_states + at.step * batch * at.row + at.block * LANES;
    float *d_cell = layer->d_cell + at.block * LANES;
    const v16 p_i = v_load(at.peepholes), p_f = v_load(at.peepholes + LANES);
    const v16 p_o = v_load(at.peepholes + 2 * LANES);
    v16 dp_i = v_load(at.d_peepholes), dp_f = v_load(at.d_peepholes + LANES);
    v16 dp_o = v_load(at.d_peepholes + 2 * LANES);
    const v16 one = v_set(1.0f);
    for (long b = 0; b < batch; b++) {
        const v16 i = v_load(gates), f = v_load(gates + LANES);
        const v16 g = v_load(gates + 2 * LANES), o = v_load(gates + 3 * LANES);
        const v16 previous = v_load(before), c = v_fma(f, previous, v_mul(i, g));
        const output_gradient d = output_backward(&at, b, d_units, o, c, d_cell);
        const v16 d_o = v_mul(d.by_output, v_fnma(o, o, o));
        v16 dc = d.by_cell;
        if (!output_sees_previous) dc = v_fma(d_o, p_o, dc);
        const v16 di = v_mul(v_mul(dc, g), v_fnma(i, i, i));
        const v16 df = v_mul(v_mul(dc, previous), v_fnma(f, f, f));
        const v16 dg = v_mul(v_mul(dc, i), v_fnma(g, g, one));
        v16 d_previous = v_fma(df, p_f, v_fma(di, p_i, v_mul(dc, f)));
        if (output_sees_previous) d_previous = v_fma(d_o, p_o, d_previous);
        dp_i = v_fma(di, previous, dp_i);
        dp_f = v_fma(df, previous, dp_f);
        dp_o = v_fma(d_o, output_sees_previous ? previous : c, dp_o);
        v_store(gates, v_first(di, at.live));
        v_store(gates + LANES, v_first(df, at.live));
        v_store(gates + 2 * LANES, v_first(dg, at.live));
        v_store(gates + 3 * LANES, v_first(d_o, at.live));
        store_d_cell(&at, b, d_cell, d_previous);
        gates += at.gate_row;
        before += at.row;
        d_cell += at.row;
        d_units += 64;
    }
    v_store(at.d_peepholes, dp_i);
    v_store(at.d_peepholes + LANES, dp_f);
    v_store(at.d_peepholes + 2 * LANES, dp_o);
}

static void forward(cell_step at) { forward_with(false, at); }
static void forward_previous(cell_step at) { forward_with(true, at); }
static void backward(cell_step at, const float *d_units) { backward_with(false, at, d_units); }
static void backward_previous(cell_step at, const float *d_units) {
    backward_with(true, at, d_units);
}

const cell_functions NAME(lstm_peephole) = {.forward = forward, .backward = backward};
const cell_functions NAME(lstm_peephole_previous) = {.forward = forward_previous,
                                                     .backward = backward_previous};
