// The end of every LSTM, h = o * tanh(c), for 16 units of a stream. Where the layer is normalised c
// is, which takes all units: layer_norm.c writes h, and begins the backward pass.
#ifndef SPARKRNN_CELL_OUTPUT_H
#define SPARKRNN_CELL_OUTPUT_H

#include "polynomials.h"
#include "variant.h"
#include "zoneout.h"

// Of stream b, whose states after the step are there.
INLINE void store_states(const cell_step *at, long b, float *hidden, float *cell, v16 o, v16 c) {
    v_store(cell, v_first(state_after(&at->cell, b, c), at->live));
    if (is_normalised(at->layer)) return;
    const v16 h = state_after(&at->hidden, b, v_mul(o, v_tanh(c)));
    v_store(hidden, v_first(h, at->live));
}

typedef struct output_gradient {
    v16 by_output, by_cell;  // by o; by c, by way of h and of the step after this one
} output_gradient;

// Of stream b; d: by h, normalised by o; d_cell: by c, normalised by way of h too.
INLINE output_gradient output_backward(const cell_step *at, long b, const float *d, v16 o, v16 c,
                                       const float *d_cell) {
    const v16 dh = take_hidden(at, b, v_load(d));
    const v16 dc = by_new_state(&at->cell, b, v_load(d_cell));
    if (is_normalised(at->layer)) return (output_gradient){dh, dc};
    const v16 tc = v_tanh(c);
    return (output_gradient){v_mul(dh, tc), v_fma(v_mul(dh, o), v_fnma(tc, tc, v_set(1.0f)), dc)};
}

// d_cell becomes the gradient by the cell state before the step, of which d is what the cell gives.
INLINE void store_d_cell(const cell_step *at, long b, float *d_cell, v16 d) {
    v_store(d_cell, v_first(add_kept(&at->cell, b, v_load(d_cell), d), at->live));
}

#endif
