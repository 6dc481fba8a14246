// The gradients by the pre-activations of a recurrent layer as left operand (operands.h).
#ifndef SPARKRNN_GATE_OPERAND_H
#define SPARKRNN_GATE_OPERAND_H

#include "operands.h"
#include "variant.h"

// Rows of gates, [positions][slots * padded units].
typedef struct gate_rows {
    float *first;
    long stride;
} gate_rows;

INLINE gate_rows rows_of_gates(const recurrent_layer *layer) {
    const long blocks = ceil_div(layer->hidden, LANES);
    const gate_rows rows = {layer->gates, blocks * cell_shape_of(layer->cell)->slots * LANES};
    return rows;
}

// What the slots add up of the hidden state, and of the input, and the gradients by that: gates,
// but where both are normalised first.
INLINE gate_rows rows_of_hidden(const recurrent_layer *layer, recurrent_layout at) {
    const gate_rows apart = {layer->packed + at.hidden_sums, at.sums_row};
    return is_normalised(layer) ? apart : rows_of_gates(layer);
}

INLINE gate_rows rows_of_input(const recurrent_layer *layer, recurrent_layout at) {
    const gate_rows apart = {layer->packed + at.input_sums, at.sums_row};
    return is_normalised(layer) ? apart : rows_of_gates(layer);
}

// The gradients by some slots' sums, a row for each position.
typedef struct gate_part {
    float *rows;
    long lanes, row;  // floats of a row's terms if they are rounded, else 0; from row to row
    int first, slots;
} gate_part;

// Whether the input's operand has a region of its own.
INLINE bool input_is_apart(const recurrent_layer *layer) {
#if defined(AMX)
    return is_normalised(layer) || !sees_all_slots(cell_shape_of(layer->cell));
#else
    return is_normalised(layer);
#endif
}

#if defined(AMX)

// AMX reads whole chunks of terms that are adjacent: the slots that see the hidden state, and those
// that see the input where they are others, have a region each, [positions][terms in chunks]. The
// rows of a normalised layer's sums become these regions, but those that see the gated hidden
// state.
INLINE gate_part part_of_gates(const recurrent_layer *layer, float *rows, int first, int slots) {
    const long lanes = lanes_of(round_up(layer->hidden, LANES) * slots);
    const gate_part part = {rows, lanes, row_of_lanes(PRECISION, lanes), first, slots};
    return part;
}

INLINE gate_part in_place_of(gate_part part, gate_rows sums) {
    part.rows = sums.first;
    part.row = sums.stride;
    return part;
}

INLINE gate_part hidden_part(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const gate_part part =
        part_of_gates(layer, layer->packed + at.d_gates, shape->hidden_first, shape->hidden_slots);
    return is_normalised(layer) ? in_place_of(part, rows_of_hidden(layer, at)) : part;
}

INLINE gate_part input_part(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    if (!input_is_apart(layer)) return hidden_part(layer, at);
    const gate_part part = part_of_gates(layer, layer->packed + at.d_gates_input,
                                         shape->input_first, shape->input_slots);
    return is_normalised(layer) ? in_place_of(part, rows_of_input(layer, at)) : part;
}

INLINE left rows_of_part(gate_part part, long position) {
    return left_rows(part.rows + position * part.row, part.row, part.lanes);
}

// The slots that see the input, of all positions.
INLINE left input_gate_operand(const recurrent_layer *layer, recurrent_layout at) {
    return rows_of_part(input_part(layer, at), 0);
}

// The slots that see the hidden state, of all positions from `position` on.
INLINE left hidden_gate_operand(const recurrent_layer *layer, recurrent_layout at, long position) {
    return rows_of_part(hidden_part(layer, at), position);
}

// The slots that see the gated hidden state, likewise.
INLINE gate_part gated_part(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    return part_of_gates(layer, layer->packed + at.d_gates_gated, shape->gated_first,
                         shape->gated_slots);
}

INLINE left gated_gate_operand(const recurrent_layer *layer, recurrent_layout at, long position) {
    return rows_of_part(gated_part(layer, at), position);
}

// Of a row, two slots of a block, the first one the part's slot-th; the last ones of the last block
// fill the last chunk. Nothing is written beyond where the terms lie as floats.
INLINE void keep_slots(gate_part part, float *row, long block, bool last, int slot, v16 pairs) {
    const long at = (block * part.slots + slot) * LANES / 2;
    const long end = last ? part.lanes : (block + 1) * part.slots * LANES / 2;
    v_store_first(row + at, end - at, pairs);
}

