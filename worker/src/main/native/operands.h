// The operands of products in the precision of this build: float32, the values where they are; or
// bf16, pairs of rounded terms (simd_bf16.h), copied once when a value is written and used often.
#ifndef SPARKRNN_OPERANDS_H
#define SPARKRNN_OPERANDS_H

#include "lanes.h"
#include "product.h"

#if defined(BF16)
#define TERMS_PER_LANE 2
#else
#define TERMS_PER_LANE 1
#endif

// Floats that k adjacent terms of a sum take.
static inline long lanes_of(long terms) { return lanes_of_terms(PRECISION, terms); }

// Floats of a row of `columns` terms that is copied, a multiple of 16.
static inline long operand_row(long columns) { return row_of_terms(PRECISION, columns); }

// Sixteen lanes of terms that are adjacent in memory, zero from `count` on.
INLINE v16 adjacent_terms(const float *from, long count) {
#if defined(BF16)
    return v_pair_neighbours(v_load_first(from, count),
                             count > 16 ? v_load_first(from + 16, count - 16) : v_zero());
#else
    return v_load_first(from, count);
#endif
}

// Zeros in what terms do not take of a panel's last chunk.
INLINE void fill_panel(float *panel, long terms) {
    const long lanes = lanes_of(terms);
    for (long k = ceil_div(terms, TERMS_PER_LANE); k < lanes; k++) {
        for (long v = 0; v < PANEL; v += 16)
            v_store(panel + panel_at(k, v, PANEL, lanes), v_zero());
    }
}

// Lane row `i` of terms that are rows: row i, or rows 2i and 2i + 1, zero from row `count` on.
INLINE v16 row_terms(const float *from, long stride, long i, long count) {
#if defined(BF16)
    const v16 even = 2 * i < count ? v_load(from + 2 * i * stride) : v_zero();
    return v_pair(even, 2 * i + 1 < count ? v_load(from + (2 * i + 1) * stride) : v_zero());
#else
    return i < count ? v_load(from + i * stride) : v_zero();
#endif
}

// Sixteen of them from lane row `first` on, transposed: to[column * row] are a column's 16 lanes.
INLINE void transpose_terms(const float *from, long stride, long first, long count, float *to,
                            long row) {
    v16 part[LANES];
    for (long i = 0; i < LANES; i++) part[i] = row_terms(from, stride, first + i, count);
    v_transpose(part);
    for (long column = 0; column < LANES; column++) v_store(to + column * row, part[column]);
}

// Rows padded with zeros to 16 floats as left operand, k adjacent; `copy` takes rows of
// operand_row() floats where a copy is needed.
INLINE left operand_rows(const float *from, long rows, long columns, float *copy) {
    const long stride = round_up(columns, 16);
#if defined(BF16)
    const long row = operand_row(columns);
    for (long r = 0; r < rows; r++) {
        for (long i = 0; i < lanes_of(columns); i += 16) {
            v_store(copy + r * row + i, adjacent_terms(from + r * stride + 2 * i, stride - 2 * i));
        }
    }
    return left_rows(copy, row, lanes_of(columns));
#else
    (void)rows, (void)copy;
    return left_rows(from, stride, columns);
#endif
}

#endif
