// Copies of a layer's weights in the order in which the products read them. Once per local step.
#include "operands.h"
#include "variant.h"

// The rows of one slot and block of units: `live` rows of 16, the rest stands for zeros.
typedef struct slot_rows {
    const float *first;
    long live;
} slot_rows;

static slot_rows rows_of(const cell_shape *shape, long units, const float *weights, long columns,
                         long block, int slot) {
    const long row = shape->gate_of[slot] * units + block * LANES;
    const slot_rows rows = {weights + row * columns, min_long(LANES, units - block * LANES)};
    return rows;
}

// [16 rows][columns] to [lanes_of(columns)][16 columns of a panel, from `first` on].
static void pack_transposed(slot_rows rows, long columns, float *panel, long first, long width) {
    const long lanes = lanes_of(columns);
    for (long k = 0; k < columns; k += LANES * TERMS_PER_LANE) {
        v16 part[LANES];
        for (long r = 0; r < LANES; r++) {
            part[r] = r < rows.live ? adjacent_terms(rows.first + r * columns + k, columns - k)
                                    : v_zero();
        }
        v_transpose(part);
        const long count = min_long(LANES, lanes_of(columns - k));
        for (long i = 0; i < count; i++) {
            v_store(panel + panel_at(k / TERMS_PER_LANE + i, first, width, lanes), part[i]);
        }
    }
}

// The same, exact: what tokens select is not an operand of a product.
static void pack_columns(slot_rows rows, long columns, float *panel, long width) {
    for (long k = 0; k < columns; k += LANES) {
        const long count = min_long(LANES, columns - k);
        v16 part[LANES];
        for (long r = 0; r < LANES; r++) {
            part[r] = r < rows.live ? v_load_first(rows.first + r * columns + k, count) : v_zero();
        }
        v_transpose(part);
        for (long i = 0; i < count; i++) v_store(panel + (k + i) * width, part[i]);
    }
}

static void pack_forward(const cell_shape *shape, long units, const float *weights, long columns,
                         int first, int slots, bool selected, float *out) {
    const long blocks = ceil_div(units, LANES), in_panel = panel_blocks(shape);
    const long width = in_panel * slots * LANES;
    const long panel = (selected ? columns : lanes_of(columns)) * width;
    for (long block = 0; block < blocks; block++) {
        for (int s = 0; s < slots; s++) {
            const slot_rows rows = rows_of(shape, units, weights, columns, block, first + s);
            float *to = out + block / in_panel * panel;
            const long column = (block % in_panel * slots + s) * LANES;
            if (selected) {
                pack_columns(rows, columns, to + column, width);
            } else {
                pack_transposed(rows, columns, to, column, width);
            }
        }
    }
}

// 16 columns of a row of a slot, zero where there is none.
static v16 part_of_row(slot_rows rows, long row, long columns, long column) {
    return row < rows.live && column < columns
               ? v_load_first(rows.first + row * columns + column, columns - column)
               : v_zero();
}

// Rows stay rows: [lanes of blocked gate rows][64 columns] per panel. The source is walked row by
// row, so that it streams; the panels are the ones that jump.
static void pack_backward(const cell_shape *shape, long units, const float *weights, long columns,
                          int first, int slots, float *out) {
    const long blocks = ceil_div(units, LANES);
    const long terms = blocks * slots * LANES;
    const long lanes = lanes_of(terms);
    const long panel_floats = lanes * PANEL;
    for (long panel = 0; panel < ceil_div(columns, PANEL); panel++) {
        fill_panel(out + panel * panel_floats, terms);
    }
    for (long block = 0; block < blocks; block++) {
        for (int s = 0; s < slots; s++) {
            const slot_rows rows = rows_of(shape, units, weights, columns, block, first + s);
            for (long r = 0; r < LANES; r += TERMS_PER_LANE) {
                const long k = ((block * slots + s) * LANES + r) / TERMS_PER_LANE;
                float *to = out;
                for (long column = 0; column < columns; column += PANEL, to += panel_floats) {
                    for (long v = 0; v < PANEL; v += LANES) {
                        const v16 part = part_of_row(rows, r, columns, column + v);
#if defined(BF16)
                        const v16 next = part_of_row(rows, r + 1, columns, column + v);
                        v_store(to + panel_at(k, v, PANEL, lanes), v_pair(part, next));
#else
                        v_store(to + panel_at(k, v, PANEL, lanes), part);
#endif
                    }
                }
            }
        }
    }
}

