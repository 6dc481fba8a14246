// Dropout and the sum of squares.
#include "philox.h"
#include "variant.h"

void NAME(dropout)(const float *in, float *out, padded_rows shape, keep keep, philox_key key) {
    uint32_t words[PHILOX_WORDS];
    int64_t held = -1;  // index of the element whose word comes first in `words`
    for (long row = 0; row < shape.rows; row++) {
        const float *from = in + row * shape.in_stride;
        float *to = out + row * shape.out_stride;
        for (long column = 0; column < shape.columns;) {
            const int64_t index = row * shape.columns + column;
            const int64_t first = index & -PHILOX_WORDS;
            if (first != held) {
                philox_words((uint32_t)(first / 4), key, words);
                held = first;
            }
            const uint32_t *word = words + (index - first);
            const long count = min_long(first + PHILOX_WORDS - index, shape.columns - column);
            for (long i = 0; i < count; i++) {
                to[column + i] = word[i] >= keep.threshold ? from[column + i] * keep.factor : 0.0f;
            }
            column += count;
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
