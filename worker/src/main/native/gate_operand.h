// The gradients by the pre-activations of a recurrent layer as left operand (operands.h).
#ifndef SPARKRNN_GATE_OPERAND_H
#define SPARKRNN_GATE_OPERAND_H

#include "operands.h"
#include "variant.h"

// `slots` slots from the first one on, of all positions from `position` on; k in blocked order.
INLINE left gate_operand(const recurrent_layer *layer, recurrent_layout at, long position,
                         int first, int slots) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const long blocks = ceil_div(layer->hidden, LANES);
    const long block = lanes_of(shape->slots * LANES);
    const float *gates = layer->bf16 ? layer->packed + at.d_gates : layer->gates;
    const float *data = gates + position * blocks * block + lanes_of(first * LANES);
    const left all = left_rows(data, blocks * block, blocks * block);
    const left some = {data, blocks * block, lanes_of(slots * LANES), 1, blocks, block};
    return slots == shape->slots ? all : some;
}

// The gradients of a step by the pre-activations of a block of units have been written.
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
