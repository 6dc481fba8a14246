// Layer normalisation of the rows of a step's sums, before and after what a cell computes of them;
// the same for every cell.
#include "layer_norm.h"

#include "gate_operand.h"

static long block_floats(const cell_shape *shape) { return shape->slots * LANES; }

// The slots that see a source, those in turn that are normalised together: at most two spans.
static int spans_of(const recurrent_layer *layer, gate_source source, span spans[2]) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const int first = source == OF_INPUT    ? shape->input_first
                      : source == OF_HIDDEN ? shape->hidden_first
                                            : shape->gated_first;
    const int slots = source == OF_INPUT    ? shape->input_slots
                      : source == OF_HIDDEN ? shape->hidden_slots
                                            : shape->gated_slots;
    int count = 0;
    for (int s = first, from = first; s < first + slots; s++) {
        if (s + 1 < first + slots && norm_of(shape, s) == norm_of(shape, s + 1)) continue;
        const int at = (source == OF_INPUT ? 0 : 4) + 2 * norm_of(shape, s);
        spans[count++] = span_of(layer, block_floats(shape), from * LANES, (s + 1 - from), at);
        from = s + 1;
    }
    return count;
}

// What a source has in memory, from a position on.
typedef struct source_rows {
    gate_rows sums, gates;
    float *statistics;
    const float *gain;
    float *d_gain;
} source_rows;

static float *row_at(gate_rows rows, long row) { return rows.first + row * rows.stride; }

static gate_rows rows_from(gate_rows rows, long first) {
    rows.first += first * rows.stride;
    return rows;
}

static source_rows rows_of(const recurrent_layer *layer, recurrent_layout at, long first,
                           gate_source source) {
    const bool input = source == OF_INPUT;
    const gate_rows sums = input ? rows_of_input(layer, at) : rows_of_hidden(layer, at);
    const gate_rows gates = rows_of_gates(layer);
    const source_rows r = {rows_from(sums, first), rows_from(gates, first),
                           layer->packed + at.statistics + first * LANES,
                           layer->packed + (input ? at.gain_ih : at.gain_hh),
                           layer->packed + at.d_norm + (input ? 1 : 2) * gates.stride};
    return r;
}

// gates (+)= gain * normalised sums, of up to 16 positions.
static void source_forward(const recurrent_layer *layer, recurrent_layout at, long first, long some,
                           gate_source source) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const source_rows all = rows_of(layer, at, first, source);
    const float *bias = layer->packed + at.bias;
    span spans[2];
    const int count = spans_of(layer, source, spans);
    for (int k = 0; k < count; k++) {
        const span s = spans[k];
        // What comes first to a slot begins with the bias.
        const bool begins = source == OF_INPUT || !sees_input(shape, (int)(s.first / LANES));
        const rows measured = {all.sums.first, all.sums.stride, some};
        measure(measured, s, all.statistics);
        for (long r = 0; r < some; r++) {
            const normal n = normal_of(all.statistics + r * LANES, s);
            const float *sums = row_at(all.sums, r);
            float *gates = row_at(all.gates, r);
            const float *from = begins ? bias : gates;
            EACH_VECTOR(s, i, live) {
                v_store(gates + i,
                        v_fma(v_load(all.gain + i), normalised(n, sums + i), v_load(from + i)));
            }
        }
    }
}

void NAME(norm_forward)(const recurrent_layer *layer, recurrent_layout at, long step, bool gated) {
    for (long b = 0; b < layer->batch; b += LANES) {
        const long first = step * layer->batch + b, some = min_long(LANES, layer->batch - b);
        if (gated) {
            source_forward(layer, at, first, some, OF_GATED);
        } else {
            source_forward(layer, at, first, some, OF_INPUT);
            source_forward(layer, at, first, some, OF_HIDDEN);
        }
    }
}

