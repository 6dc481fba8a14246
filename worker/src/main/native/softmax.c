// Output layer, softmax and cross-entropy over tiles of positions.
//
// Everything is transposed: logits are [vocabulary][positions], a vector is 16 positions. So the
// weights are only ever read as left operand, one float at a time, and need neither packing nor
// padding; and the 16 lanes of a reduction over the vocabulary are 16 vectors, element by element.
#include "softmax.h"

#include "polynomials.h"
#include "product.h"
#include "variant.h"

// Bytes of the weights' rows that stay in L2 while they meet the gradients of their logits.
#define WEIGHTS_BYTES (320 * 1024)

static const float zeros[PANEL];

typedef struct tile_of_positions {
    const softmax_head *head;
    softmax_layout at;
    long first;  // position
    long count;  // positions of this tile
    long width;  // the same, rounded up to 16
    float *states, *logits, *lanes, *largest, *factor, *d_states, *panels;
} positions;

static positions positions_at(const softmax_head *head, softmax_layout at, long first, long count) {
    const positions p = {head,
                         at,
                         first,
                         count,
                         round_up(count, LANES),
                         head->scratch + at.states,
                         head->scratch + at.logits,
                         head->scratch + at.lanes,
                         head->scratch + at.factors,
                         head->scratch + at.factors + at.tile,
                         head->scratch + at.d_states,
                         head->scratch + at.panels};
    return p;
}

// states[panel][unit][64 positions] = hidden states, transposed; zeros beyond the last position.
static void transpose_states(const positions *p) {
    const long units = p->head->hidden;
    const long stride = round_up(units, LANES);
    for (long column = 0; column < p->width; column += LANES) {
        float *panel = p->states + column / PANEL * PANEL * units + column % PANEL;
        const long count = min_long(LANES, p->count - column);
        const float *rows = p->head->states + (p->first + column) * stride;
        for (long unit = 0; unit < units; unit += LANES) {
            v16 part[LANES];
            for (long i = 0; i < LANES; i++) {
                part[i] = i < count ? v_load(rows + i * stride + unit) : v_zero();
            }
            v_transpose(part);
            for (long i = 0; i < min_long(LANES, units - unit); i++) {
                v_store(panel + (unit + i) * PANEL, part[i]);
            }
        }
    }
}

// logits = bias + weights * states, and the largest of each lane.
static void compute_logits(const positions *p) {
    const softmax_head *head = p->head;
    for (long i = 0; i < LANES * p->at.tile; i += LANES)
        v_store(p->lanes + i, v_set(-__builtin_inff()));
    for (long v = 0; v < head->vocabulary; v += TILE_ROWS) {
        const long rows = min_long(TILE_ROWS, head->vocabulary - v);
        float bias[TILE_ROWS * PANEL];
        for (long i = 0; i < rows * PANEL; i += LANES) {
            v_store(bias + i, v_set(head->bias[v + i / PANEL]));
        }
        const start begin = {bias, PANEL, 0};
        const left weights =
            left_rows(head->weights + v * head->hidden, head->hidden, head->hidden);
        for (long column = 0; column < p->width; column += PANEL) {
            const long width = min_long(PANEL, p->width - column);
            float *logits = p->logits + v * p->at.tile + column;
            multiply_panel(rows, width, weights, p->states + column * head->hidden, PANEL, begin,
                           logits, p->at.tile);
            for (long r = 0; r < rows; r++) {
                float *lane = p->lanes + (v + r) % LANES * p->at.tile + column;
                for (long i = 0; i < width; i += LANES) {
                    v_store(lane + i, v_max(v_load(logits + r * p->at.tile + i), v_load(lane + i)));
                }
            }
        }
    }
}

static v16 combine_largest(v16 low, v16 high) { return v_max(high, low); }

static v16 combine_lanes(const positions *p, long column, v16 (*combine)(v16 low, v16 high)) {
    v16 lanes[LANES];
    for (long i = 0; i < LANES; i++) lanes[i] = v_load(p->lanes + i * p->at.tile + column);
    for (long half = LANES / 2; half > 0; half /= 2) {
        for (long i = 0; i < half; i++) lanes[i] = combine(lanes[i], lanes[i + half]);
    }
    return lanes[0];
}

