// Copies of rows of a table; plain memory traffic, the same for all variants.
#include <string.h>

#include "kernel.h"

void gather_rows(const float *table, long columns, const int32_t *rows, long count, float *out,
                 long out_stride) {
    for (long i = 0; i < count; i++) {
        memcpy(out + i * out_stride, table + rows[i] * columns, (size_t)columns * sizeof(float));
    }
}

void zero_rows(float *table, long columns, const int32_t *rows, long count) {
    for (long i = 0; i < count; i++) {
        memset(table + rows[i] * columns, 0, (size_t)columns * sizeof(float));
    }
}
