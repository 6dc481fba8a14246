// Simple recurrent network: what happens to a block of 16 units once its sums are there.
//
//   h = tanh(z)   or   h = relu(z)
#include "polynomials.h"
#include "variant.h"
#include "zoneout.h"

typedef v16 activation(v16 z);
typedef v16 derivative(v16 dh, v16 h);

INLINE void forward_with(activation *squash, cell_step at) {
    const recurrent_layer *layer = at.layer;
    const long batch = layer->batch;
    float *gates = layer->gates + at.step * batch * at.gate_row + at.block * LANES;
    float *hidden = at.new_hidden;
    for (long b = 0; b < batch; b++) {
        const v16 h = v_first(squash(v_load(gates)), at.live);
        v_store(gates, h);
        v_store(hidden, v_first(state_after(&at.hidden, b, h), at.live));
        gates += at.gate_row;
        hidden += at.row;
    }
}

INLINE void backward_with(derivative *by_sum, cell_step at, const float *d_units) {
    const recurrent_layer *layer = at.layer;
    const long batch = layer->batch;
    float *gates = layer->gates + at.step * batch * at.gate_row + at.block * LANES;
    for (long b = 0; b < batch; b++) {
        const v16 dh = take_hidden(&at, b, v_load(d_units));
        v_store(gates, v_first(by_sum(dh, v_load(gates)), at.live));
        gates += at.gate_row;
        d_units += 64;
    }
}

INLINE v16 tanh_of(v16 z) { return v_tanh(z); }
INLINE v16 tanh_by_sum(v16 dh, v16 h) { return v_mul(dh, v_fnma(h, h, v_set(1.0f))); }

// NaN passes.
INLINE v16 relu_of(v16 z) { return v_max(v_zero(), z); }
INLINE v16 relu_by_sum(v16 dh, v16 h) { return v_select_less(v_zero(), h, dh, v_zero()); }

static void tanh_forward(cell_step at) { forward_with(tanh_of, at); }
static void relu_forward(cell_step at) { forward_with(relu_of, at); }
static void tanh_backward(cell_step at, const float *d_units) {
    backward_with(tanh_by_sum, at, d_units);
}
static void relu_backward(cell_step at, const float *d_units) {
    backward_with(relu_by_sum, at, d_units);
}

const cell_functions NAME(rnn_tanh) = {.forward = tanh_forward, .backward = tanh_backward};
const cell_functions NAME(rnn_relu) = {.forward = relu_forward, .backward = relu_backward};
