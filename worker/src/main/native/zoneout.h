// Zoneout (Krueger et al. 2017) of 16 units of stream b: those that keep their state of the step
// before.
#ifndef SPARKRNN_ZONEOUT_H
#define SPARKRNN_ZONEOUT_H

#include <stddef.h>

#include "variant.h"

// Of the block and step, whose rows are those of the states [(time + 1) * batch, units].
INLINE zoned zoned_at(float rate, const float *updates, const float *states, cell_step at) {
    const long first = at.step * at.layer->batch;
    zoned of = {0};
    if (!(rate > 0)) return of;
    of.rate = rate;
    const long choices = round_up(at.layer->batch, LANES);
    if (updates != NULL) of.choices = updates + (at.step * at.row / LANES + at.block) * choices;
    of.before = states + first * at.row + at.block * LANES;
    of.row = at.row;
    return of;
}

// Bit i: whether unit i takes its new state.
INLINE uint32_t updated(const zoned *of, long b) { return (uint32_t)(int32_t)of->choices[b]; }

// The state after the step.
INLINE v16 state_after(const zoned *of, long b, v16 computed) {
    if (!(of->rate > 0)) return computed;
    const v16 before = v_load(of->before + b * of->row);
    if (of->choices == NULL) return v_fma(v_set(of->rate), v_sub(before, computed), computed);
    return v_select_bits(updated(of, b), computed, before);
}

// What of d, the gradient by the state after the step, is by the new state.
INLINE v16 by_new_state(const zoned *of, long b, v16 d) {
    return of->rate > 0 ? v_select_bits(updated(of, b), d, v_zero()) : d;
}

// What of it is by the state before, added to the cell's gradient by that.
INLINE v16 add_kept(const zoned *of, long b, v16 d, v16 by_cell) {
    return of->rate > 0 ? v_add(by_cell, v_select_bits(updated(of, b), v_zero(), d)) : by_cell;
}

// Of a cell without a direct path, d by the hidden state: by_new_state; what is by the state before
// becomes d_hidden.
INLINE v16 take_hidden(const cell_step *at, long b, v16 d) {
    if (!(at->hidden.rate > 0)) return d;
    const v16 kept = v_select_bits(updated(&at->hidden, b), v_zero(), d);
    v_store(at->layer->d_hidden + b * at->row + at->block * LANES, v_first(kept, at->live));
    return by_new_state(&at->hidden, b, d);
}

#endif
