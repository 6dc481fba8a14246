// Recurrent layers at odd sizes: within their buffers, and the same bits from every variant.
#include <stdio.h>
#include <string.h>

#include "kernel_test.h"

typedef struct shape {
    int cell;
    long time, batch, input, hidden, output;
    bool one_hot;
    bool zoneout;
    bool normalised;
} shape;

static float *vector_of(long count, guard where) {
    float *to = guarded((size_t)count, where);
    fill(to, 1, count, count, 1.5f);
    return to;
}

static recurrent_parameters parameters(const shape *s, guard where, float range) {
    const long rows = cell_shape_of(s->cell)->gates * s->hidden;
    const long peepholes = cell_shape_of(s->cell)->peepholes * s->hidden;
    const long projected = s->output < s->hidden ? s->output : 0;
    recurrent_parameters p = {guarded((size_t)(rows * s->input), where),
                              guarded((size_t)(rows * s->output), where),
                              guarded((size_t)rows, where),
                              guarded((size_t)rows, where),
                              guarded((size_t)peepholes, where),
                              guarded((size_t)(projected * s->hidden), where),
                              NULL,
                              NULL,
                              NULL,
                              NULL};
    fill(p.weight_ih, rows, s->input, s->input, range);
    fill(p.weight_hh, rows, s->output, s->output, range);
    fill(p.bias_ih, 1, rows, rows, range);
    fill(p.bias_hh, 1, rows, rows, range);
    fill(p.weight_ph, 1, peepholes, peepholes, range);
    fill(p.weight_hr, projected, s->hidden, s->hidden, range);
    if (s->normalised) {
        const long units = cell_shape_of(s->cell)->has_cell_state ? s->hidden : 0;
        p.gain_ih = vector_of(rows, where);
        p.gain_hh = vector_of(rows, where);
        p.gain_c = vector_of(units, where);
        p.bias_c = vector_of(units, where);
    }
    return p;
}

static float *activations(long rows, long columns, guard where) {
    float *to = guarded((size_t)(rows * padded(columns)), where);
    fill(to, rows, columns, padded(columns), 0.5f);
    return to;
}

// Of each 16 columns about half, without a pattern.
static float *updates(const shape *s, long columns, guard where) {
    const long blocks = padded(columns) / 16;
    float *to = activations(s->time * blocks, s->batch, where);
    for (long row = 0; row < s->time * blocks; row++) {
        const long rest = columns - row % blocks * 16, live = rest < 16 ? rest : 16;
        for (long b = 0; b < s->batch; b++) {
            float *update = to + row * padded(s->batch) + b;
            *update = (float)((int32_t)((*update + 0.5f) * 65535.0f) >> (16 - live));
        }
    }
    return to;
}

static zoneout zoneout_of(const shape *s, guard where) {
    const long positions = s->time * s->batch;
    zoneout zone = {.hidden_rate = 0.5f, .hidden_updates = updates(s, s->output, where)};
    if (cell_shape_of(s->cell)->has_cell_state) {
        zone.cell_rate = 0.5f;
        zone.cell_updates = updates(s, s->hidden, where);
        if (s->normalised) {
            zone.new_cells = activations(positions, s->hidden, where);
            zone.d_cell = activations(s->batch, s->hidden, where);
        }
    }
    return zone;
}

static recurrent_layer layer_of(const shape *s, int precision, guard where) {
    const cell_shape *cell = cell_shape_of(s->cell);
    const long positions = s->time * s->batch, states = positions + s->batch;
    const long packed = recurrent_floats(precision, s->cell, s->time, s->batch, s->input, s->hidden,
                                         s->output, s->one_hot, s->normalised, true);
    recurrent_layer layer = {
        .cell = s->cell,
        .time = s->time,
        .batch = s->batch,
        .input = s->input,
        .hidden = s->hidden,
        .output = s->output,
        .one_hot = s->one_hot,
        .precision = precision,
        .parameters = parameters(s, where, 0.3f),
        .gradients = parameters(s, where, 0.3f),
        .x = s->one_hot ? NULL : activations(positions, s->input, where),
        .hidden_states = activations(states, s->output, where),
        .cell_states = cell->has_cell_state ? activations(states, s->hidden, where) : NULL,
        .gates = guarded((size_t)(positions * cell->slots * padded(s->hidden)), where),
        .packed = guarded((size_t)packed, where),
        .d_hidden_sequence = activations(positions, s->output, where),
        .dx = s->one_hot ? NULL : activations(positions, s->input, where),
        .d_hidden = activations(s->batch, s->output, where),
        .d_cell = cell->has_cell_state ? activations(s->batch, s->hidden, where) : NULL,
    };
    if (s->zoneout) layer.zoneout = zoneout_of(s, where);
    layer.tokens = recurrent_tokens(&layer);
    for (long p = 0; p < positions; p++) {
        recurrent_tokens(&layer)[p] = (int32_t)((p * 7 + 3) % s->input);
    }
    return layer;
}

