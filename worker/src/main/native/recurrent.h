// What the files of the recurrent layers share: the layout of a layer's private region.
#ifndef SPARKRNN_RECURRENT_H
#define SPARKRNN_RECURRENT_H

#include <stddef.h>

#include "kernel.h"
#include "lanes.h"

// Blocks of 16 units of which one panel of a forward product holds the slots: a cell with one slot
// fills a panel with four.
static inline long panel_blocks(const cell_shape *shape) { return MAX_SLOTS / shape->slots; }

// Whether input and hidden state are seen by the same slots: by all.
static inline bool sees_all_slots(const cell_shape *shape) {
    return shape->input_slots == shape->slots && shape->hidden_slots == shape->slots;
}

// Offsets in floats into recurrent_layer.packed; all multiples of 16. In bf16, k of a product
// counts pairs of terms (operands.h): half as many floats, and the operands that are not packed
// have copies; for AMX whole chunks of terms.
typedef struct recurrent_layout {
    long bias;           // [blocks][slots][16]: start of each chain
    long peepholes;      // [blocks][peepholes][16]
    long forward_ih;     // [panels][input][panel_blocks * input_slots * 16]
    long forward_hh;     // [panels][output][panel_blocks * hidden_slots * 16]
    long forward_gated;  // [blocks][hidden][gated_slots * 16]
    long gated;          // [time * batch][units]: gated hidden states, if the cell has them
    long forward_hr;     // [output / 64][hidden][64], if the layer is projected
    long unprojected;    // [time * batch][units]: what the cell computes, then
    long tokens;         // [time * batch] int32
    // If the layer is normalised (layer_norm.c).
    long input_sums;   // [time * batch][blocks * slots * 16]: W_ih x, then the gradient by it
    long hidden_sums;  // the same of W_hh h
    long sums_row;     // floats from row to row of these
    long statistics;   // [time * batch][16]: mean and 1 / deviation of what is normalised together
    long gain_ih;      // [blocks][slots][16]
    long gain_hh;
    long gain_c;  // [blocks][16], if there is a cell state
    long bias_c;
    long x_operand;       // bf16: [time * batch][input / 2]
    long hidden_operand;  // bf16: [batch][hidden / 2], of a step: states before it, gated or not,
                          // what is projected, its gradient
    long backward_ih;     // [input / 64][blocks * input_slots * 16][64]
    long backward_hh;     // [output / 64][blocks * hidden_slots * 16][64]
    long backward_hr;     // [hidden / 64][output][64]
    long d_outputs;       // [time * batch][output]: gradient by the projected states
    long backward_gated;  // [hidden / 64][blocks * gated_slots * 16][64]
    // See gate_operand.h; neither for AMX where the layer is normalised.
    long d_gates;        // bf16: [time * batch][blocks * slots * 16 / 2]
    long d_gates_input;  // of the slots that see the input: AMX, where these are not all; bf16,
                         // where the layer is normalised
    long d_gates_gated;  // AMX: of the slots that see the gated hidden state
    long d_units;      // [batch][64]: gradient by the hidden state of 64 units; normalised: of all,
                       // [hidden / 64][batch][64]
    long d_columns;    // [slots][blocks * 16][chunk]: pre-activation gradients of some blocks, see
                       // blocks_together() (lanes.h)
    long d_bias;       // [blocks][slots * 16]
    long d_peepholes;  // [blocks][peepholes][16]
    long x_panels;     // [input / 64][chunk][64], chunk: position_chunk() (lanes.h)
    long hidden_panels;  // [hidden / 64][chunk][64]: hidden states, then what is projected
    long gated_panels;   // [hidden / 64][chunk][64]
    long d_tokens;       // [input][slots * 16]: one-hot input's gradient of one block
    long d_norm;         // gradients by the sum of the biases, gain_ih, gain_hh, gain_c and bias_c,
                         // each in its order above
    long d_normal;       // [16][hidden]: gradients by normalised cell states
    long floats;
} recurrent_layout;

recurrent_layout recurrent_layout_of(int precision, int cell, long time, long batch, long input,
                                     long hidden, long output, bool one_hot, bool normalised,
                                     bool backward);

// W_hr in the terms of a cell: one gate of `output` rows in one slot.
extern const cell_shape projection_shape;

// Whether W_hr projects the units to fewer columns of the hidden state.
static inline bool is_projected(const recurrent_layer *layer) {
    return layer->output < layer->hidden;
}

// Whether what the gates add up, and the cell state, are normalised.
static inline bool is_normalised(const recurrent_layer *layer) {
    return layer->parameters.gain_hh != NULL;
}

// The layer's own; backward regions come last, so that a layer without gradients agrees.
recurrent_layout recurrent_layout_for(const recurrent_layer *layer);

#endif
