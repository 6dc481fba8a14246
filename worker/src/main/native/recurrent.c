// A window of one recurrent layer: the input product of all steps at once, then step by step the
// recurrent product of a block of units and, while its sums are in L1, the cell.
#include <stddef.h>

#include "gate_operand.h"
#include "operands.h"
#include "variant.h"
#include "zoneout.h"

#define FUNCTIONS(cell, ...) &NAME(cell),
static const cell_functions *const functions[CELL_KINDS] = {CELLS(FUNCTIONS)};

// Whether the hidden state is computed of the normalised cell state, when all units are there.
static bool normalises_cell(const recurrent_layer *layer) {
    return is_normalised(layer) && cell_shape_of(layer->cell)->has_cell_state;
}

// Columns of the hidden state, padded.
static long output_row(const recurrent_layer *layer) { return round_up(layer->output, LANES); }

static cell_step step_of(const recurrent_layer *layer, const cell_shape *shape, recurrent_layout at,
                         long step) {
    const long row = round_up(layer->hidden, LANES);
    const long gated = shape->gated_slots > 0 ? step * layer->batch * row : 0;
    const bool kept = layer->zoneout.new_cells != NULL;
    const long cells = (step + (kept ? 0 : 1)) * layer->batch * row;
    float *new_cells = kept ? layer->zoneout.new_cells : layer->cell_states;
    float *new_hidden = is_projected(layer)
                            ? layer->packed + at.unprojected + step * layer->batch * row
                            : layer->hidden_states + (step + 1) * layer->batch * row;
    const cell_step first = {.layer = layer,
                             .step = step,
                             .row = row,
                             .gate_row = row * shape->slots,
                             .peepholes = layer->packed + at.peepholes,
                             .d_peepholes = layer->packed + at.d_peepholes,
                             .new_cell = shape->has_cell_state ? new_cells + cells : NULL,
                             .new_hidden = new_hidden,
                             .gated = layer->packed + at.gated + gated};
    return first;
}

static cell_step block_of(cell_step step, const cell_shape *shape, long block) {
    step.block = block;
    step.live = min_long(LANES, step.layer->hidden - block * LANES);
    step.peepholes += block * shape->peepholes * LANES;
    step.d_peepholes += block * shape->peepholes * LANES;
    if (shape->has_cell_state) step.new_cell += block * LANES;
    step.new_hidden += block * LANES;
    step.gated += block * LANES;
    const recurrent_layer *layer = step.layer;
    const zoneout *zone = &layer->zoneout;
    if (normalises_cell(layer)) return step;
    if (!is_projected(layer)) {
        step.hidden = zoned_at(zone->hidden_rate, zone->hidden_updates, layer->hidden_states, step);
    }
    step.cell = zoned_at(zone->cell_rate, zone->cell_updates, layer->cell_states, step);
    return step;
}

static const float zeros[PANEL];

// gates = bias + x * weight_ih, in the slots that see the input; normalised: sums, without bias.
static void input_product(const recurrent_layer *layer, const cell_shape *shape,
                          recurrent_layout at, long positions) {
    const long row = round_up(layer->hidden, LANES) * shape->slots;
    const long width = panel_blocks(shape) * shape->input_slots * LANES;
    const long step = panel_blocks(shape) * shape->slots * LANES;
    const long shift = shape->input_first * LANES;
    const float *panels = layer->packed + at.forward_ih;
    const gate_rows sums = rows_of_input(layer, at);
    if (!layer->one_hot) {
        const right weights = {panels, row / shape->slots * shape->input_slots, width};
        const start all_bias = {layer->packed + at.bias + shift, 0, step}, none = {zeros, 0, 0};
        const start bias = is_normalised(layer) ? none : all_bias;
        const left x =
            operand_rows(layer->x, positions, layer->input, layer->packed + at.x_operand);
        multiply(positions, &x, weights, bias, sums.first + shift, sums.stride, step);
        return;
    }
    for (long p = 0; p < positions; p++) {
        for (long panel = 0; panel * step < row; panel++) {
            const long column = panel * step + shift;
            const float *weight = panels + (panel * layer->input + layer->tokens[p]) * width;
            for (long v = 0; v < min_long(width, row - column); v += LANES) {
                const v16 selected = v_load(weight + v);
                v_store(sums.first + p * sums.stride + column + v,
                        is_normalised(layer)
                            ? selected
                            : v_add(v_load(layer->packed + at.bias + column + v), selected));
            }
        }
    }
}

