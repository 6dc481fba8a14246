// The functions of one instruction set; VARIANT is part of every name (simd.h).
#ifndef SPARKRNN_VARIANT_H
#define SPARKRNN_VARIANT_H

#include "kernel.h"
#include "recurrent.h"
#include "simd.h"

void NAME(recurrent_pack)(const recurrent_layer *layer);
void NAME(recurrent_forward)(const recurrent_layer *layer, long time);
void NAME(recurrent_backward)(const recurrent_layer *layer, long time);

// The weight and bias gradients and dx, once all gates hold pre-activation gradients.
void NAME(recurrent_gradients)(const recurrent_layer *layer, long time);

// Units of a block that keep their state of the step before (zoneout.h).
typedef struct zoned {
    float rate;  // 0: none does
    // Which take their new state, a number for each stream; NULL for the mean of the two states.
    const float *choices;
    const float *before;  // their state before the step
    long row;
} zoned;

// One block of 16 units for all streams of a step, right after its recurrent product.
typedef struct cell_step {
    const recurrent_layer *layer;
    long step;
    long block;     // units 16 * block and following
    long live;      // units of this block that exist, 1 to 16
    long row;       // padded hidden units: floats of a row of states, but of projected ones
    long gate_row;  // floats of a row of gates
    // Of this block, if the cell has peepholes: [peepholes][16], the weights and the sums of their
    // gradients over the steps after this one, which backward continues.
    const float *peepholes;
    float *d_peepholes;
    // Of this block and step: where the cell writes its cell state, if it has one. Row stride as
    // that of states.
    float *new_cell;
    // Likewise its hidden state: projected, if it is, when all blocks are there.
    float *new_hidden;
    // Of this block and step, if the cell has a gated hidden state: row stride as that of states.
    float *gated;
    // What the cell does of zoneout: nothing where more comes between what it computes and states.
    zoned hidden, cell;
} cell_step;

// What a cell computes of a block; each cell_NAME.c defines one under its name.
typedef struct cell_functions {
    // gates: pre-activations become activations; the states after the step are written.
    void (*forward)(cell_step at);
    // gates: activations become gradients by pre-activations; d_cell, and d_hidden where there is a
    // direct path, become gradients by the states before the step. d_units: gradients by the hidden
    // state, row stride 64.
    void (*backward)(cell_step at, const float *d_units);
    // Of a cell with a gated hidden state only. Before forward, when the slots that see the hidden
    // state have their sums: writes the gated one.
    void (*gate)(cell_step at);
    // After backward: gates and d_hidden get what comes by way of the gated hidden state. d_gated:
    // gradients by it, row stride 64.
    void (*gate_backward)(cell_step at, const float *d_gated);
} cell_functions;

#define DECLARE_CELL(name, ...) extern const cell_functions NAME(name);
CELLS(DECLARE_CELL)
#undef DECLARE_CELL

// What the cell does not do of zoneout: after its forward, and around its backward. Of the hidden
// state a block and its row are those of the state's columns, d its gradient with row stride d_row.
void NAME(zoneout_cell_forward)(cell_step at);
void NAME(zoneout_cell_before_backward)(cell_step at);
void NAME(zoneout_cell_after_backward)(cell_step at);
void NAME(zoneout_hidden_forward)(cell_step at);
void NAME(zoneout_hidden_backward)(cell_step at, float *d, long d_row);

// Layer normalisation, if the layer has it (layer_norm.c). Of a step: the gates get their
// pre-activations from what their products with the input and the hidden state add up to; those
// that see the gated hidden state from that too, later.
void NAME(norm_forward)(const recurrent_layer *layer, recurrent_layout at, long step, bool gated);
// From gates, gradients by pre-activations, to those by the sums, in place of these.
void NAME(norm_backward)(const recurrent_layer *layer, recurrent_layout at, long step, bool gated);
// Of all units of a step, if the cell has a cell state: the cell's new_hidden from its new_cell;
// and d_cell from d_units, the gradient by the hidden state, [units / 64][batch][64], which becomes
// that by the output gate.
void NAME(norm_cell_forward)(cell_step step, recurrent_layout at);
void NAME(norm_cell_backward)(cell_step step, recurrent_layout at, float *d_units);
// The gradients of biases and gains: sums over steps downwards, streams upwards.
void NAME(norm_begin_backward)(const recurrent_layer *layer, recurrent_layout at);
void NAME(norm_gradients)(const recurrent_layer *layer, recurrent_layout at);

void NAME(softmax_loss)(const softmax_head *head, long positions);
void NAME(softmax_logits)(const softmax_head *head, long positions, float *logits, long stride);
void NAME(softmax_backward)(const softmax_head *head, long positions);

void NAME(add_rows)(const float *from, long from_stride, const int32_t *rows, long count,
                    long columns, float *table);
void NAME(dropout)(const float *in, float *out, padded_rows shape, keep keep, philox_key key);
void NAME(choose)(float *out, long time, long batch, long columns, uint32_t threshold,
                  philox_key key);
void NAME(add_difference)(const float *left, const float *right, float factor, float *out,
                          long count);
void NAME(scale_rows)(float *matrix, long stride, const float *factors, long rows);
double NAME(sum_of_squares)(const float *x, long count);
void NAME(update)(int rule, const update_coefficients *c, float *p, const float *g, float *first,
                  float *second, long count);

#endif
