// The end of every LSTM, h = o * tanh(c), for 16 units of a stream. Where the layer is normalised c
// is, which takes all units: layer_norm.c writes h, and begins the backward pass.
#ifndef SPARKRNN_CELL_OUTPUT_H
#define SPARKRNN_CELL_OUTPUT_H

#include "polynomials.h"
#include "variant.h"

INLINE void store_hidden(const cell_step *at, float *hidden, v16 o, v16 c) {
    if (!is_normalised(at->layer)) v_store(hidden, v_first(v_mul(o, v_tanh(c)), at->live));
}

typedef struct output_gradient {
    v16 by_output, by_cell;  // by o; by c, by way of h and of the step after this one
} output_gradient;

// d: by h, normalised by o; d_cell: by c, normalised by way of h too.
INLINE output_gradient output_backward(const cell_step *at, const float *d, v16 o, v16 c,
                                       const float *d_cell) {
    const v16 dh = v_load(d), dc = v_load(d_cell);
    if (is_normalised(at->layer)) return (output_gradient){dh, dc};
    const v16 tc = v_tanh(c);
    return (output_gradient){v_mul(dh, tc), v_fma(v_mul(dh, o), v_fnma(tc, tc, v_set(1.0f)), dc)};
}

#endif