static void pack_bias(const cell_shape *shape, const recurrent_layer *layer, float *out) {
    const recurrent_parameters *p = &layer->parameters;
    const long blocks = ceil_div(layer->hidden, LANES);
    for (long block = 0; block < blocks; block++) {
        const long live = min_long(LANES, layer->hidden - block * LANES);
        for (int s = 0; s < shape->slots; s++) {
            const long row = shape->gate_of[s] * layer->hidden + block * LANES;
            const bool input = sees_input(shape, s), hidden = is_recurrent(shape, s);
            const v16 ih = v_load_first(p->bias_ih + row, live);
            const v16 hh = v_load_first(p->bias_hh + row, live);
            v_store(out + (block * shape->slots + s) * LANES, input && hidden ? v_add(ih, hh)
                                                              : input         ? ih
                                                                              : hh);
        }
    }
}

static void pack_peepholes(const cell_shape *shape, const recurrent_layer *layer, float *out) {
    for (long block = 0; block < ceil_div(layer->hidden, LANES); block++) {
        const long live = min_long(LANES, layer->hidden - block * LANES);
        for (int k = 0; k < shape->peepholes; k++) {
            const float *weights = layer->parameters.weight_ph + k * layer->hidden;
            v_store(out + (block * shape->peepholes + k) * LANES,
                    v_load_first(weights + block * LANES, live));
        }
    }
}

// Of the slots that see the input, or the hidden state.
static void pack_gain(const recurrent_layer *layer, const float *gain, bool of_input, float *out) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    for (long block = 0; block < ceil_div(layer->hidden, LANES); block++) {
        const long live = min_long(LANES, layer->hidden - block * LANES);
        for (int s = 0; s < shape->slots; s++) {
            const bool seen = of_input ? sees_input(shape, s) : is_recurrent(shape, s);
            const long row = shape->gate_of[s] * layer->hidden + block * LANES;
            v_store(out + (block * shape->slots + s) * LANES,
                    seen ? v_load_first(gain + row, live) : v_zero());
        }
    }
}

static void pack_norm(const recurrent_layer *layer, recurrent_layout at) {
    const recurrent_parameters *p = &layer->parameters;
    pack_gain(layer, p->gain_ih, true, layer->packed + at.gain_ih);
    pack_gain(layer, p->gain_hh, false, layer->packed + at.gain_hh);
    if (!cell_shape_of(layer->cell)->has_cell_state) return;
    for (long i = 0; i < layer->hidden; i += LANES) {
        v_store(layer->packed + at.gain_c + i, v_load_first(p->gain_c + i, layer->hidden - i));
        v_store(layer->packed + at.bias_c + i, v_load_first(p->bias_c + i, layer->hidden - i));
    }
}

void NAME(recurrent_pack)(const recurrent_layer *layer) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const recurrent_layout at = recurrent_layout_for(layer);
    const recurrent_parameters *p = &layer->parameters;
    pack_bias(shape, layer, layer->packed + at.bias);
    pack_peepholes(shape, layer, layer->packed + at.peepholes);
    if (is_normalised(layer)) pack_norm(layer, at);
    const long units = layer->hidden, outputs = layer->output;
    pack_forward(shape, units, p->weight_ih, layer->input, shape->input_first, shape->input_slots,
                 layer->one_hot, layer->packed + at.forward_ih);
    pack_forward(shape, units, p->weight_hh, outputs, shape->hidden_first, shape->hidden_slots,
                 false, layer->packed + at.forward_hh);
    pack_forward(shape, units, p->weight_hh, outputs, shape->gated_first, shape->gated_slots, false,
                 layer->packed + at.forward_gated);
    if (is_projected(layer)) {
        pack_forward(&projection_shape, outputs, p->weight_hr, units, 0, 1, false,
                     layer->packed + at.forward_hr);
    }
    if (layer->gradients.weight_hh == 0) return;
    if (layer->dx != 0) {
        pack_backward(shape, units, p->weight_ih, layer->input, shape->input_first,
                      shape->input_slots, layer->packed + at.backward_ih);
    }
    pack_backward(shape, units, p->weight_hh, outputs, shape->hidden_first, shape->hidden_slots,
                  layer->packed + at.backward_hh);
    pack_backward(shape, units, p->weight_hh, outputs, shape->gated_first, shape->gated_slots,
                  layer->packed + at.backward_gated);
    if (is_projected(layer)) {
        pack_backward(&projection_shape, outputs, p->weight_hr, units, 0, 1,
                      layer->packed + at.backward_hr);
    }
}