// Logits become exponentials; writes the statistics and the factors of the gradients.
static void exponentials(const positions *p) {
    const softmax_head *head = p->head;
    const long tile = p->at.tile;
    float *statistics = head->statistics + p->first * 3;
    for (long column = 0; column < p->width; column += LANES) {
        v_store(p->largest + column, combine_lanes(p, column, combine_largest));
    }
    for (long i = 0; i < p->count; i++) {
        statistics[3 * i] = p->largest[i];
        statistics[3 * i + 2] = p->logits[head->labels[p->first + i] * tile + i];
    }
    for (long i = 0; i < LANES * tile; i += LANES) v_store(p->lanes + i, v_zero());
    for (long v = 0; v < head->vocabulary; v++) {
        float *logits = p->logits + v * tile;
        float *lane = p->lanes + v % LANES * tile;
        for (long column = 0; column < p->width; column += LANES) {
            const v16 e = v_exp(v_sub(v_load(logits + column), v_load(p->largest + column)));
            v_store(logits + column, e);
            v_store(lane + column, v_add(v_load(lane + column), e));
        }
    }
    for (long column = 0; column < p->width; column += LANES) {
        const v16 sum = combine_lanes(p, column, v_add);
        float sums[LANES];
        v_store(sums, sum);
        for (long i = 0; i < min_long(LANES, p->count - column); i++) {
            statistics[3 * (column + i) + 1] = sums[i];
        }
        v_store(p->factor + column, v_div(v_set(head->scale), sum));
    }
}

// Exponentials of some words become gradients by their logits.
static void logit_gradients(const positions *p, long first, long count) {
    const softmax_head *head = p->head;
    const long tile = p->at.tile;
    for (long v = first; v < first + count; v++) {
        float *d = p->logits + v * tile;
        for (long column = 0; column < p->width; column += LANES) {
            v_store(d + column, v_mul(v_load(d + column), v_load(p->factor + column)));
        }
    }
    for (long i = 0; i < p->count; i++) {
        const long label = head->labels[p->first + i];
        if (label >= first && label < first + count) p->logits[label * tile + i] -= head->scale;
    }
}

// d_bias[v] += sum over positions upwards; sixteen words side by side.
static void bias_gradients(const positions *p, long first, long count) {
    const long tile = p->at.tile;
    for (long v = first; v < first + count; v += LANES) {
        const long words = min_long(LANES, first + count - v);
        float *d_bias = p->head->d_bias + v;
        v16 sum = p->first == 0 ? v_zero() : v_load_first(d_bias, words);
        for (long column = 0; column < p->count; column += LANES) {
            v16 part[LANES];
            for (long i = 0; i < LANES; i++) {
                part[i] = i < words ? v_load(p->logits + (v + i) * tile + column) : v_zero();
            }
            v_transpose(part);
            const long there = min_long(LANES, p->count - column);
            for (long i = 0; i < there; i++) sum = v_add(sum, part[i]);
        }
        v_store_first(d_bias, words, sum);
    }
}

// d_states[unit][position] += over these words
static void state_gradients(const positions *p, long first, long count) {
    const softmax_head *head = p->head;
    const left weights = {head->weights + first * head->hidden, 1, count, head->hidden, 1, 0};
    for (long column = 0; column < p->width; column += PANEL) {
        float *c = p->d_states + column;
        const start nothing = {zeros, 0, 0}, sum = {c, p->at.tile, 0};
        multiply_panel(head->hidden, min_long(PANEL, p->width - column), weights,
                       p->logits + first * p->at.tile + column, p->at.tile,
                       first == 0 ? nothing : sum, c, p->at.tile);
    }
}

