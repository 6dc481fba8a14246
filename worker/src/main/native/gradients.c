// The parameter gradients of a window as large products over its positions, and the gradient by the
// layer's input.
#include <stddef.h>

#include "gate_operand.h"
#include "operands.h"
#include "variant.h"

static const float zeros[PANEL];

typedef struct window {
    const recurrent_layer *layer;
    const cell_shape *shape;
    recurrent_layout at;
    long hidden;  // rows of a gate: units, or columns that they are projected to
    long units;   // the same padded
    long positions;
} window;

// Rows first..first + count of a padded matrix as panels [lanes_of(count)][64], what a product
// reads as right operand: each k, here a position, a row.
static void copy_panels(const float *from, long stride, long count, float *panels) {
    for (long column = 0; column < stride; column += PANEL) {
        const long width = min_long(PANEL, stride - column);
        const long lanes = lanes_of(count);
        for (long i = 0; i < lanes; i++) {
            for (long v = 0; v < width; v += LANES) {
                v_store(panels + panel_at(i, v, PANEL, lanes),
                        row_terms(from + column + v, stride, i, count));
            }
        }
        panels += lanes * PANEL;
    }
}

// Some blocks of units whose weight gradients are computed together.
typedef struct unit_blocks {
    long first, count;
} unit_blocks;

// The gate gradients of some blocks of units as left operand, [slots][blocks * 16 units]
// [lanes_of(count)], and their sums over positions. Position by position: all of one are adjacent.
static void copy_blocks(const window *w, gate_rows gates, unit_blocks blocks, long first,
                        long count, float *to) {
    const long slots = w->shape->slots, parts = blocks.count * slots;
    const long lanes = lanes_of(count), row = row_of_lanes(PRECISION, lanes);
    const long column = blocks.first * slots * LANES;
    const long gate_row = gates.stride;
    const float *from = gates.first + first * gate_row + column;
    float *d_bias = w->layer->packed + w->at.d_bias + column;
    if (first == 0) {
        for (long v = 0; v < parts * LANES; v += LANES) v_store(d_bias + v, v_zero());
    }
    for (long i = 0; i < lanes; i += LANES) {
        const long begin = i * TERMS_PER_LANE, terms = LANES * TERMS_PER_LANE;
        const long next = min_long(count, begin + terms);
        for (long p = next; p < min_long(count, next + terms); p++) {
            for (long v = 0; v < parts; v++) __builtin_prefetch(from + p * gate_row + v * LANES);
        }
        for (long part = 0; part < parts; part++) {
            const long slot = part % slots, block = part / slots;
            float *rows = to + (slot * blocks.count + block) * LANES * row + i;
            v16 sum = v_load(d_bias + part * LANES);
            for (long p = begin; p < next; p++) {
                sum = v_add(sum, v_load(from + p * gate_row + part * LANES));
            }
            v_store(d_bias + part * LANES, sum);
            transpose_terms(from + part * LANES, gate_row, i, count, rows, row);
        }
    }
}

#if defined(AMX)

// Of a part of gates that is an operand already: where the pairs of a position's units become pairs
// of a unit's positions.
static void copy_rounded_blocks(gate_part part, unit_blocks blocks, long first, long count,
                                float *to) {
    const long lanes = lanes_of(count), row = row_of_lanes(PRECISION, lanes);
    const long width = part.slots * LANES / 2, lines = ceil_div(blocks.count * width, LINE);
    const float *from = part.rows + first * part.row + blocks.first * width;
    for (long i = 0; i < lanes; i += LANES) {
        const long next = min_long(count, 2 * (i + LANES));
        for (long p = next; p < min_long(count, next + 2 * LANES); p++) {
            for (long v = 0; v < lines; v++) __builtin_prefetch(from + p * part.row + v * LINE);
        }
        for (long block = 0; block < blocks.count; block++) {
            for (int slot = 0; slot < part.slots; slot += 2) {
                const float *pairs = from + block * width + slot * LANES / 2;
                const int slots = slot + 1 < part.slots ? 2 : 1;
                v16 even[LANES], odd[LANES];  // units of 16 pairs of positions
                for (long l = 0; l < LANES; l++) {
                    const long p = 2 * (i + l);
                    const v16 one =
                        p < count ? v_load_first(pairs + p * part.row, 8 * slots) : v_zero();
                    const v16 other = p + 1 < count
                                          ? v_load_first(pairs + (p + 1) * part.row, 8 * slots)
                                          : v_zero();
                    v_pairs_across(one, other, &even[l], &odd[l]);
                }
                v_transpose(even);
                v_transpose(odd);
                for (int r = 0; r < 8 * slots; r++) {
                    const long unit =
                        ((part.first + slot + r / 8) * blocks.count + block) * LANES + r % 8 * 2;
                    v_store(to + unit * row + i, even[r]);
                    v_store(to + (unit + 1) * row + i, odd[r]);
                }
            }
        }
    }
}

#endif