// The i-th of `count` parts of a step's weights, and from it to the next one: steps go through them
// to and fro, so that each begins with what the last one left in L2.
static long part_of_step(long step, long i, long count) {
    return step % 2 == 0 ? i : count - 1 - i;
}
static long to_next_part(long step) { return step % 2 == 0 ? 1 : -1; }

// Slots that see the hidden state alone start at their bias.
static void start_hidden_slots(const recurrent_layer *layer, const cell_shape *shape,
                               recurrent_layout at, cell_step step) {
    const long block = shape->slots * LANES;
    float *gates = layer->gates + step.step * layer->batch * step.gate_row;
    for (int s = shape->input_first + shape->input_slots; s < shape->slots; s++) {
        const v16 bias = v_load(layer->packed + at.bias + step.block * block + s * LANES);
        for (long b = 0; b < layer->batch; b++) {
            v_store(gates + b * step.gate_row + step.block * block + s * LANES, bias);
        }
    }
}

// Whether the cell leaves it to others what its units keep of their states.
static bool keeps_hidden(const recurrent_layer *layer) {
    return layer->zoneout.hidden_rate > 0 && normalises_cell(layer) && !is_projected(layer);
}

static bool keeps_cell(const recurrent_layer *layer) {
    return layer->zoneout.cell_rate > 0 && normalises_cell(layer);
}

// Sixteen columns of a projected hidden state.
static cell_step columns_of(const recurrent_layer *layer, long step, long block) {
    const cell_step at = {.layer = layer,
                          .step = step,
                          .block = block,
                          .live = min_long(LANES, layer->output - block * LANES),
                          .row = output_row(layer)};
    return at;
}

// The slots that see the gated hidden state and, unless they are normalised, the end of the cell.
static void gated_product(const recurrent_layer *layer, const cell_shape *shape,
                          recurrent_layout at, cell_step step) {
    const bool apart = is_normalised(layer);
    const gate_rows sums = rows_of_hidden(layer, at);
    const long width = shape->gated_slots * LANES;
    const left gated =
        operand_rows(step.gated, layer->batch, layer->hidden, layer->packed + at.hidden_operand);
    for (long block = 0; block < step.row / LANES; block++) {
        float *gates = sums.first + step.step * layer->batch * sums.stride +
                       (block * shape->slots + shape->gated_first) * LANES;
        const start begin = {apart ? zeros : gates, apart ? 0 : sums.stride, 0};
        multiply_panel(layer->batch, width, &gated,
                       layer->packed + at.forward_gated + block * lanes_of(layer->hidden) * width,
                       width, begin, gates, sums.stride, NULL);
        if (!apart) functions[layer->cell]->forward(block_of(step, shape, block));
    }
}

// The cells of a step that is normalised: all its sums are there.
static void normalised_cells(const recurrent_layer *layer, const cell_shape *shape,
                             recurrent_layout at, cell_step step) {
    const bool gated = shape->gated_slots > 0;
    const long blocks = step.row / LANES;
    NAME(norm_forward)(layer, at, step.step, false);
    for (long block = 0; gated && block < blocks; block++) {
        functions[layer->cell]->gate(block_of(step, shape, block));
    }
    if (gated) {
        gated_product(layer, shape, at, step);
        NAME(norm_forward)(layer, at, step.step, true);
    }
    for (long block = 0; block < blocks; block++) {
        functions[layer->cell]->forward(block_of(step, shape, block));
    }
    if (!normalises_cell(layer)) return;
    NAME(norm_cell_forward)(step, at);
    for (long block = 0; block < blocks; block++) {
        const cell_step own = block_of(step, shape, block);
        if (keeps_hidden(layer)) NAME(zoneout_hidden_forward)(own);
        if (keeps_cell(layer)) NAME(zoneout_cell_forward)(own);
    }
}