INLINE void keep_part(gate_part part, cell_step step) {
    const recurrent_layer *layer = step.layer;
    const gate_rows gates = rows_of_gates(layer);
    const long block = gates.stride / (step.row / LANES), first = step.step * layer->batch;
    const bool last = (step.block + 1) * LANES == step.row;
    for (long b = first; b < first + layer->batch; b++) {
        const float *d = gates.first + b * gates.stride + step.block * block + part.first * LANES;
        for (int s = 0; s < part.slots; s += 2) {
            keep_slots(part, part.rows + b * part.row, step.block, last, s,
                       adjacent_terms(d + s * LANES, (part.slots - s) * LANES));
        }
    }
}

// The gradients of a step by a block of units' pre-activations have been written; those by the sums
// of a normalised layer are this operand.
INLINE void keep_gate_operand(recurrent_layout at, cell_step step) {
    const recurrent_layer *layer = step.layer;
    if (is_normalised(layer)) return;
    keep_part(hidden_part(layer, at), step);
    if (layer->dx != 0 && input_is_apart(layer)) keep_part(input_part(layer, at), step);
    if (cell_shape_of(layer->cell)->gated_slots > 0) keep_part(gated_part(layer, at), step);
}

#else

// `slots` slots from the first one on, of all positions from `position` on; k in blocked order.
// rows: of gates, or in bf16 their copy.
INLINE left gate_operand(const recurrent_layer *layer, const float *rows, long position, int first,
                         int slots) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const long blocks = ceil_div(layer->hidden, LANES);
    const long block = lanes_of(shape->slots * LANES);
    const float *data = rows + position * blocks * block + lanes_of(first * LANES);
    const left all = left_rows(data, blocks * block, blocks * block);
    const left some = {data, blocks * block, lanes_of(slots * LANES), blocks, block};
    return slots == shape->slots ? all : some;
}

INLINE const float *hidden_rows(const recurrent_layer *layer, recurrent_layout at) {
    return PRECISION != PRECISION_FLOAT32 ? layer->packed + at.d_gates
                                          : rows_of_hidden(layer, at).first;
}

INLINE left input_gate_operand(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const long copy = input_is_apart(layer) ? at.d_gates_input : at.d_gates;
    const float *rows =
        PRECISION != PRECISION_FLOAT32 ? layer->packed + copy : rows_of_input(layer, at).first;
    return gate_operand(layer, rows, 0, shape->input_first, shape->input_slots);
}

INLINE left hidden_gate_operand(const recurrent_layer *layer, recurrent_layout at, long position) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    return gate_operand(layer, hidden_rows(layer, at), position, shape->hidden_first,
                        shape->hidden_slots);
}

INLINE left gated_gate_operand(const recurrent_layer *layer, recurrent_layout at, long position) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    return gate_operand(layer, hidden_rows(layer, at), position, shape->gated_first,
                        shape->gated_slots);
}

#if defined(BF16)
INLINE void copy_gate_rows(cell_step step, const float *from, float *to) {
    const long block = step.gate_row / (step.row / LANES);
    const long first = step.step * step.layer->batch;
    for (long b = first; b < first + step.layer->batch; b++) {
        const long at = b * step.gate_row + step.block * block;
        for (long v = 0; v < block; v += 2 * LANES) {
            // The last of an odd number of slots has no partner.
            v_store_first(to + lanes_of(at) + lanes_of(v), lanes_of(block - v),
                          adjacent_terms(from + at + v, block - v));
        }
    }
}
#endif

INLINE void keep_gate_operand(recurrent_layout at, cell_step step) {
#if defined(BF16)
    const recurrent_layer *layer = step.layer;
    copy_gate_rows(step, rows_of_hidden(layer, at).first, layer->packed + at.d_gates);
    if (layer->dx != 0 && input_is_apart(layer)) {
        copy_gate_rows(step, rows_of_input(layer, at).first, layer->packed + at.d_gates_input);
    }
#else
    (void)at, (void)step;
#endif
}

#endif

typedef enum gate_source { OF_INPUT, OF_HIDDEN, OF_GATED } gate_source;

// Where the gradients by a source's normalised sums go: in place of these, or, as far as nothing
// but products reads them, to where these have their operand.
INLINE gate_part sums_part(const recurrent_layer *layer, recurrent_layout at, gate_source source) {
    const cell_shape *shape = cell_shape_of(layer->cell);
#if defined(AMX)
    if (source == OF_HIDDEN) return hidden_part(layer, at);
    if (source == OF_GATED) return gated_part(layer, at);
    if (!layer->one_hot) return input_part(layer, at);
#endif
    const gate_rows sums =
        source == OF_INPUT ? rows_of_input(layer, at) : rows_of_hidden(layer, at);
    gate_part part = {sums.first, 0, sums.stride, shape->input_first, shape->input_slots};
    if (source == OF_HIDDEN) part.first = shape->hidden_first, part.slots = shape->hidden_slots;
    if (source == OF_GATED) part.first = shape->gated_first, part.slots = shape->gated_slots;
    return part;
}

#endif