// Of some rows of a span, in these blocks of which so many units exist: gradients by the normalised
// values and their products with these, added up, and the gradient by the gain.
INLINE void add_gradients_up(const int count, const source_rows *all, long row, span s, long from,
                             long to, const long live, v16 *plain, v16 *product) {
    const float *sums[TOGETHER], *gates[TOGETHER];
    normal n[TOGETHER];
    UNROLL for (int r = 0; r < count; r++) {
        sums[r] = row_at(all->sums, row + r);
        gates[r] = row_at(all->gates, row + r);
        n[r] = normal_of(all->statistics + (row + r) * LANES, s);
    }
    for (long block = from; block < to; block++) {
        const long first = block * s.step + s.first, end = first + s.vectors * LANES;
        for (long i = first; i < end; i += LANES) {
            const v16 gain = v_load(all->gain + i);
            v16 d_gain = v_load(all->d_gain + i);
            UNROLL for (int r = 0; r < count; r++) {
                const v16 value = v_first(normalised(n[r], sums[r] + i), live);
                const v16 dz = v_load(gates[r] + i), d = v_mul(gain, dz);
                plain[r] = v_add(plain[r], d);
                product[r] = v_fma(d, value, product[r]);
                d_gain = v_fma(dz, value, d_gain);
            }
            v_store(all->d_gain + i, d_gain);
        }
    }
}

INLINE void add_row_gradients_up(const int count, const source_rows *all, long row, span s,
                                 v16 plain[LANES], v16 product[LANES]) {
    v16 sums[TOGETHER], products[TOGETHER];
    UNROLL for (int r = 0; r < count; r++) sums[r] = products[r] = v_zero();
    add_gradients_up(count, all, row, s, 0, s.blocks - 1, LANES, sums, products);
    add_gradients_up(count, all, row, s, s.blocks - 1, s.blocks, s.live, sums, products);
    UNROLL for (int r = 0; r < count; r++) {
        plain[row + r] = sums[r];
        product[row + r] = products[r];
    }
}

// What a slot's sums of a row become gradients with.
typedef struct slot_norm {
    normal of;
    v16 plain, product;
} slot_norm;

// The gradients by 16 units' sums.
INLINE v16 by_sums(const slot_norm *slot, const float *sums, const float *gates, const float *gain,
                   long live) {
    const v16 d = v_mul(v_load(gain), v_load(gates));
    const v16 value = normalised(slot->of, sums);
    return v_first(through_norm(slot->of, d, value, slot->plain, slot->product), live);
}

// What is kept of two adjacent slots of a block, the part's slot-th the first one.
INLINE void store_gradients(gate_part to, float *row, long block, bool last, int slot, float *sums,
                            v16 first, v16 second) {
#if defined(AMX)
    if (to.lanes > 0) {
        keep_slots(to, row, block, last, slot, v_pair_neighbours(first, second));
        return;
    }
#else
    (void)row, (void)block, (void)last;
#endif
    v_store(sums, first);
    if (slot + 1 < to.slots) v_store(sums + LANES, second);
}

// The sums of a row become the gradients by them; slots[k % norms] has the part's k-th one's norm.
INLINE void row_backward(const source_rows *all, gate_part to, long row, const slot_norm *slots,
                         const int norms, span s) {
    float *sums = row_at(all->sums, row), *kept = to.rows + row * to.row;
    const float *gates = row_at(all->gates, row), *gain = all->gain;
    for (long block = 0; block < s.blocks; block++) {
        const bool last = block + 1 == s.blocks;
        const long live = last ? s.live : LANES;
        for (int k = 0; k < to.slots; k += 2) {
            const long i = block * s.step + (to.first + k) * LANES, j = i + LANES;
            const v16 first = by_sums(&slots[k % norms], sums + i, gates + i, gain + i, live);
            v16 second = v_zero();
            if (k + 1 < to.slots) {
                second = by_sums(&slots[(k + 1) % norms], sums + j, gates + j, gain + j, live);
            }
            store_gradients(to, kept, block, last, k, sums + i, first, second);
        }
    }
}