// The hidden state after a step, once all units are there. Only existing columns are written:
// padding stays +0.
static void project(const recurrent_layer *layer, recurrent_layout at, cell_step step) {
    const long row = output_row(layer);
    const right weights = {layer->packed + at.forward_hr, layer->output, PANEL};
    const start nothing = {zeros, 0, 0};
    const left units = operand_rows(step.new_hidden, layer->batch, layer->hidden,
                                    layer->packed + at.hidden_operand);
    multiply(layer->batch, &units, weights, nothing,
             layer->hidden_states + (step.step + 1) * layer->batch * row, row, PANEL);
    if (layer->zoneout.hidden_rate > 0) {
        for (long block = 0; block < row / LANES; block++) {
            NAME(zoneout_hidden_forward)(columns_of(layer, step.step, block));
        }
    }
}

void NAME(recurrent_forward)(const recurrent_layer *layer, long time) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const cell_functions *cell = functions[layer->cell];
    const recurrent_layout at = recurrent_layout_for(layer);
    const long panel = panel_blocks(shape), width = panel * shape->hidden_slots * LANES;
    const long panel_floats = lanes_of(layer->output) * width;
    const long blocks = ceil_div(layer->hidden, LANES), panels = ceil_div(blocks, panel);
    const bool apart = is_normalised(layer);
    const gate_rows sums = rows_of_hidden(layer, at);
    products_begin();
    input_product(layer, shape, at, time * layer->batch);
    for (long t = 0; t < time; t++) {
        const cell_step step = step_of(layer, shape, at, t);
        const left previous =
            operand_rows(layer->hidden_states + t * layer->batch * output_row(layer), layer->batch,
                         layer->output, layer->packed + at.hidden_operand);
        for (long i = 0; i < panels; i++) {
            const long first = part_of_step(t, i, panels) * panel;
            const long last = min_long(first + panel, blocks);
            float *gates = sums.first + t * layer->batch * sums.stride +
                           (first * shape->slots + shape->hidden_first) * LANES;
            const start begin = {apart ? zeros : gates, apart ? 0 : sums.stride, 0};
            for (long b = first; !apart && b < last; b++) {
                start_hidden_slots(layer, shape, at, block_of(step, shape, b));
            }
            const float *weights = layer->packed + at.forward_hh + first / panel * panel_floats;
            stream ahead;
            multiply_panel(layer->batch, (last - first) * shape->hidden_slots * LANES, &previous,
                           weights, width, begin, gates, sums.stride,
                           stream_ahead(&ahead, layer->batch, panel_floats / width,
                                        weights + to_next_part(t) * panel_floats,
                                        i + 1 < panels ? panel_floats : 0));
            for (long b = first; !apart && b < last; b++) {
                (shape->gated_slots > 0 ? cell->gate : cell->forward)(block_of(step, shape, b));
            }
        }
        if (apart) {
            normalised_cells(layer, shape, at, step);
        } else if (shape->gated_slots > 0) {
            gated_product(layer, shape, at, step);
        }
        if (is_projected(layer)) project(layer, at, step);
    }
    products_end();
}

// d[batch][up to 64] = what reaches these columns of the hidden state directly: from the layer
// above, and from the window after this one, or past the recurrent product.
static void direct_gradient(const recurrent_layer *layer, long step, long column,
                            bool with_d_hidden, float *d, long d_row) {
    const long row = output_row(layer), width = min_long(PANEL, row - column);
    for (long b = 0; b < layer->batch; b++) {
        const float *above = layer->d_hidden_sequence + (step * layer->batch + b) * row + column;
        const float *beyond = layer->d_hidden + b * row + column;
        for (long v = 0; v < width; v += LANES) {
            const v16 by_above = v_load(above + v);
            v_store(d + b * d_row + v,
                    with_d_hidden ? v_add(by_above, v_load(beyond + v)) : by_above);
        }
    }
}

// What passes the gated hidden state, when the cell's other gradients of a step are there.
static void gated_backward(const recurrent_layer *layer, const cell_shape *shape,
                           recurrent_layout at, cell_step step) {
    const long panel_floats = lanes_of(step.row * shape->gated_slots) * PANEL;
    const left d = gated_gate_operand(layer, at, step.step * layer->batch);
    const start nothing = {zeros, 0, 0};
    float *d_units = layer->packed + at.d_units;
    for (long unit = 0; unit < step.row; unit += PANEL) {
        const long width = min_long(PANEL, step.row - unit);
        multiply_panel(layer->batch, width, &d,
                       layer->packed + at.backward_gated + unit / PANEL * panel_floats, PANEL,
                       nothing, d_units, PANEL, NULL);
        for (long v = 0; v < width; v += LANES) {
            const cell_step block = block_of(step, shape, (unit + v) / LANES);
            functions[layer->cell]->gate_backward(block, d_units + v);
            if (!is_normalised(layer)) keep_gate_operand(at, block);
        }
    }
}

