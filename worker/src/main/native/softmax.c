// Output layer, softmax and cross-entropy over tiles of positions.
//
// Everything is transposed: logits are [vocabulary][positions], a vector is 16 positions. So the
// weights are only ever read as left operand, one float at a time, and need neither packing nor
// padding; and the 16 lanes of a reduction over the vocabulary are 16 vectors, element by element.
#include "softmax.h"

#include <stddef.h>

#include "operands.h"
#include "polynomials.h"
#include "variant.h"

static const float zeros[PANEL];

typedef struct tile_of_positions {
    const softmax_head *head;
    softmax_layout at;
    long first;  // position
    long count;  // positions of this tile
    long width;  // the same, rounded up to 16
    float *states, *logits, *lanes, *largest, *factor, *weights, *panels;
    float *words_operand, *d_positions, *d_words;
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
                         head->scratch + at.weights,
                         head->scratch + at.panels,
                         head->scratch + at.words_operand,
                         head->scratch + at.d_positions,
                         head->scratch + at.d_words};
    return p;
}

// states[panel][lane of units][64 positions] = hidden states, transposed; zeros beyond the last
// position.
static void transpose_states(const positions *p) {
    const long units = p->head->hidden;
    const long stride = round_up(units, LANES);
    for (long column = 0; column < p->width; column += LANES) {
        float *panel = p->states + column / PANEL * PANEL * lanes_of(units);
        const long count = min_long(LANES, p->count - column);
        const float *rows = p->head->states + (p->first + column) * stride;
        for (long unit = 0; unit < units; unit += LANES * TERMS_PER_LANE) {
            v16 part[LANES];
            for (long i = 0; i < LANES; i++) {
                part[i] =
                    i < count ? adjacent_terms(rows + i * stride + unit, stride - unit) : v_zero();
            }
            v_transpose(part);
            for (long i = 0; i < min_long(LANES, lanes_of(units - unit)); i++) {
                const long k = unit / TERMS_PER_LANE + i;
                v_store(panel + panel_at(k, column % PANEL, PANEL, lanes_of(units)), part[i]);
            }
        }
    }
}

// The weights of the chunk of words that begins here, to come while so many tiles are computed.
static stream weights_from(const positions *p, long first, long tiles, long k) {
    const softmax_head *head = p->head;
    const long words = min_long(p->at.words, head->vocabulary - first);
    return stream_during(tiles, lanes_of(k), head->weights + first * head->hidden,
                         words > 0 ? words * head->hidden : 0);
}

// The weights of some words as left operand.
static left words_operand(const positions *p, long first, long count) {
    const long hidden = p->head->hidden;
    const float *weights = p->head->weights + first * hidden;
#if defined(BF16)
    const long row = operand_row(hidden);
    for (long v = 0; v < count; v++) {
        for (long k = 0; k < hidden; k += 2 * LANES) {
            v_store(p->words_operand + v * row + lanes_of(k),
                    adjacent_terms(weights + v * hidden + k, hidden - k));
        }
    }
    return left_rows(p->words_operand, row, lanes_of(hidden));
#else
    (void)count;
    return left_rows(weights, hidden, hidden);
#endif
}

// logits = bias + weights * states for some words and 64 positions, and the largest of each lane.
static void words_logits(const positions *p, left words, long first, long count, long column,
                         stream *ahead) {
    const softmax_head *head = p->head;
    const long width = min_long(PANEL, p->width - column);
    const float *panel = p->states + column * lanes_of(head->hidden);
    for (long v = first; v < first + count; v += tile_rows()) {
        const long rows = min_long(tile_rows(), first + count - v);
        float bias[MOST_ROWS * PANEL];
        for (long i = 0; i < rows * PANEL; i += LANES) {
            v_store(bias + i, v_set(head->bias[v + i / PANEL]));
        }
        const start begin = {bias, PANEL, 0};
        float *logits = p->logits + v * p->at.tile + column;
        multiply_panel(rows, width, &words, panel, PANEL, begin, logits, p->at.tile, ahead);
        words.data += rows * words.row_stride;
        for (long r = 0; r < rows; r++) {
            float *lane = p->lanes + (v + r) % LANES * p->at.tile + column;
            for (long i = 0; i < width; i += LANES) {
                v_store(lane + i, v_max(v_load(logits + r * p->at.tile + i), v_load(lane + i)));
            }
        }
    }
}

