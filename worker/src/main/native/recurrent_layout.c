// Cells' shapes and the layout of a layer's private region; the same for all variants.
#include <stddef.h>

#include "recurrent.h"

#define SHAPE(cell, ...) {.name = #cell, __VA_ARGS__},
static const cell_shape shapes[CELL_KINDS] = {CELLS(SHAPE)};

const cell_shape projection_shape = {.name = "projection", .gates = 1, .slots = 1};

const cell_shape *cell_shape_of(int cell) { return &shapes[cell]; }

static long padded(long floats) { return (floats + LANES - 1) / LANES * LANES; }

static long panels(long columns) { return (columns + 63) / 64; }

static long take(long *next, long floats) {
    const long offset = *next;
    *next += padded(floats);
    return offset;
}

recurrent_layout recurrent_layout_of(int precision, int cell, long time, long batch, long input,
                                     long hidden, long output, bool one_hot, bool normalised,
                                     bool backward) {
    const cell_shape *shape = cell_shape_of(cell);
    const long units = padded(hidden);
    const long positions = time * batch;
    const long terms = lanes_of_terms(precision, positions);
    const long most = position_chunk(precision);
    const long chunk = terms < most ? terms : most;
    const bool product = !one_hot;
    const bool projected = output < hidden;
    long next = 0;
    recurrent_layout at;
    at.bias = take(&next, units * shape->slots);
    at.peepholes = take(&next, units * shape->peepholes);
    const long panel_units = panel_blocks(shape) * LANES;
    const long columns = (hidden + panel_units - 1) / panel_units * panel_units;
    const long input_lanes = product ? lanes_of_terms(precision, input) : input;
    at.forward_ih = take(&next, columns * shape->input_slots * input_lanes);
    at.forward_hh = take(&next, columns * shape->hidden_slots * lanes_of_terms(precision, output));
    at.forward_gated = take(&next, units * shape->gated_slots * lanes_of_terms(precision, hidden));
    at.gated = take(&next, shape->gated_slots > 0 ? positions * units : 0);
    at.forward_hr =
        take(&next, projected ? panels(output) * 64 * lanes_of_terms(precision, hidden) : 0);
    at.unprojected = take(&next, projected ? positions * units : 0);
    at.tokens = take(&next, one_hot ? positions : 0);
    const long gates = units * shape->slots;
    const long cells = normalised && shape->has_cell_state ? units : 0;
    const bool chunks = precision == PRECISION_BF16_AMX;
    at.sums_row = chunks ? row_of_lanes(precision, gates) : gates;
    at.input_sums = take(&next, normalised ? positions * at.sums_row : 0);
    at.hidden_sums = take(&next, normalised ? positions * at.sums_row : 0);
    at.statistics = take(&next, normalised ? positions * LANES : 0);
    at.gain_ih = take(&next, normalised ? gates : 0);
    at.gain_hh = take(&next, normalised ? gates : 0);
    at.gain_c = take(&next, cells);
    at.bias_c = take(&next, cells);
    at.x_operand = take(&next, product ? positions * row_of_terms(precision, input) : 0);
    at.hidden_operand = take(&next, batch * row_of_terms(precision, hidden));
    // Backward regions come last: see recurrent_layout_for().
    const long input_terms = lanes_of_terms(precision, units * shape->input_slots);
    const long hidden_terms = lanes_of_terms(precision, units * shape->hidden_slots);
    at.backward_ih = take(&next, backward && product ? panels(input) * 64 * input_terms : 0);
    at.backward_hh = take(&next, backward ? panels(output) * 64 * hidden_terms : 0);
    const bool projects = backward && projected;
    const long output_terms = lanes_of_terms(precision, padded(output));
    at.backward_hr = take(&next, projects ? panels(hidden) * 64 * output_terms : 0);
    at.d_outputs = take(&next, projects ? positions * padded(output) : 0);
    const long gated_terms = lanes_of_terms(precision, units * shape->gated_slots);
    at.backward_gated = take(&next, backward ? panels(hidden) * 64 * gated_terms : 0);
    const long all_terms = chunks ? row_of_lanes(precision, hidden_terms) : gates / 2;
    const bool copied = backward && precision != PRECISION_FLOAT32;
    const bool in_place = normalised && chunks;
    at.d_gates = take(&next, copied && !in_place ? positions * all_terms : 0);
    const bool apart = product && (normalised || (chunks && !sees_all_slots(shape)));
    const long apart_terms = chunks ? row_of_lanes(precision, input_terms) : gates / 2;
    at.d_gates_input = take(&next, copied && apart && !in_place ? positions * apart_terms : 0);
    const bool gates_hidden = copied && chunks && shape->gated_slots > 0;
    at.d_gates_gated =
        take(&next, gates_hidden ? positions * row_of_lanes(precision, gated_terms) : 0);
    at.d_units = take(&next, backward ? batch * 64 * (normalised ? panels(hidden) : 1) : 0);
    const long rows = shape->slots * LANES * blocks_together(precision);
    const long d_columns = row_of_lanes(precision, chunk) * rows;
    at.d_columns = take(&next, backward ? d_columns : 0);
    at.d_bias = take(&next, backward ? units * shape->slots : 0);
    at.d_peepholes = take(&next, backward ? units * shape->peepholes : 0);
    at.x_panels = take(&next, backward && product ? panels(input) * 64 * chunk : 0);
    at.hidden_panels = take(&next, backward ? panels(hidden) * 64 * chunk : 0);
    const bool gated = backward && shape->gated_slots > 0;
    at.gated_panels = take(&next, gated ? panels(hidden) * 64 * chunk : 0);
    at.d_tokens = take(&next, backward && one_hot ? input * shape->slots * LANES : 0);
    at.d_norm = take(&next, backward && normalised ? 3 * gates + 2 * cells : 0);
    at.d_normal = take(&next, backward ? LANES * cells : 0);
    at.floats = next;
    return at;
}

recurrent_layout recurrent_layout_for(const recurrent_layer *layer) {
    return recurrent_layout_of(layer->precision, layer->cell, layer->time, layer->batch,
                               layer->input, layer->hidden, layer->output, layer->one_hot,
                               is_normalised(layer), layer->gradients.weight_hh != NULL);
}

long recurrent_floats(int precision, int cell, long time, long batch, long input, long hidden,
                      long output, bool one_hot, bool normalised, bool backward) {
    return recurrent_layout_of(precision, cell, time, batch, input, hidden, output, one_hot,
                               normalised, backward)
        .floats;
}

int32_t *recurrent_tokens(const recurrent_layer *layer) {
    return (int32_t *)(layer->packed + recurrent_layout_for(layer).tokens);
}
