// Gated recurrent unit, the reset gate after the recurrent product: what happens to a block of 16
// units once its sums are there. Slots n, r, z, nRecurrent.
//
//   r = sigmoid(z_r)   z = sigmoid(z_z)   n = tanh(x_n + r * h_n)   h = n + z * (h_before - n)
#include "polynomials.h"
#include "variant.h"
#include "zoneout.h"

#define SLOTS 4

static void forward(cell_step at) {
    const recurrent_layer *layer = at.layer;
    const long batch = layer->batch;
    float *gates = layer->gates + at.step * batch * at.gate_row + at.block * SLOTS * LANES;
    const float *before = layer->hidden_states + at.step * batch * at.row + at.block * LANES;
    float *hidden = at.new_hidden;
    for (long b = 0; b < batch; b++) {
        const v16 r = v_sigmoid(v_load(gates + LANES));
        const v16 z = v_sigmoid(v_load(gates + 2 * LANES));
        const v16 recurrent = v_load(gates + 3 * LANES);
        const v16 n = v_tanh(v_fma(r, recurrent, v_load(gates)));
        const v16 h = v_fma(z, v_sub(v_load(before), n), n);
        v_store(gates, v_first(n, at.live));
        v_store(gates + LANES, v_first(r, at.live));
        v_store(gates + 2 * LANES, v_first(z, at.live));
        v_store(gates + 3 * LANES, v_first(recurrent, at.live));
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
        const v16 n = v_load(gates), r = v_load(gates + LANES);
        const v16 z = v_load(gates + 2 * LANES), recurrent = v_load(gates + 3 * LANES);
        const v16 d = v_load(d_units), dh = by_new_state(&at.hidden, b, d);
        const v16 dn = v_mul(v_mul(dh, v_sub(one, z)), v_fnma(n, n, one));
        const v16 dz = v_mul(v_mul(dh, v_sub(v_load(before), n)), v_fnma(z, z, z));
        const v16 dr = v_mul(v_mul(dn, recurrent), v_fnma(r, r, r));
        v_store(gates, v_first(dn, at.live));
        v_store(gates + LANES, v_first(dr, at.live));
        v_store(gates + 2 * LANES, v_first(dz, at.live));
        v_store(gates + 3 * LANES, v_first(v_mul(dn, r), at.live));
        v_store(direct, v_first(add_kept(&at.hidden, b, d, v_mul(dh, z)), at.live));
        gates += at.gate_row;
        before += at.row;
        direct += at.row;
        d_units += 64;
    }
}

const cell_functions NAME(gru) = {.forward = forward, .backward = backward};
