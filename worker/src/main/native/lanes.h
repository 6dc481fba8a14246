// Sixteen floats, the unit of all layouts, and what terms of a product take in them.
#ifndef SPARKRNN_LANES_H
#define SPARKRNN_LANES_H

#include "kernel.h"

#define LANES 16

// Terms that AMX adds before they meet the sum: 16 pairs.
#define CHUNK_TERMS 32

// Floats that k adjacent terms of a sum take: one each; in bf16 one for a pair; for AMX chunks that
// are filled with zeros.
static inline long lanes_of_terms(int precision, long terms) {
    switch (precision) {
        case PRECISION_FLOAT32:
            return terms;
        case PRECISION_BF16:
            return (terms + 1) / 2;
        default:
            return (terms + CHUNK_TERMS - 1) / CHUNK_TERMS * (CHUNK_TERMS / 2);
    }
}

// Floats of a row of a left operand. AMX loads 16 rows at a time: an odd number of cache lines,
// since rows of a power of two apart would meet in a few sets of the first-level cache.
static inline long row_of_lanes(int precision, long lanes) {
    const long row = (lanes + LANES - 1) / LANES;
    return (precision == PRECISION_BF16_AMX ? row | 1 : row) * LANES;
}

// Floats of a row of `columns` terms that is copied as operand.
static inline long row_of_terms(int precision, long columns) {
    const long padded = (columns + LANES - 1) / LANES * LANES;
    return precision == PRECISION_FLOAT32
               ? 0
               : row_of_lanes(precision, lanes_of_terms(precision, padded));
}

// Positions, in bf16 pairs of positions, of a weight gradient's chunk: [384][64] floats are 96 KiB,
// so that a chunk of both operands' panels stays in L2; longer chunks save little of the traffic of
// the sums. For AMX, so fast that this traffic counts, [1024][64] are 256 KiB, of 2 MiB of L2.
static inline long position_chunk(int precision) {
    return precision == PRECISION_BF16_AMX ? 1024 : 384;
}

// Blocks of 16 units whose weight gradients are computed together: AMX has two rows of tiles; 48
// rows are eight tiles of six or seven of seven, where 16 would be 6 + 5 + 5.
static inline long blocks_together(int precision) {
    return precision == PRECISION_BF16_AMX ? 2 : 3;
}

// Sums are cut, if at all, between so many terms.
static inline long terms_together(int precision) {
    return precision == PRECISION_BF16_AMX ? CHUNK_TERMS : 2;
}

#endif