static void expect_equal(const char *what, const recurrent_layer *a, const recurrent_layer *b) {
    const cell_shape *cell = cell_shape_of(a->cell);
    const long rows = cell->gates * a->hidden, row = padded(a->hidden), output = padded(a->output);
    const long positions = a->time * a->batch;
    expect_same(what, a->hidden_states, b->hidden_states, (positions + a->batch) * output);
    expect_same(what, a->gates, b->gates, positions * cell->slots * row);
    expect_same(what, a->gradients.weight_ih, b->gradients.weight_ih, rows * a->input);
    expect_same(what, a->gradients.weight_hh, b->gradients.weight_hh, rows * a->output);
    expect_same(what, a->gradients.bias_ih, b->gradients.bias_ih, rows);
    expect_same(what, a->gradients.bias_hh, b->gradients.bias_hh, rows);
    expect_same(what, a->gradients.weight_ph, b->gradients.weight_ph, cell->peepholes * a->hidden);
    if (a->parameters.gain_hh != NULL) {
        const long units = a->cell_states != NULL ? a->hidden : 0;
        expect_same(what, a->gradients.gain_ih, b->gradients.gain_ih, rows);
        expect_same(what, a->gradients.gain_hh, b->gradients.gain_hh, rows);
        expect_same(what, a->gradients.gain_c, b->gradients.gain_c, units);
        expect_same(what, a->gradients.bias_c, b->gradients.bias_c, units);
    }
    if (a->output < a->hidden) {
        expect_same(what, a->gradients.weight_hr, b->gradients.weight_hr, a->output * a->hidden);
    }
    expect_same(what, a->d_hidden, b->d_hidden, a->batch * output);
    if (a->dx != NULL) expect_same(what, a->dx, b->dx, positions * padded(a->input));
    if (a->d_cell != NULL) expect_same(what, a->d_cell, b->d_cell, a->batch * row);
}

static void test_layer(const variants *all, shape s, guard where) {
    const uint32_t seed = (uint32_t)(s.cell * 1000003 + s.hidden * 1009 + s.batch);
    recurrent_layer expected;
    for (int i = 0; i < all->count; i++) {
        const kernel *variant = all->kernels[i];
        start_random(seed);
        const recurrent_layer layer = layer_of(&s, variant->precision, where);
        variant->recurrent_pack(&layer);
        variant->recurrent_forward(&layer, layer.time);
        variant->recurrent_backward(&layer, layer.time);
        if (i == 0) expected = layer;
        char what[100];
        snprintf(what, sizeof what, "%s %s T%ld B%ld I%ld H%ld P%ld%s%s%s", variant->name,
                 cell_shape_of(s.cell)->name, s.time, s.batch, s.input, s.hidden, s.output,
                 s.one_hot ? " one-hot" : "", s.zoneout ? " zoneout" : "",
                 s.normalised ? " normalised" : "");
        expect_equal(what, &layer, &expected);
    }
    release_all();
}

// A cell state: the hidden state reaches nothing but products.
static bool is_projectable(int cell) { return cell_shape_of(cell)->has_cell_state; }

void test_layers(const variants *all, guard where) {
    static const long hidden[] = {1, 7, 16, 17, 33, 66};
    static const long batch[] = {1, 3, 8, 17};
    for (int cell = 0; cell < CELL_KINDS; cell++) {
        for (int h = 0; h < 6; h++) {
            for (int b = 0; b < 4; b++) {
                const long input = 1 + (hidden[h] * 5 + batch[b]) % 70;
                const bool one_hot = (h + b) % 2 == 1;
                // With and without zoneout in turns; what one guard does not see, the other does.
                const bool zoneout = (h + b / 2 + where) % 2 == 1;
                shape s = {cell,      3,       batch[b], input, hidden[h],
                           hidden[h], one_hot, zoneout,  false};
                test_layer(all, s, where);
                if (!is_projectable(cell) || hidden[h] == 1) continue;
                s.output = 1 + (hidden[h] * 3 + batch[b]) % (hidden[h] - 1);
                s.zoneout = !zoneout;
                test_layer(all, s, where);
            }
        }
        for (int h = 1; h < 6; h++) {
            for (int one_hot = 0; one_hot <= 1; one_hot++) {
                const long output = is_projectable(cell) ? hidden[h] - one_hot : hidden[h];
                const shape s = {cell,    3,          batch[(h + one_hot) % 4],
                                 21,      hidden[h],  output,
                                 one_hot, h % 2 == 0, true};
                test_layer(all, s, where);
            }
        }
        // Several chunks of positions and of k.
        const shape long_window = {cell, 40, 11, 5, 9, 9, false, false, cell % 2 == 0};
        const shape wide = {cell, 2, 3, 20, 280, 280, false, true, cell % 2 == 1};
        const shape uneven = {cell, 59, 13, 3, 18, 18, false, false, false};
        test_layer(all, long_window, where);
        test_layer(all, wide, where);
        test_layer(all, uneven, where);
        if (!is_projectable(cell)) continue;
        const shape long_projected = {cell, 59, 13, 3, 35, 18, false, false, true};
        const shape wide_projected = {cell, 2, 3, 20, 280, 150, false, true, false};
        test_layer(all, long_projected, where);
        test_layer(all, wide_projected, where);
    }
}
