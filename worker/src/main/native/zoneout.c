// Zoneout where the cell does not do it itself: of a projected hidden state, and of the states of a
// normalised LSTM.
#include "zoneout.h"

// [batch][16] of this block in rows of padded units.
static float *block_at(float *rows, long first_row, cell_step at) {
    return rows + first_row * at.row + at.block * LANES;
}

static zoned hidden_of(cell_step at) {
    const zoneout *zone = &at.layer->zoneout;
    return zoned_at(zone->hidden_rate, zone->hidden_updates, at.layer->hidden_states, at);
}

static zoned cell_of(cell_step at) {
    const zoneout *zone = &at.layer->zoneout;
    return zoned_at(zone->cell_rate, zone->cell_updates, at.layer->cell_states, at);
}

static void forward(zoned of, const float *computed, float *after, cell_step at) {
    for (long b = 0; b < at.layer->batch; b++) {
        v_store(after + b * at.row, state_after(&of, b, v_load(computed + b * at.row)));
    }
}

void NAME(zoneout_hidden_forward)(cell_step at) {
    float *hidden = block_at(at.layer->hidden_states, (at.step + 1) * at.layer->batch, at);
    forward(hidden_of(at), hidden, hidden, at);
}

void NAME(zoneout_cell_forward)(cell_step at) {
    forward(cell_of(at), at.new_cell,
            block_at(at.layer->cell_states, (at.step + 1) * at.layer->batch, at), at);
}

void NAME(zoneout_hidden_backward)(cell_step at, float *d, long d_row) {
    at.hidden = hidden_of(at);
    for (long b = 0; b < at.layer->batch; b++) {
        v_store(d + b * d_row, take_hidden(&at, b, v_load(d + b * d_row)));
    }
}

void NAME(zoneout_cell_before_backward)(cell_step at) {
    const zoned of = cell_of(at);
    float *d = block_at(at.layer->d_cell, 0, at);
    float *kept = block_at(at.layer->zoneout.d_cell, 0, at);
    for (long b = 0; b < at.layer->batch; b++) {
        const v16 all = v_load(d + b * at.row);
        v_store(kept + b * at.row, v_select_bits(updated(&of, b), v_zero(), all));
        v_store(d + b * at.row, by_new_state(&of, b, all));
    }
}

void NAME(zoneout_cell_after_backward)(cell_step at) {
    float *d = block_at(at.layer->d_cell, 0, at);
    const float *kept = block_at(at.layer->zoneout.d_cell, 0, at);
    for (long b = 0; b < at.layer->batch; b++) {
        v_store(d + b * at.row, v_add(v_load(d + b * at.row), v_load(kept + b * at.row)));
    }
}