// The sums of up to 16 positions become the gradients by them.
static void source_backward(const recurrent_layer *layer, recurrent_layout at, long first,
                            long some, gate_source source) {
    const source_rows all = rows_of(layer, at, first, source);
    gate_part to = sums_part(layer, at, source);
    to.rows += first * to.row;
    span spans[2];
    means m[2];
    const int count = spans_of(layer, source, spans);
    for (int k = 0; k < count; k++) {
        v16 plain[LANES], product[LANES];
        for (long r = 0; r < LANES; r++) plain[r] = product[r] = v_zero();
        long row = 0;
        for (; row + TOGETHER <= some; row += TOGETHER) {
            add_row_gradients_up(TOGETHER, &all, row, spans[k], plain, product);
        }
        for (; row < some; row++) add_row_gradients_up(1, &all, row, spans[k], plain, product);
        m[k] = means_of(plain, product, spans[k]);
    }
    for (long r = 0; r < some; r++) {
        slot_norm slots[MAX_SLOTS];
        for (int k = 0; k < count; k++) {
            const slot_norm norm = {normal_of(all.statistics + r * LANES, spans[k]),
                                    v_set(m[k].plain[r]), v_set(m[k].product[r])};
            const int slot = (int)(spans[k].first / LANES) - to.first;
            for (int i = 0; i < (int)spans[k].vectors; i++) slots[slot + i] = norm;
        }
        if (count == 1) {
            row_backward(&all, to, r, slots, 1, spans[0]);
        } else {
            row_backward(&all, to, r, slots, MAX_SLOTS, spans[0]);
        }
    }
}

static void bias_backward(const recurrent_layer *layer, recurrent_layout at, long first,
                          long some) {
    const gate_rows gates = rows_from(rows_of_gates(layer), first);
    float *d_bias = layer->packed + at.d_norm;
    for (long i = 0; i < gates.stride; i += LANES) {
        v16 sum = v_load(d_bias + i);
        for (long r = 0; r < some; r++) sum = v_add(sum, v_load(row_at(gates, r) + i));
        v_store(d_bias + i, sum);
    }
}

void NAME(norm_backward)(const recurrent_layer *layer, recurrent_layout at, long step, bool gated) {
    for (long b = 0; b < layer->batch; b += LANES) {
        const long first = step * layer->batch + b, some = min_long(LANES, layer->batch - b);
        if (gated) {
            source_backward(layer, at, first, some, OF_GATED);
        } else {
            bias_backward(layer, at, first, some);
            source_backward(layer, at, first, some, OF_HIDDEN);
            source_backward(layer, at, first, some, OF_INPUT);
        }
    }
}

void NAME(norm_begin_backward)(const recurrent_layer *layer, recurrent_layout at) {
    float *sums = layer->packed + at.d_norm;
    for (long i = 0; i < at.d_normal - at.d_norm; i += LANES) v_store(sums + i, v_zero());
}

// Of each gate from its slot; where two slots have it, each source from its own.
static void slot_gradients(const recurrent_layer *layer, const float *d, bool of_input, float *to) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    for (long block = 0; block < ceil_div(layer->hidden, LANES); block++) {
        const long live = min_long(LANES, layer->hidden - block * LANES);
        for (int s = 0; s < shape->slots; s++) {
            if (of_input ? sees_input(shape, s) : is_recurrent(shape, s)) {
                v_store_first(to + shape->gate_of[s] * layer->hidden + block * LANES, live,
                              v_load(d + (block * shape->slots + s) * LANES));
            }
        }
    }
}

void NAME(norm_gradients)(const recurrent_layer *layer, recurrent_layout at) {
    const cell_shape *shape = cell_shape_of(layer->cell);
    const recurrent_parameters *to = &layer->gradients;
    const long units = round_up(layer->hidden, LANES), gates = units * shape->slots;
    const float *d = layer->packed + at.d_norm;
    slot_gradients(layer, d, true, to->bias_ih);
    slot_gradients(layer, d, false, to->bias_hh);
    slot_gradients(layer, d + gates, true, to->gain_ih);
    slot_gradients(layer, d + 2 * gates, false, to->gain_hh);
    if (!shape->has_cell_state) return;
    for (long i = 0; i < layer->hidden; i += LANES) {
        v_store_first(to->gain_c + i, layer->hidden - i, v_load(d + 3 * gates + i));
        v_store_first(to->bias_c + i, layer->hidden - i, v_load(d + 3 * gates + units + i));
    }
}
