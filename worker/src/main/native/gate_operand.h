// The gradients by the pre-activations of a recurrent layer as left operand (operands.h).
#ifndef SPARKRNN_GATE_OPERAND_H
#define SPARKRNN_GATE_OPERAND_H

#include "operands.h"
#include "variant.h"

#if defined(AMX)

// AMX reads whole chunks of terms that are adjacent: the slots that see the hidden state, and those
// that see the input where they are others, have a region each, [positions][terms in chunks].
typedef struct gate_part {
    float *rows;
    long lanes, row;  // floats of a row's terms, and from row to row
    int first, slots;
} gate_part;

INLINE gate_part part_of_gates(const recurrent_layer *layer, float *rows, int first, int slots) {
    const long lanes = lanes_of(round_up(layer->hidden, LANES) * slots);
    const gate_part part = {rows, lanes, row_of_lanes(PRECISION, lanes), first, slots};
    return part;
}

INLINE gate_part hidden_part(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    return part_of_gates(layer, layer->packed + at.d_gates, shape->hidden_first,
                         shape->hidden_slots);
}

INLINE gate_part input_part(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    if (sees_all_slots(shape)) return hidden_part(layer, at);
    return part_of_gates(layer, layer->packed + at.d_gates_input, shape->input_first,
                         shape->input_slots);
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

INLINE void keep_part(gate_part part, cell_step step) {
    const recurrent_layer *layer = step.layer;
    const long gates = step.gate_row / (step.row / LANES);  // floats of a block
    const long width = part.slots * LANES, at = step.block * width / 2;
    const long first = step.step * layer->batch;
    const bool last = (step.block + 1) * LANES == step.row;
    const long end = last ? part.lanes : at + width / 2;  // the last block fills the last chunk
    for (long b = first; b < first + layer->batch; b++) {
        const float *d = layer->gates + b * step.gate_row + step.block * gates + part.first * LANES;
        float *to = part.rows + b * part.row + at;
        for (long v = 0; v < width; v += 2 * LANES) {
            const v16 pairs = adjacent_terms(d + v, width - v);
            v_store_first(to + v / 2, end - (at + v / 2), pairs);
        }
    }
}

// The gradients of a step by the pre-activations of a block of units have been written.
INLINE void keep_gate_operand(recurrent_layout at, cell_step step) {
    keep_part(hidden_part(step.layer, at), step);
    const cell_shape *shape = cell_shape_of(step.layer->cell);
    const bool apart = step.layer->dx != 0 && !sees_all_slots(shape);
    if (apart) keep_part(input_part(step.layer, at), step);
    if (shape->gated_slots > 0) keep_part(gated_part(step.layer, at), step);
}

#else

// `slots` slots from the first one on, of all positions from `position` on; k in blocked order.
INLINE left gate_operand(const recurrent_layer *layer, recurrent_layout at, long position,
                         int first, int slots) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const long blocks = ceil_div(layer->hidden, LANES);
    const long block = lanes_of(shape->slots * LANES);
    const float *gates = PRECISION != PRECISION_FLOAT32 ? layer->packed + at.d_gates : layer->gates;
    const float *data = gates + position * blocks * block + lanes_of(first * LANES);
    const left all = left_rows(data, blocks * block, blocks * block);
    const left some = {data, blocks * block, lanes_of(slots * LANES), 1, blocks, block};
    return slots == shape->slots ? all : some;
}

INLINE left input_gate_operand(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    return gate_operand(layer, at, 0, shape->input_first, shape->input_slots);
}

INLINE left hidden_gate_operand(const recurrent_layer *layer, recurrent_layout at, long position) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    return gate_operand(layer, at, position, shape->hidden_first, shape->hidden_slots);
}

INLINE left gated_gate_operand(const recurrent_layer *layer, recurrent_layout at, long position) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    return gate_operand(layer, at, position, shape->gated_first, shape->gated_slots);
}

INLINE void keep_gate_operand(recurrent_layout at, cell_step step) {
#if defined(BF16)
    const recurrent_layer *layer = step.layer;
    const long block = step.gate_row / (step.row / LANES);
    const long first = step.step * layer->batch;
    for (long b = first; b < first + layer->batch; b++) {
        const float *d = layer->gates + b * step.gate_row + step.block * block;
        float *to = layer->packed + at.d_gates + lanes_of(b * step.gate_row + step.block * block);
        for (long v = 0; v < block; v += 2 * LANES) {
            // The last of an odd number of slots has no partner.
            v_store_first(to + lanes_of(v), lanes_of(block - v), adjacent_terms(d + v, block - v));
        }
    }
#else
    (void)at, (void)step;
#endif
}

#endif

#endif
