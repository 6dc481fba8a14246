// Dropout, sums and multiples of activations, the sum of squares.
#include <stddef.h>

#include "philox.h"
#include "variant.h"

// Elements whose word is at least the threshold, times the factor; the others +0. Words behind the
// last element are read.
static void keep_some(const float *in, float *out, long count, const uint32_t *words, keep keep) {
    const v16 factor = v_set(keep.factor);
    long i = 0;
    for (; i + LANES <= count; i += LANES) {
        const v16 x = v_mul(v_load(in + i), factor);
        v_store(out + i, v_where_at_least(x, words + i, keep.threshold));
    }
    if (i < count) {
        const v16 x = v_mul(v_load_first(in + i, count - i), factor);
        v_store_first(out + i, count - i, v_where_at_least(x, words + i, keep.threshold));
    }
}

void NAME(dropout)(const float *in, float *out, padded_rows shape, keep keep, philox_key key) {
    uint32_t words[PHILOX_WORDS + LANES] = {0};
    int64_t held = -1;  // index of the element whose word comes first in `words`
    for (long row = 0; row < shape.rows; row++) {
        const float *from = in + row * shape.in_stride;
        float *to = out + row * shape.out_stride;
        for (long column = 0; column < shape.columns;) {
            const int64_t index = (row % shape.period) * shape.columns + column;
            const int64_t first = index & -PHILOX_WORDS;
            if (first != held) {
                philox_words((uint32_t)(first / 4), key, words);
                held = first;
            }
            const long count = min_long(first + PHILOX_WORDS - index, shape.columns - column);
            keep_some(from + column, to + column, count, words + (index - first), keep);
            column += count;
        }
    }
}

void NAME(choose)(float *out, long time, long batch, long columns, uint32_t threshold,
                  philox_key key) {
    uint32_t counter = 0;
    uint64_t bits = 0;  // of the elements that come next
    long held = 0;      // how many
    const long blocks = ceil_div(columns, LANES), row = round_up(batch, LANES);
    for (long p = 0; p < time * batch; p++) {
        float *to = out + p / batch * blocks * row + p % batch;
        for (long block = 0; block < blocks; block++) {
            const long count = min_long(LANES, columns - block * LANES);
            uint64_t some = bits;
            bits >>= count;
            held -= count;
            if (held < 0) {
                const uint64_t next = philox_bits(counter, key, threshold);
                counter += PHILOX_COUNTERS;
                some |= next << (held + count);
                bits = next >> -held;
                held += PHILOX_WORDS;
            }
            to[block * row] = (float)(int32_t)(some & ((1u << count) - 1));
        }
    }
}

// Padding is +0 and stays so: fma(factor, 0 - 0, +0) is +0 for either sign of the factor.
void NAME(add_difference)(const float *left, const float *right, float factor, float *out,
                          long count) {
    const v16 by = v_set(factor);
    for (long i = 0; i < count; i += LANES) {
        v16 x = v_load(left + i);
        if (right) x = v_sub(x, v_load(right + i));
        v_store(out + i, v_fma(by, x, v_load(out + i)));
    }
}

void NAME(scale_rows)(float *matrix, long stride, const float *factors, long rows) {
    for (long row = 0; row < rows; row++) {
        float *x = matrix + row * stride;
        const v16 by = v_set(factors[row]);
        const bool dropped = factors[row] == 0;
        for (long i = 0; i < stride; i += LANES) {
            v_store(x + i, dropped ? v_zero() : v_mul(v_load(x + i), by));
        }
    }
}

// Sixteen lanes of double; the square of a float is exact in double, so that a separate addition
// gives what a fused one would.
double NAME(sum_of_squares)(const float *x, long count) {
    double lanes[LANES] = {0};
    long i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (long l = 0; l < LANES; l++) lanes[l] += (double)x[i + l] * (double)x[i + l];
    }
    for (; i < count; i++) lanes[i % LANES] += (double)x[i] * (double)x[i];
    for (long half = LANES / 2; half > 0; half /= 2) {
        for (long l = 0; l < half; l++) lanes[l] += lanes[l + half];
    }
    return lanes[0];
}
