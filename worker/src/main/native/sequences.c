// Rows of sequences of different lengths: moved between time orders and side by side, and pooled
// over the steps of each. No products and no reductions over lanes: one build serves all variants.
//
// Position p of a batch is step * batch + stream; the steps of a stream beyond its length are
// padding.
#include <string.h>

#include "kernel.h"

void move_rows(const float *from, long from_stride, const int32_t *rows, long count, long columns,
               float *to, long to_stride, bool add) {
    for (long i = 0; i < count; i++) {
        float *target = to + i * to_stride;
        if (rows[i] < 0) {
            if (!add) memset(target, 0, (size_t)columns * sizeof(float));
            continue;
        }
        const float *source = from + rows[i] * from_stride;
        if (add) {
            for (long j = 0; j < columns; j++) target[j] += source[j];
        } else {
            memcpy(target, source, (size_t)columns * sizeof(float));
        }
    }
}

void pool_rows(pooling of, const int32_t *lengths, long streams, const float *states,
               float *pooled) {
    for (long b = 0; b < streams; b++, states += of.stride, pooled += of.stride) {
        memset(pooled, 0, (size_t)of.columns * sizeof(float));
        for (long t = 0; t < lengths[b]; t++) {
            const float *h = states + t * of.batch * of.stride;
            for (long j = 0; j < of.columns; j++) {
                const float m = pooled[j];
                pooled[j] = !of.largest ? m + h[j] : t == 0 || h[j] > m ? h[j] : m;
            }
        }
        if (of.largest || lengths[b] == 0) continue;
        const float n = (float)lengths[b];
        for (long j = 0; j < of.columns; j++) pooled[j] /= n;
    }
}

void pool_gradient(pooling of, long time, const int32_t *lengths, long streams, const float *states,
                   const float *pooled, float *d_pooled, float *d_states) {
    for (long b = 0; b < streams; b++) {
        const long row = b * of.stride;
        const float n = (float)lengths[b];
        for (long t = 0; t < time; t++) {
            const float *h = states + t * of.batch * of.stride + row;
            float *d = d_states + t * of.batch * of.stride + row;
            if (t >= lengths[b]) {
                memset(d, 0, (size_t)of.columns * sizeof(float));
                continue;
            }
            for (long j = 0; j < of.columns; j++) {
                const float left = d_pooled[row + j];
                const bool takes = !of.largest || h[j] == pooled[row + j];
                d[j] = !takes ? 0.0f : of.largest ? left : left / n;
                if (of.largest && takes) d_pooled[row + j] = 0.0f;  // the first largest alone
            }
        }
    }
}
