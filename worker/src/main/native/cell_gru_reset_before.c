// Gated recurrent unit, the reset gate before the recurrent product (Cho et al. 2014): what happens
// to a block of 16 units once its sums are there. Slots r, z, n; n sees the input and the gated
// state q = r * h_before.
//
//   r = sigmoid(z_r)   z = sigmoid(z_z)   n = tanh(z_n)   h = h_before + z * (n - h_before)
#include "polynomials.h"
#include "variant.h"
#include "zoneout.h"

#define SLOTS 3

static void gate(cell_step at) {
    const recurrent_layer *layer = at.layer;
    const long batch = layer->batch;
    float *gates = layer->gates + at.step * batch * at.gate_row + at.block * SLOTS * LANES;
    const float *before = layer->hidden_states + at.step * batch * at.row + at.block * LANES;
    float *gated = at.gated;
    for (long b = 0; b < batch; b++) {
        const v16 r = v_sigmoid(v_load(gates));
        v_store(gates, v_first(r, at.live));
        v_store(gated, v_first(v_mul(r, v_load(before)), at.live));
        gates += at.gate_row;
        before += at.row;
        gated += at.row;
    }
}

static void forward(cell_step at) {
    const recurrent_layer *layer = at.layer;
    const long batch = layer->batch;
    float *gates = layer->gates + at.step * batch * at.gate_row + at.block * SLOTS * LANES;
    const float *before = layer->hidden_states + at.step * batch * at.row + at.block * LANES;
    float *hidden = at.new_hidden;
    for (long b = 0; b < batch; b++) {
        const v16 z = v_sigmoid(v_load(gates + LANES));
        const v16 n = v_tanh(v_load(gates + 2 * LANES));
        const v16 h_before = v_load(before);
        v_store(gates + LANES, v_first(z, at.live));
        v_store(gates + 2 * LANES, v_first(n, at.live));
        const v16 h = v_fma(z, v_sub(n, h_before), h_before);
        v_store(hidden, v_first(state_after(&at.hidden, b, h), at.live));
        gates += at.gate_row;
        before += at.row;
        hidden += at.row;
    }
}

static void backward(cell_step at, const float *d_units) {
    const recurrent_layer *layer = at.layer;
    const long batch = layer->batch;
    float *gates = layer->gates + at.step * batch * at.gate_row + at.block * SLOTS * LANES;
    const float *before = layer->hidden_states + at.step * batch * at.row + at.block * LANES;
    float *direct = layer->d_hidden + at.block * LANES;
    const v16 one = v_set(1.0f);
    for (long b = 0; b < batch; b++) {
        const v16 z = v_load(gates + LANES), n = v_load(gates + 2 * LANES);
        const v16 d = v_load(d_units), dh = by_new_state(&at.hidden, b, d);
        const v16 dz = v_mul(v_mul(dh, v_sub(n, v_load(before))), v_fnma(z, z, z));
        const v16 dn = v_mul(v_mul(dh, z), v_fnma(n, n, one));
        v_store(gates + LANES, v_first(dz, at.live));
        v_store(gates + 2 * LANES, v_first(dn, at.live));
        const v16 by_cell = v_mul(dh, v_sub(one, z));
        v_store(direct, v_first(add_kept(&at.hidden, b, d, by_cell), at.live));
        gates += at.gate_row;
        before += at.row;
        direct += at.row;
        d_units += 64;
    }
}

static void gate_backward(cell_step at, const float *d_gated) {
    const recurrent_layer *layer = at.layer;
    const long batch = layer->batch;
    float *gates = layer->gates + at.step * batch * at.gate_row + at.block * SLOTS * LANES;
    const float *before = layer->hidden_states + at.step * batch * at.row + at.block * LANES;
    float *direct = layer->d_hidden + at.block * LANES;
    for (long b = 0; b < batch; b++) {
        const v16 r = v_load(gates), dq = v_load(d_gated);
        const v16 dr = v_mul(v_mul(dq, v_load(before)), v_fnma(r, r, r));
        v_store(gates, v_first(dr, at.live));
        v_store(direct, v_first(v_fma(dq, r, v_load(direct)), at.live));
        gates += at.gate_row;
        before += at.row;
        direct += at.row;
        d_gated += 64;
    }
}

const cell_functions NAME(gru_reset_before) = {.forward = forward,
                                               .backward = backward,
                                               .gate = gate,
                                               .gate_backward = gate_backward};
