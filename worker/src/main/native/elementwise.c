// Dropout and the sum of squares.
#include "variant.h"

#include "philox.h"

void NAME(dropout)(const float *in, float *out, padded_rows shape, keep keep, philox_key key) {
    uint32_t words[LANES];
    int64_t held = -1;  // the counter whose words are in `words`
    for (long row = 0; row < shape.rows; row++) {
        const int64_t first = row * shape.columns;
        for (long column = 0; column < shape.columns; column++) {
            const int64_t index = first + column;
            if (index >> 4 != held) {
                held = index >> 4;
                philox_sixteen((uint32_t)(held * 4), key, words);
            }
            out[row * shape.out_stride + column] =
                words[index & 15] >= keep.threshold ? in[row * shape.in_stride + column] * keep.factor
                                                    : 0.0f;
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
