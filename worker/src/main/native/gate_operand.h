// The gradients by the pre-activations of a recurrent layer as left operand (operands.h).
#ifndef SPARKRNN_GATE_OPERAND_H
#define SPARKRNN_GATE_OPERAND_H

#include "operands.h"
#include "variant.h"

// The gradients by what the slots add up of the hidden state, and of the input: those by the
// pre-activations, but where both are normalised first. Rows of gates.
INLINE float *d_hidden_sums(const recurrent_layer *layer, recurrent_layout at) {
    return is_normalised(layer) ? layer->packed + at.hidden_sums : layer->gates;
}

INLINE float *d_input_sums(const recurrent_layer *layer, recurrent_layout at) {
    return is_normalised(layer) ? layer->packed + at.input_sums : layer->gates;
}

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
// that see the input where they are others, have a region each, [positions][terms in chunks].
typedef struct gate_part {
    float *rows;
    const float *from;  // rows of gates
    long lanes, row;    // floats of a row's terms, and from row to row
    int first, slots;
} gate_part;

INLINE gate_part part_of_gates(const recurrent_layer *layer, float *rows, const float *from,
                               int first, int slots) {
    const long lanes = lanes_of(round_up(layer->hidden, LANES) * slots);
    const gate_part part = {rows, from, lanes, row_of_lanes(PRECISION, lanes), first, slots};
    return part;
}

INLINE gate_part hidden_part(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    return part_of_gates(layer, layer->packed + at.d_gates, d_hidden_sums(layer, at),
                         shape->hidden_first, shape->hidden_slots);
}

INLINE gate_part input_part(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    if (!input_is_apart(layer)) return hidden_part(layer, at);
    return part_of_gates(layer, layer->packed + at.d_gates_input, d_input_sums(layer, at),
                         shape->input_first, shape->input_slots);
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
    return part_of_gates(layer, layer->packed + at.d_gates_gated, d_hidden_sums(layer, at),
                         shape->gated_first, shape->gated_slots);
}

INLINE left gated_gate_operand(const recurrent_layer *layer, recurrent_layout at, long position) {
    return rows_of_part(gated_part(layer, at), position);
}

INLINE void keep_part(gate_part part, cell_step step) {
    const recurrent_layer *layer = step.layer;
    const long gates = step.gate_row / (step.row / LANES);  // floats of a block
    const long width = part.slots * LANES, at = step.block * width / 2;
    const long first = step.step * layer->batch;
    const bool last = (step.block + 1) * LANES == step.row;
    const long end = last ? part.lanes : at + width / 2;  // the last block fills the last chunk
    for (long b = first; b < first + layer->batch; b++) {
        const float *d = part.from + b * step.gate_row + step.block * gates + part.first * LANES;
        float *to = part.rows + b * part.row + at;
        for (long v = 0; v < width; v += 2 * LANES) {
            const v16 pairs = adjacent_terms(d + v, width - v);
            v_store_first(to + v / 2, end - (at + v / 2), pairs);
        }
    }
}

// The gradients of a step by a block of units' sums have been written.
INLINE void keep_gate_operand(recurrent_layout at, cell_step step) {
    keep_part(hidden_part(step.layer, at), step);
    const cell_shape *shape = cell_shape_of(step.layer->cell);
    if (step.layer->dx != 0 && input_is_apart(step.layer))
        keep_part(input_part(step.layer, at), step);
    if (shape->gated_slots > 0) keep_part(gated_part(step.layer, at), step);
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
    const left some = {data, blocks * block, lanes_of(slots * LANES), 1, blocks, block};
    return slots == shape->slots ? all : some;
}

INLINE const float *hidden_rows(const recurrent_layer *layer, recurrent_layout at) {
    return PRECISION != PRECISION_FLOAT32 ? layer->packed + at.d_gates : d_hidden_sums(layer, at);
}

INLINE left input_gate_operand(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const long copy = input_is_apart(layer) ? at.d_gates_input : at.d_gates;
    const float *rows =
        PRECISION != PRECISION_FLOAT32 ? layer->packed + copy : d_input_sums(layer, at);
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
    copy_gate_rows(step, d_hidden_sums(layer, at), layer->packed + at.d_gates);
    if (layer->dx != 0 && input_is_apart(layer)) {
        copy_gate_rows(step, d_input_sums(layer, at), layer->packed + at.d_gates_input);
    }
#else
    (void)at, (void)step;
#endif
}

#endif

#endif
