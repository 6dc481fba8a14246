// Cells' shapes and the layout of a layer's private region; the same for all variants.
#include <stddef.h>

#include "recurrent.h"

static const cell_shape lstm = {
    .gates = 4,
    .slots = 4,
    .gate_of = {0, 1, 2, 3},  // i, f, g, o
    .input_first = 0,
    .input_slots = 4,
    .hidden_first = 0,
    .hidden_slots = 4,
    .has_cell_state = true,
};

static const cell_shape gru = {
    .gates = 3,
    .slots = 4,
    .gate_of = {2, 0, 1, 2},  // n, r, z, nRecurrent
    .input_first = 0,
    .input_slots = 3,
    .hidden_first = 1,
    .hidden_slots = 3,
    .has_cell_state = false,
};

const cell_shape *cell_shape_of(int cell) { return cell == CELL_LSTM ? &lstm : &gru; }

static long padded(long floats) { return (floats + LANES - 1) / LANES * LANES; }

static long panels(long columns) { return (columns + 63) / 64; }

static long take(long *next, long floats) {
    const long offset = *next;
    *next += padded(floats);
    return offset;
}

recurrent_layout recurrent_layout_of(int cell, long time, long batch, long input, long hidden,
                                     bool one_hot, bool backward) {
    const cell_shape *shape = cell_shape_of(cell);
    const long units = padded(hidden);
    const long positions = time * batch;
    const long chunk = positions < POSITION_CHUNK ? positions : POSITION_CHUNK;
    long next = 0;
    recurrent_layout at;
    at.bias = take(&next, units * shape->slots);
    at.forward_ih = take(&next, units * shape->input_slots * input);
    at.forward_hh = take(&next, units * shape->hidden_slots * hidden);
    at.tokens = take(&next, one_hot ? positions : 0);
    const bool product = backward && !one_hot;
    at.backward_ih = take(&next, product ? panels(input) * 64 * units * shape->input_slots : 0);
    at.backward_hh = take(&next, backward ? panels(hidden) * 64 * units * shape->hidden_slots : 0);
    at.d_units = take(&next, backward ? batch * 64 : 0);
    at.d_columns = take(&next, backward ? chunk * shape->slots * LANES : 0);
    at.d_bias = take(&next, backward ? units * shape->slots : 0);
    at.x_panels = take(&next, product ? panels(input) * 64 * chunk : 0);
    at.hidden_panels = take(&next, backward ? panels(hidden) * 64 * chunk : 0);
    at.d_tokens = take(&next, backward && one_hot ? input * shape->slots * LANES : 0);
    at.floats = next;
    return at;
}

recurrent_layout recurrent_layout_for(const recurrent_layer *layer) {
    return recurrent_layout_of(layer->cell, layer->time, layer->batch, layer->input, layer->hidden,
                               layer->one_hot, layer->gradients.weight_hh != NULL);
}

long recurrent_floats(int cell, long time, long batch, long input, long hidden, bool one_hot,
                      bool backward) {
    return recurrent_layout_of(cell, time, batch, input, hidden, one_hot, backward).floats;
}

int32_t *recurrent_tokens(const recurrent_layer *layer) {
    return (int32_t *)(layer->packed + recurrent_layout_for(layer).tokens);
}