static left slot_operand(const float *d_blocks, unit_blocks blocks, int slot, long count) {
    const long lanes = lanes_of(count), row = row_of_lanes(PRECISION, lanes);
    return left_rows(d_blocks + slot * blocks.count * LANES * row, row, lanes);
}

// The gradients by the sums of the input, or of the hidden state; at least of what sees it.
static void copy_gradients(const window *w, bool of_input, unit_blocks blocks, long first,
                           long count, float *to) {
    const recurrent_layer *layer = w->layer;
#if defined(AMX)
    if (is_normalised(layer)) {
        const gate_part part = of_input ? input_part(layer, w->at) : hidden_part(layer, w->at);
        copy_rounded_blocks(part, blocks, first, count, to);
        if (!of_input && w->shape->gated_slots > 0) {
            copy_rounded_blocks(gated_part(layer, w->at), blocks, first, count, to);
        }
        return;
    }
#endif
    copy_blocks(w, of_input ? rows_of_input(layer, w->at) : rows_of_hidden(layer, w->at), blocks,
                first, count, to);
}

// d_weights[rows of the blocks' slots][columns] (+)= d_blocks^T * panels
static void block_gradient(const window *w, unit_blocks blocks, int first_slot, int slots,
                           bool begin, long count, const float *d_blocks, const float *panels,
                           long columns, float *d_weights) {
    if (slots == 0) return;
    const long unit = blocks.first * LANES;
    const long live = min_long(blocks.count * LANES, w->hidden - unit);
    const long panel_floats = lanes_of(count) * PANEL;
    for (long column = 0; column < columns; column += PANEL) {
        const float *panel = panels + column * lanes_of(count);
        stream next;
        stream *ahead = stream_ahead(&next, slots * live, lanes_of(count), panel + panel_floats,
                                     column + PANEL < columns ? panel_floats : 0);
        for (int s = first_slot; s < first_slot + slots; s++) {
            const long row = w->shape->gate_of[s] * w->hidden + unit;
            const left d = slot_operand(d_blocks, blocks, s, count);
            float *c = d_weights + row * columns + column;
            const start nothing = {zeros, 0, 0}, sum = {c, columns, 0};
            multiply_panel(live, min_long(PANEL, columns - column), &d, panel, PANEL,
                           begin ? nothing : sum, c, columns, ahead);
        }
    }
}

// Where a chunk begins: terms that are added together never lie in two.
static long chunk_start(long positions, long chunks, long chunk) {
    const long together = terms_together(PRECISION);
    return min_long(positions, ceil_div(positions, together) * chunk / chunks * together);
}

static void weight_gradients(const window *w) {
    const recurrent_layer *layer = w->layer;
    const cell_shape *shape = w->shape;
    float *x_panels = layer->packed + w->at.x_panels;
    float *hidden_panels = layer->packed + w->at.hidden_panels;
    float *gated_panels = layer->packed + w->at.gated_panels;
    float *d_blocks = layer->packed + w->at.d_columns;
    const long input_row = round_up(layer->input, LANES);
    const long output_row = round_up(layer->output, LANES);
    const long chunks = ceil_div(w->positions, position_chunk(PRECISION) * TERMS_PER_LANE);
    for (long i = 0; i < chunks; i++) {
        const long first = chunk_start(w->positions, chunks, i);
        const long count = chunk_start(w->positions, chunks, i + 1) - first;
        if (!layer->one_hot) copy_panels(layer->x + first * input_row, input_row, count, x_panels);
        copy_panels(layer->hidden_states + first * output_row, output_row, count, hidden_panels);
        if (shape->gated_slots > 0) {
            copy_panels(layer->packed + w->at.gated + first * w->units, w->units, count,
                        gated_panels);
        }
        unit_blocks blocks = {0, 0};
        for (; blocks.first < w->units / LANES; blocks.first += blocks.count) {
            blocks.count = min_long(blocks_together(PRECISION), w->units / LANES - blocks.first);
            if (!layer->one_hot) {
                copy_gradients(w, true, blocks, first, count, d_blocks);
                block_gradient(w, blocks, shape->input_first, shape->input_slots, i == 0, count,
                               d_blocks, x_panels, layer->input, layer->gradients.weight_ih);
            }
            if (layer->one_hot || is_normalised(layer)) {
                copy_gradients(w, false, blocks, first, count, d_blocks);
            }
            block_gradient(w, blocks, shape->hidden_first, shape->hidden_slots, i == 0, count,
                           d_blocks, hidden_panels, layer->output, layer->gradients.weight_hh);
            block_gradient(w, blocks, shape->gated_first, shape->gated_slots, i == 0, count,
                           d_blocks, gated_panels, layer->output, layer->gradients.weight_hh);
        }
    }
}

