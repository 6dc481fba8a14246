// Additions to rows of a table: the gradient of an embedding.
#include "variant.h"

void NAME(add_rows)(const float *from, long from_stride, const int32_t *rows, long count,
                    long columns, float *table) {
    for (long i = 0; i < count; i++) {
        const float *d = from + i * from_stride;
        float *row = table + rows[i] * columns;
        for (long column = 0; column < columns; column += LANES) {
            const long live = min_long(LANES, columns - column);
            v_store_first(row + column, live,
                          v_add(v_load_first(row + column, live), v_load_first(d + column, live)));
        }
    }
}