// Chunk by chunk of words, whose weights stay in L2 while all panels of states pass.
static void compute_logits(const positions *p) {
    const long vocabulary = p->head->vocabulary;
    for (long i = 0; i < LANES * p->at.tile; i += LANES)
        v_store(p->lanes + i, v_set(-__builtin_inff()));
    for (long v = 0; v < vocabulary; v += p->at.words) {
        const long count = min_long(p->at.words, vocabulary - v);
        const long tiles = ceil_div(p->width, PANEL) * ceil_div(count, tile_rows());
        stream next = weights_from(p, v + count, tiles, p->head->hidden);
        const left words = words_operand(p, v, count);
        for (long column = 0; column < p->width; column += PANEL) {
            words_logits(p, words, v, count, column, &next);
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

// Instead of exponentials, where outputs are numbers: outputs become their gradients; writes the
// sum of squares of each position.
static void squares(const positions *p) {
    const softmax_head *head = p->head;
    const long tile = p->at.tile;
    for (long i = 0; i < LANES * tile; i += LANES) v_store(p->lanes + i, v_zero());
    for (long v = 0; v < head->vocabulary; v++) {
        float *y = p->logits + v * tile;
        float *lane = p->lanes + v % LANES * tile;
        for (long column = 0; column < p->width; column += LANES) {
            float target[LANES] = {0};
            for (long i = 0; i < min_long(LANES, p->count - column); i++) {
                target[i] = head->targets[(p->first + column + i) * head->target_stride + v];
            }
            const v16 error = v_sub(v_load(y + column), v_load(target));
            v_store(lane + column, v_add(v_load(lane + column), v_mul(error, error)));
            v_store(y + column, v_mul(error, v_set(head->scale)));
        }
    }
    float *statistics = head->statistics + p->first * 3;
    for (long column = 0; column < p->width; column += LANES) {
        float sums[LANES];
        v_store(sums, combine_lanes(p, column, v_add));
        for (long i = 0; i < min_long(LANES, p->count - column); i++) {
            statistics[3 * (column + i)] = sums[i];
            statistics[3 * (column + i) + 1] = statistics[3 * (column + i) + 2] = 0;
        }
    }
}

// Exponentials of some words become gradients by their logits, unless they are that already.
static void logit_gradients(const positions *p, long first, long count) {
    const softmax_head *head = p->head;
    const long tile = p->at.tile;
    if (head->targets != NULL) return;
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

// Columns of some words' weights: [lane of words][64].
static void copy_weights(const positions *p, long first, long count, long column) {
    const long hidden = p->head->hidden;
    const long width = min_long(PANEL, hidden - column);
    const float *from = p->head->weights + first * hidden + column;
    for (long v = 0; v < count; v += TERMS_PER_LANE) {
        for (long i = 0; i < width; i += LANES) {
            float *to = p->weights + panel_at(v / TERMS_PER_LANE, i, PANEL, lanes_of(count));
            const v16 word = v_load_first(from + v * hidden + i, width - i);
#if defined(BF16)
            const v16 next =
                v + 1 < count ? v_load_first(from + (v + 1) * hidden + i, width - i) : v_zero();
            v_store(to, v_pair(word, next));
#else
            v_store(to, word);
#endif
        }
    }
    fill_panel(p->weights, count);
}

// The gradients by the logits of a chunk of words are two left operands. One is transposed: row i is
// position i, k being words.
static left d_by_words(const positions *p, long count) {
    const long lanes = lanes_of(count);
    return left_rows(p->d_words, row_of_lanes(PRECISION, lanes), lanes);
}

// Row v is word v, k being positions; in bf16 a copy.
static left d_by_positions(const positions *p, long first) {
    const long lanes = lanes_of(p->count);
    if (TERMS_PER_LANE == 1) return left_rows(p->logits + first * p->at.tile, p->at.tile, lanes);
    return left_rows(p->d_positions, operand_row(p->at.tile), lanes);
}

// The copies of `count` words that begin `at` words after the chunk's first, of `all`.
static void copy_d(const positions *p, const float *d, long at, long count, long all) {
    const long tile = p->at.tile;
#if defined(BF16)
    const long row = operand_row(tile);
    for (long v = 0; v < count; v++) {
        float *to = p->d_positions + (at + v) * row;
        for (long i = 0; i < p->count; i += 2 * LANES) {
            v_store(to + i / 2, adjacent_terms(d + v * tile + i, p->count - i));
        }
    }
#endif
    const long words_row = row_of_lanes(PRECISION, lanes_of(all));
    for (long i = 0; i < lanes_of(count); i += LANES) {
        for (long column = 0; column < p->width; column += LANES) {
            float *to = p->d_words + column * words_row + at / TERMS_PER_LANE + i;
            transpose_terms(d + column, tile, i, count, to, words_row);
        }
    }
}

// d_states[position][unit] += over these words. The weights are the right operand: 64 columns of
// them at a time are copied to where they are adjacent and aligned.
static void state_gradients(const positions *p, long first, long count) {
    const softmax_head *head = p->head;
    const long stride = round_up(head->hidden, LANES);
    const left d = d_by_words(p, count);
    const long tiles = ceil_div(head->hidden, PANEL) * ceil_div(p->count, tile_rows());
    stream next = weights_from(p, first + count, tiles, count);
    for (long column = 0; column < head->hidden; column += PANEL) {
        const long width = min_long(PANEL, head->hidden - column);
        copy_weights(p, first, count, column);
        float *c = head->d_states + p->first * stride + column;
        const start nothing = {zeros, 0, 0}, sum = {c, stride, 0};
        multiply_panel(p->count, width, &d, p->weights, PANEL, first == 0 ? nothing : sum, c,
                       stride, &next);
    }
}

// d_weights[word][unit] += over these positions.
static void weight_gradients(const positions *p, long first, long count) {
    const softmax_head *head = p->head;
    const left d = d_by_positions(p, first);
    const long panel_floats = PANEL * lanes_of(p->at.tile);
    for (long column = 0; column < head->hidden; column += PANEL) {
        const float *panel = p->panels + column * lanes_of(p->at.tile);
        float *c = head->d_weights + first * head->hidden + column;
        const start nothing = {zeros, 0, 0}, sum = {c, head->hidden, 0};
        stream next;
        stream *ahead = stream_ahead(&next, count, lanes_of(p->count), panel + panel_floats,
                                     column + PANEL < head->hidden ? panel_floats : 0);
        multiply_panel(count, min_long(PANEL, head->hidden - column), &d, panel, PANEL,
                       p->first == 0 ? nothing : sum, c, head->hidden, ahead);
    }
}

// Hidden states as right operand: [panel][lane of positions][64].
static void copy_states(const positions *p) {
    const long stride = round_up(p->head->hidden, LANES);
    for (long column = 0; column < stride; column += PANEL) {
        const long width = min_long(PANEL, stride - column);
        float *panel = p->panels + column * lanes_of(p->at.tile);
        const float *states = p->head->states + p->first * stride + column;
        for (long i = 0; i < lanes_of(p->count); i++) {
            for (long v = 0; v < width; v += LANES) {
                v_store(panel + panel_at(i, v, PANEL, lanes_of(p->count)),
                        row_terms(states + v, stride, i, p->count));
            }
        }
    }
}

// Of a chunk of words; some at a time, so that what the first pass wrote is still near.
static void all_logit_gradients(const positions *p, long first, long count) {
    for (long at = 0; at < count; at += CHUNK_TERMS) {
        const long some = min_long(CHUNK_TERMS, count - at);
        logit_gradients(p, first + at, some);
        bias_gradients(p, first + at, some);
        copy_d(p, p->logits + (first + at) * p->at.tile, at, some, count);
    }
}

static void gradients(const positions *p) {
    const long vocabulary = p->head->vocabulary;
    copy_states(p);
    for (long v = 0; v < vocabulary; v += p->at.words) {
        const long count = min_long(p->at.words, vocabulary - v);
        all_logit_gradients(p, v, count);
        state_gradients(p, v, count);
        weight_gradients(p, v, count);
    }
}

// The given gradients by the logits, transposed; zeros beyond the last position.
static void take_logit_gradients(const positions *p) {
    const softmax_head *head = p->head;
    const long stride = head->target_stride;
    for (long column = 0; column < p->width; column += LANES) {
        const long count = min_long(LANES, p->count - column);
        const float *rows = head->targets + (p->first + column) * stride;
        for (long v = 0; v < head->vocabulary; v += LANES) {
            v16 part[LANES];
            for (long i = 0; i < LANES; i++) {
                part[i] = i < count ? v_load(rows + i * stride + v) : v_zero();
            }
            v_transpose(part);
            for (long i = 0; i < min_long(LANES, head->vocabulary - v); i++) {
                v_store(p->logits + (v + i) * p->at.tile + column, part[i]);
            }
        }
    }
}

static softmax_layout layout_for(const softmax_head *head) {
    return softmax_layout_of(head->precision, head->positions, head->hidden, head->vocabulary,
                             head->d_weights != 0);
}

void NAME(softmax_loss)(const softmax_head *head, long count) {
    const softmax_layout at = layout_for(head);
    products_begin();
    for (long first = 0; first < count; first += at.tile) {
        const positions p = positions_at(head, at, first, min_long(at.tile, count - first));
        transpose_states(&p);
        compute_logits(&p);
        if (head->targets != NULL) {
            squares(&p);
        } else {
            exponentials(&p);
        }
        if (head->gradients) gradients(&p);
    }
    products_end();
}

void NAME(softmax_backward)(const softmax_head *head, long count) {
    const softmax_layout at = layout_for(head);
    products_begin();
    for (long first = 0; first < count; first += at.tile) {
        const positions p = positions_at(head, at, first, min_long(at.tile, count - first));
        take_logit_gradients(&p);
        gradients(&p);
    }
    products_end();
}

void NAME(softmax_logits)(const softmax_head *head, long count, float *logits, long stride) {
    const softmax_layout at = layout_for(head);
    products_begin();
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
    products_end();
}