// What a product of the backward pass should ask for: the next units' weights; with AMX, of these
// units what the cell reads next.
typedef struct streams {
    stream weights, gates, after;
} streams;

static stream *backward_ahead(streams *to, const recurrent_layer *layer, cell_step step, long unit,
                              bool more, const float *panel, long panel_floats) {
    const long k = panel_floats / PANEL;
    stream *weights =
        stream_ahead(&to->weights, layer->batch, k, panel + to_next_part(step.step) * panel_floats,
                     more ? panel_floats : 0);
#if defined(AMX)
    const long units = step.row, slots = step.gate_row / units, first = step.step * layer->batch;
    const long tiles = ceil_div(layer->batch, tile_rows()), width = min_long(PANEL, units - unit);
    to->gates = rows_during(tiles, k, layer->gates + first * step.gate_row + unit * slots,
                            layer->batch, step.gate_row, width * slots);
    weights->then = &to->gates;
    if (layer->cell_states != NULL) {
        to->after = rows_during(tiles, k, layer->cell_states + first * units + unit, layer->batch,
                                units, width);
        to->gates.then = &to->after;
    }
#else
    (void)unit;
#endif
    return weights;
}

// Where the gradient by the hidden state of units has its place: one for all in turn, or, if what
// follows takes all of them, each its own.
static float *d_units_at(const recurrent_layer *layer, recurrent_layout at, long unit) {
    return layer->packed + at.d_units + (is_normalised(layer) ? unit * layer->batch : 0);
}

// Of a block of units, from the first one's on.
static long block_in_panels(const recurrent_layer *layer, long block) {
    return block * LANES / PANEL * layer->batch * PANEL + block * LANES % PANEL;
}

// The cells of a step that is normalised, once the gradient by all units is there.
static void normalised_backward(const recurrent_layer *layer, const cell_shape *shape,
                                recurrent_layout at, cell_step step) {
    const long blocks = step.row / LANES;
    float *d_units = layer->packed + at.d_units;
    for (long b = 0; b < blocks; b++) {
        const cell_step own = block_of(step, shape, b);
        float *d = d_units + block_in_panels(layer, b);
        if (keeps_hidden(layer)) NAME(zoneout_hidden_backward)(own, d, PANEL);
        if (keeps_cell(layer)) NAME(zoneout_cell_before_backward)(own);
    }
    if (normalises_cell(layer)) NAME(norm_cell_backward)(step, at, d_units);
    for (long b = 0; b < blocks; b++) {
        const cell_step own = block_of(step, shape, b);
        functions[layer->cell]->backward(own, d_units + block_in_panels(layer, b));
        if (keeps_cell(layer)) NAME(zoneout_cell_after_backward)(own);
    }
    if (shape->gated_slots > 0) {
        NAME(norm_backward)(layer, at, step.step, true);
        for (long b = 0; b < blocks; b++) keep_gate_operand(at, block_of(step, shape, b));
        gated_backward(layer, shape, at, step);
    }
    NAME(norm_backward)(layer, at, step.step, false);
    for (long b = 0; b < blocks; b++) keep_gate_operand(at, block_of(step, shape, b));
}

// The cells of a step, once the gradient by the projected hidden state is there.
static void projected_backward(const recurrent_layer *layer, const cell_shape *shape,
                               recurrent_layout at, cell_step step) {
    const long row = output_row(layer), panel_floats = lanes_of(row) * PANEL;
    const left d = operand_rows(layer->packed + at.d_outputs + step.step * layer->batch * row,
                                layer->batch, layer->output, layer->packed + at.hidden_operand);
    const start nothing = {zeros, 0, 0};
    const long panels = ceil_div(step.row, PANEL);
    for (long i = 0; i < panels; i++) {
        const long unit = part_of_step(step.step, i, panels) * PANEL;
        const long width = min_long(PANEL, step.row - unit);
        float *d_units = d_units_at(layer, at, unit);
        const float *panel = layer->packed + at.backward_hr + unit / PANEL * panel_floats;
        stream ahead;
        multiply_panel(layer->batch, width, &d, panel, PANEL, nothing, d_units, PANEL,
                       stream_ahead(&ahead, layer->batch, d.inner,
                                    panel + to_next_part(step.step) * panel_floats,
                                    i + 1 < panels ? panel_floats : 0));
        for (long v = 0; !is_normalised(layer) && v < width; v += LANES) {
            const cell_step block = block_of(step, shape, (unit + v) / LANES);
            functions[layer->cell]->backward(block, d_units + v);
            keep_gate_operand(at, block);
        }
    }
}

