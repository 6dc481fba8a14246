// Cells' shapes and the layout of a layer's private region; the same for all variants.
#include <stddef.h>

#include "recurrent.h"

#define SHAPE(cell, ...) {.name = #cell, __VA_ARGS__},
static const cell_shape shapes[CELL_KINDS] = {CELLS(SHAPE)};

const cell_shape *cell_shape_of(int cell) { return &shapes[cell]; }

static long padded(long floats) { return (floats + LANES - 1) / LANES * LANES; }

static long panels(long columns) { return (columns + 63) / 64; }

static long take(long *next, long floats) {
    const long offset = *next;
    *next += padded(floats);
    return offset;
}

// Floats of k terms of a product.
static long lanes_of(bool bf16, long terms) { return bf16 ? (terms + 1) / 2 : terms; }

static long operand_row(long columns) { return padded(lanes_of(true, padded(columns))); }

recurrent_layout recurrent_layout_of(bool bf16, int cell, long time, long batch, long input,
                                     long hidden, bool one_hot, bool backward) {
    const cell_shape *shape = cell_shape_of(cell);
    const long units = padded(hidden);
    const long positions = time * batch;
    const long terms = lanes_of(bf16, positions);
    const long chunk = terms < POSITION_CHUNK ? terms : POSITION_CHUNK;
    const bool product = !one_hot;
    long next = 0;
    recurrent_layout at;
    at.bias = take(&next, units * shape->slots);
    at.peepholes = take(&next, units * shape->peepholes);
    const long panel_units = panel_blocks(shape) * LANES;
    const long columns = (hidden + panel_units - 1) / panel_units * panel_units;
    at.forward_ih =
        take(&next, columns * shape->input_slots * (product ? lanes_of(bf16, input) : input));
    at.forward_hh = take(&next, columns * shape->hidden_slots * lanes_of(bf16, hidden));
    at.forward_gated = take(&next, units * shape->gated_slots * lanes_of(bf16, hidden));
    at.gated = take(&next, shape->gated_slots > 0 ? positions * units : 0);
    at.tokens = take(&next, one_hot ? positions : 0);
    at.x_operand = take(&next, bf16 && product ? positions * operand_row(input) : 0);
    at.hidden_operand = take(&next, bf16 ? batch * operand_row(hidden) : 0);
    // Backward regions come last: see recurrent_layout_for().
    const long input_terms = lanes_of(bf16, units * shape->input_slots);
    const long hidden_terms = lanes_of(bf16, units * shape->hidden_slots);
    at.backward_ih = take(&next, backward && product ? panels(input) * 64 * input_terms : 0);
    at.backward_hh = take(&next, backward ? panels(hidden) * 64 * hidden_terms : 0);
    const long gated_terms = lanes_of(bf16, units * shape->gated_slots);
    at.backward_gated = take(&next, backward ? panels(hidden) * 64 * gated_terms : 0);
    at.d_gates = take(&next, backward && bf16 ? positions * units * shape->slots / 2 : 0);
    at.d_units = take(&next, backward ? batch * 64 : 0);
    at.d_columns = take(&next, backward ? chunk * shape->slots * LANES : 0);
    at.d_bias = take(&next, backward ? units * shape->slots : 0);
    at.d_peepholes = take(&next, backward ? units * shape->peepholes : 0);
    at.x_panels = take(&next, backward && product ? panels(input) * 64 * chunk : 0);
    at.hidden_panels = take(&next, backward ? panels(hidden) * 64 * chunk : 0);
    const bool gated = backward && shape->gated_slots > 0;
    at.gated_panels = take(&next, gated ? panels(hidden) * 64 * chunk : 0);
    at.d_tokens = take(&next, backward && one_hot ? input * shape->slots * LANES : 0);
    at.floats = next;
    return at;
}

recurrent_layout recurrent_layout_for(const recurrent_layer *layer) {
    return recurrent_layout_of(layer->bf16, layer->cell, layer->time, layer->batch, layer->input,
                               layer->hidden, layer->one_hot, layer->gradients.weight_hh != NULL);
}

long recurrent_floats(bool bf16, int cell, long time, long batch, long input, long hidden,
                      bool one_hot, bool backward) {
    return recurrent_layout_of(bf16, cell, time, batch, input, hidden, one_hot, backward).floats;
}

int32_t *recurrent_tokens(const recurrent_layer *layer) {
    return (int32_t *)(layer->packed + recurrent_layout_for(layer).tokens);
}