// d_weights[word][unit] += over these positions. Word after word, so that the gradient, which is
// as large as the weights, passes once per tile and in order.
static void weight_gradients(const positions *p, long first, long count, long chunk) {
    const softmax_head *head = p->head;
    for (long v = first; v < first + count; v += TILE_ROWS) {
        const left d = left_rows(p->logits + v * p->at.tile, p->at.tile, p->count);
        const long rows = min_long(TILE_ROWS, first + count - v);
        for (long column = 0; column < head->hidden; column += PANEL) {
            float *c = head->d_weights + v * head->hidden + column;
            const start nothing = {zeros, 0, 0}, sum = {c, head->hidden, 0};
            const long width = min_long(PANEL, head->hidden - column);
            // The same words' next columns, and the next chunk's weights, which state_gradients()
            // reads column by column: fetched in order here, they come at the memory's full rate.
            if (v + chunk < head->vocabulary) {
                prefetch_rows_far(head->weights + (v + chunk) * head->hidden + column,
                                  min_long(rows, head->vocabulary - v - chunk), width,
                                  head->hidden);
            }
            if (p->first > 0) {
                prefetch_rows(c + rows * head->hidden, min_long(rows, head->vocabulary - v - rows),
                              width, head->hidden);
            }
            multiply_tile(rows, width, d, p->panels + column * p->at.tile, PANEL,
                          p->first == 0 ? nothing : sum, c, head->hidden);
        }
    }
}

// Hidden states as right operand: [panel][position][64].
static void copy_states(const positions *p) {
    const long stride = round_up(p->head->hidden, LANES);
    for (long column = 0; column < stride; column += PANEL) {
        const long width = min_long(PANEL, stride - column);
        float *panel = p->panels + column * p->at.tile;
        for (long i = 0; i < p->count; i++) {
            const float *row = p->head->states + (p->first + i) * stride + column;
            for (long v = 0; v < width; v += LANES) v_store(panel + i * PANEL + v, v_load(row + v));
        }
    }
}

// Transposes d_states into the rows of the caller's matrix; its padding stays +0.
static void write_state_gradients(const positions *p) {
    const long units = p->head->hidden;
    const long stride = round_up(units, LANES);
    for (long unit = 0; unit < units; unit += LANES) {
        const long live = min_long(LANES, units - unit);
        for (long column = 0; column < p->count; column += LANES) {
            v16 part[LANES];
            for (long i = 0; i < LANES; i++) {
                part[i] =
                    i < live ? v_load(p->d_states + (unit + i) * p->at.tile + column) : v_zero();
            }
            v_transpose(part);
            for (long i = 0; i < min_long(LANES, p->count - column); i++) {
                v_store(p->head->d_states + (p->first + column + i) * stride + unit, part[i]);
            }
        }
    }
}

static void gradients(const positions *p) {
    const long vocabulary = p->head->vocabulary;
    const long rows = WEIGHTS_BYTES / 4 / p->head->hidden / LANES * LANES;
    const long chunk = rows < LANES ? LANES : min_long(rows, 512);
    copy_states(p);
    for (long v = 0; v < vocabulary; v += chunk) {
        const long count = min_long(chunk, vocabulary - v);
        logit_gradients(p, v, count);
        bias_gradients(p, v, count);
        state_gradients(p, v, count);
        weight_gradients(p, v, count, chunk);
    }
    write_state_gradients(p);
}

static softmax_layout layout_for(const softmax_head *head) {
    return softmax_layout_of(head->positions, head->hidden, head->vocabulary, head->d_weights != 0);
}

void NAME(softmax_loss)(const softmax_head *head, long count) {
    const softmax_layout at = layout_for(head);
    for (long first = 0; first < count; first += at.tile) {
        const positions p = positions_at(head, at, first, min_long(at.tile, count - first));
        transpose_states(&p);
        compute_logits(&p);
        exponentials(&p);
        if (head->gradients) gradients(&p);
    }
}

void NAME(softmax_logits)(const softmax_head *head, long count, float *logits, long stride) {
    const softmax_layout at = layout_for(head);
    for (long first = 0; first < count; first += at.tile) {
        const positions p = positions_at(head, at, first, min_long(at.tile, count - first));
        transpose_states(&p);
        compute_logits(&p);
        for (long v = 0; v < head->vocabulary; v++) {
            for (long i = 0; i < p.count; i++) {
                logits[(first + i) * stride + v] = p.logits[v * at.tile + i];
            }
        }
    }
}