// weight_hr's, whose outputs take the place of gates; in the scratch memory of the gates'
// gradients.
static void projection_gradients(const recurrent_layer *layer, recurrent_layout at,
                                 long positions) {
    const long units = round_up(layer->hidden, LANES), outputs = round_up(layer->output, LANES);
    const window w = {layer, &projection_shape, at, layer->output, outputs, positions};
    const gate_rows d_outputs = {layer->packed + at.d_outputs, outputs};
    float *panels = layer->packed + at.hidden_panels;
    float *d_blocks = layer->packed + at.d_columns;
    const long chunks = ceil_div(positions, position_chunk(PRECISION) * TERMS_PER_LANE);
    for (long i = 0; i < chunks; i++) {
        const long first = chunk_start(positions, chunks, i);
        const long count = chunk_start(positions, chunks, i + 1) - first;
        copy_panels(layer->packed + at.unprojected + first * units, units, count, panels);
        unit_blocks blocks = {0, 0};
        for (; blocks.first < outputs / LANES; blocks.first += blocks.count) {
            blocks.count = min_long(blocks_together(PRECISION), outputs / LANES - blocks.first);
            copy_blocks(&w, d_outputs, blocks, first, count, d_blocks);
            block_gradient(&w, blocks, 0, 1, i == 0, count, d_blocks, panels, layer->hidden,
                           layer->gradients.weight_hr);
        }
    }
}

static void bias_gradients(const window *w) {
    const cell_shape *shape = w->shape;
    const long hidden = w->layer->hidden;
    for (long block = 0; block < w->units / LANES; block++) {
        const float *d_bias = w->layer->packed + w->at.d_bias + block * shape->slots * LANES;
        const long live = min_long(LANES, hidden - block * LANES);
        for (int s = 0; s < shape->slots; s++) {
            const long row = shape->gate_of[s] * hidden + block * LANES;
            const v16 d = v_load(d_bias + s * LANES);
            if (sees_input(shape, s)) {
                v_store_first(w->layer->gradients.bias_ih + row, live, d);
            }
            if (is_recurrent(shape, s)) {
                v_store_first(w->layer->gradients.bias_hh + row, live, d);
            }
        }
    }
}

// Summed by the cell, step by step.
static void peephole_gradients(const window *w) {
    const recurrent_layer *layer = w->layer;
    const int peepholes = w->shape->peepholes;
    for (long block = 0; block < w->units / LANES; block++) {
        const float *d = layer->packed + w->at.d_peepholes + block * peepholes * LANES;
        const long live = min_long(LANES, layer->hidden - block * LANES);
        for (int k = 0; k < peepholes; k++) {
            float *to = layer->gradients.weight_ph + k * layer->hidden + block * LANES;
            v_store_first(to, live, v_load(d + k * LANES));
        }
    }
}

// One-hot input: weight_ih's gradient collects rows by token, a block of units at a time.
static void token_gradients(const window *w) {
    const recurrent_layer *layer = w->layer;
    const cell_shape *shape = w->shape;
    const long width = shape->slots * LANES;
    const gate_rows all = rows_of_input(layer, w->at);
    float *sums = layer->packed + w->at.d_tokens;
    for (long block = 0; block < w->units / LANES; block++) {
        for (long i = 0; i < layer->input * width; i += LANES) v_store(sums + i, v_zero());
        for (long p = 0; p < w->positions; p++) {
            float *sum = sums + layer->tokens[p] * width;
            const float *d = all.first + p * all.stride + block * width;
            for (long v = 0; v < width; v += LANES) {
                v_store(sum + v, v_add(v_load(sum + v), v_load(d + v)));
            }
        }
        const long live = min_long(LANES, layer->hidden - block * LANES);
        for (int s = shape->input_first; s < shape->input_first + shape->input_slots; s++) {
            const long row = shape->gate_of[s] * layer->hidden + block * LANES;
            for (long token = 0; token < layer->input; token += LANES) {
                const long count = min_long(LANES, layer->input - token);
                v16 part[LANES];
                for (long i = 0; i < LANES; i++) {
                    part[i] = i < count ? v_load(sums + (token + i) * width + s * LANES) : v_zero();
                }
                v_transpose(part);
                for (long r = 0; r < live; r++) {
                    v_store_first(layer->gradients.weight_ih + (row + r) * layer->input + token,
                                  count, part[r]);
                }
            }
        }
    }
}

static void input_gradient(const window *w) {
    const recurrent_layer *layer = w->layer;
    const long input_row = round_up(layer->input, LANES);
    const left d = input_gate_operand(layer, w->at);
    const right weights = {layer->packed + w->at.backward_ih, layer->input, PANEL};
    const start nothing = {zeros, 0, 0};
    multiply(w->positions, &d, weights, nothing, layer->dx, input_row, PANEL);
}

void NAME(recurrent_gradients)(const recurrent_layer *layer, long time) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const long units = round_up(layer->hidden, LANES);
    const window w = {layer,         shape, recurrent_layout_for(layer),
                      layer->hidden, units, time * layer->batch};
    weight_gradients(&w);
    if (is_normalised(layer)) {
        NAME(norm_gradients)(layer, w.at);
    } else {
        bias_gradients(&w);
    }
    peephole_gradients(&w);
    if (layer->one_hot) token_gradients(&w);
    if (layer->dx != 0) input_gradient(&w);
    if (is_projected(layer)) projection_gradients(layer, w.at, w.positions);
}
