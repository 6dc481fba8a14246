// Zoneout (Krueger et al. 2017): units that keep their state of the step before. Around what a cell
// computes of a block of 16 units, whatever the cell.
#include <stddef.h>

#include "variant.h"

// [batch][16] of this block in rows of padded units.
static float *block_at(float *rows, long first_row, cell_step at) {
    return rows + first_row * at.row + at.block * LANES;
}

// after = new where `updates` is 1, else before; without it what that is on average.
static void mix(float rate, const float *updates, const float *before, const float *new,
                float *after, cell_step at) {
    const v16 share = v_set(rate);
    for (long b = 0; b < at.layer->batch; b++) {
        const long i = b * at.row;
        const v16 old = v_load(before + i), next = v_load(new + i);
        v_store(after + i, updates != NULL ? v_select_less(v_zero(), v_load(updates + i), next, old)
                                           : v_fma(share, v_sub(old, next), next));
    }
}

void NAME(zoneout_hidden_forward)(cell_step at) {
    const recurrent_layer *layer = at.layer;
    const zoneout *zone = &layer->zoneout;
    const long before = at.step * layer->batch;
    float *hidden = block_at(layer->hidden_states, before + layer->batch, at);
    mix(zone->hidden_rate, zone->hidden_updates ? block_at(zone->hidden_updates, before, at) : NULL,
        block_at(layer->hidden_states, before, at), hidden, hidden, at);
}

void NAME(zoneout_cell_forward)(cell_step at) {
    const recurrent_layer *layer = at.layer;
    const zoneout *zone = &layer->zoneout;
    const long before = at.step * layer->batch;
    mix(zone->cell_rate, zone->cell_updates ? block_at(zone->cell_updates, before, at) : NULL,
        block_at(layer->cell_states, before, at), at.new_cell,
        block_at(layer->cell_states, before + layer->batch, at), at);
}

// d: by the state after the step; what of it is by the new state stays, what is by the state before
// goes to `past`.
static void split(const float *updates, float *d, long d_row, float *past, cell_step at) {
    for (long b = 0; b < at.layer->batch; b++) {
        const v16 updated = v_load(updates + b * at.row), all = v_load(d + b * d_row);
        v_store(past + b * at.row,
                v_first(v_select_less(v_zero(), updated, v_zero(), all), at.live));
        v_store(d + b * d_row, v_select_less(v_zero(), updated, all, v_zero()));
    }
}

void NAME(zoneout_hidden_before_backward)(cell_step at, float *d, long d_row) {
    const zoneout *zone = &at.layer->zoneout;
    split(block_at(zone->hidden_updates, at.step * at.layer->batch, at), d, d_row,
          block_at(zone->d_hidden, 0, at), at);
}

void NAME(zoneout_cell_before_backward)(cell_step at) {
    const zoneout *zone = &at.layer->zoneout;
    split(block_at(zone->cell_updates, at.step * at.layer->batch, at),
          block_at(at.layer->d_cell, 0, at), at.row, block_at(zone->d_cell, 0, at), at);
}

static void add(const float *past, float *d, bool overwrite, cell_step at) {
    for (long b = 0; b < at.layer->batch; b++) {
        const v16 by_past = v_load(past + b * at.row);
        v_store(d + b * at.row, overwrite ? by_past : v_add(v_load(d + b * at.row), by_past));
    }
}

void NAME(zoneout_hidden_after_backward)(cell_step at) {
    add(block_at(at.layer->zoneout.d_hidden, 0, at), block_at(at.layer->d_hidden, 0, at),
        !cell_shape_of(at.layer->cell)->has_direct_path, at);
}

void NAME(zoneout_cell_after_backward)(cell_step at) {
    add(block_at(at.layer->zoneout.d_cell, 0, at), block_at(at.layer->d_cell, 0, at), false, at);
}