// What of the gradient by a projected hidden state its columns have; padding becomes +0.
static void column_gradients(const recurrent_layer *layer, long step, long column, long width,
                             float *d) {
    const long row = output_row(layer);
    for (long v = 0; v < width; v += LANES) {
        const cell_step block = columns_of(layer, step, (column + v) / LANES);
        for (long b = 0; b < layer->batch; b++) {
            float *own = d + b * row + v;
            v_store(own, v_first(v_load(own), block.live));
        }
        if (layer->zoneout.hidden_rate > 0) {
            NAME(zoneout_hidden_backward)(block, d + v, row);
        }
    }
}

void NAME(recurrent_backward)(const recurrent_layer *layer, long time) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const recurrent_layout at = recurrent_layout_for(layer);
    const long units = round_up(layer->hidden, LANES), outputs = output_row(layer);
    const long panel_floats = lanes_of(units * shape->hidden_slots) * PANEL;
    const bool direct_path = shape->has_direct_path || layer->zoneout.hidden_rate > 0;
    const bool projected = is_projected(layer);
    for (long i = 0; i < units * shape->peepholes; i += LANES) {
        v_store(layer->packed + at.d_peepholes + i, v_zero());
    }
    if (is_normalised(layer)) NAME(norm_begin_backward)(layer, at);
    products_begin();
    for (long t = time - 1; t >= 0; t--) {
        const bool last_step = t == time - 1;
        const cell_step step = step_of(layer, shape, at, t);
        const left next = hidden_gate_operand(layer, at, (t + 1) * layer->batch);
        const long panels = ceil_div(outputs, PANEL);
        for (long i = 0; i < panels; i++) {
            const long column = part_of_step(t, i, panels) * PANEL;
            const long width = min_long(PANEL, outputs - column);
            float *d_outputs = layer->packed + at.d_outputs + t * layer->batch * outputs + column;
            float *d = projected ? d_outputs : d_units_at(layer, at, column);
            const long d_row = projected ? outputs : PANEL;
            direct_gradient(layer, t, column, last_step || direct_path, d, d_row);
            if (!last_step) {
                const start begin = {d, d_row, 0};
                const float *panel = layer->packed + at.backward_hh + column / PANEL * panel_floats;
                streams ahead;
                multiply_panel(layer->batch, width, &next, panel, PANEL, begin, d, d_row,
                               backward_ahead(&ahead, layer, step, column, i + 1 < panels, panel,
                                              panel_floats));
            }
            if (projected) {
                column_gradients(layer, t, column, width, d);
                continue;
            }
            for (long v = 0; !is_normalised(layer) && v < width; v += LANES) {
                const cell_step block = block_of(step, shape, (column + v) / LANES);
                functions[layer->cell]->backward(block, d + v);
                keep_gate_operand(at, block);
            }
        }
        if (projected) projected_backward(layer, shape, at, step);
        if (is_normalised(layer)) {
            normalised_backward(layer, shape, at, step);
        } else if (shape->gated_slots > 0) {
            gated_backward(layer, shape, at, step);
        }
    }
    // What leaves the window at its start. Only existing columns are written: padding stays +0.
    const right weights = {layer->packed + at.backward_hh, layer->output, PANEL};
    const start nothing = {zeros, 0, 0};
    const start direct = {layer->d_hidden, outputs, PANEL};
    const left first = hidden_gate_operand(layer, at, 0);
    multiply(layer->batch, &first, weights, direct_path ? direct : nothing, layer->d_hidden,
             outputs, PANEL);
    NAME(recurrent_gradients)(layer, time);
    products_end();
}
