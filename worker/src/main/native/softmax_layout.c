// The layout of the output layer's private region; the same for all variants.
#include "softmax.h"

// Bytes of one tile's logits, at most: the weights and their gradient pass through main memory once
// per tile, so that hundreds of positions should share a pass even where their logits leave L3
// (33 278 words: 480 positions; tiles of 112, which stay in L3, take 4 % more time).
#define LOGITS_BYTES (64L << 20)

// Words of a chunk, a multiple of 16 and of the 7 rows of a tile: the logits of a chunk and the
// panels it meets stay in L2 (224 x 416 floats are 364 KiB); shorter chunks store and reload the
// gradients by the states more often.
#define CHUNK_WORDS 224
#define LARGEST_TILE 512
#define SMALLEST_TILE 64

static long round_up_16(long n) { return (n + 15) / 16 * 16; }

static long tile_of(long positions, long vocabulary) {
    long largest = LOGITS_BYTES / (4 * vocabulary) / 16 * 16;
    if (largest < SMALLEST_TILE) largest = SMALLEST_TILE;
    if (largest > LARGEST_TILE) largest = LARGEST_TILE;
    const long tiles = (positions + largest - 1) / largest;
    return round_up_16((positions + tiles - 1) / tiles);
}

static long take(long *next, long floats) {
    const long offset = *next;
    *next += round_up_16(floats);
    return offset;
}

softmax_layout softmax_layout_of(bool bf16, long positions, long hidden, long vocabulary,
                                 bool backward) {
    softmax_layout at;
    long next = 0;
    at.tile = tile_of(positions, vocabulary);
    at.words = vocabulary < CHUNK_WORDS ? round_up_16(vocabulary) : CHUNK_WORDS;
    const long hidden_lanes = bf16 ? (hidden + 1) / 2 : hidden;
    const long tile_lanes = bf16 ? at.tile / 2 : at.tile;
    const long word_lanes = bf16 ? at.words / 2 : at.words;
    at.labels = take(&next, positions);
    at.states = take(&next, (at.tile + 63) / 64 * 64 * hidden_lanes);
    at.logits = take(&next, vocabulary * at.tile);
    at.lanes = take(&next, 16 * at.tile);
    at.factors = take(&next, 2 * at.tile);
    at.words_operand = take(&next, bf16 ? at.words * round_up_16(hidden_lanes) : 0);
    at.weights = take(&next, backward ? word_lanes * 64 : 0);
    at.panels = take(&next, backward ? (hidden + 63) / 64 * 64 * tile_lanes : 0);
    at.d_words = take(&next, backward && bf16 ? word_lanes * at.tile : 0);
    at.d_positions = take(&next, backward && bf16 ? at.words * round_up_16(tile_lanes) : 0);
    at.floats = next;
    return at;
}

long softmax_floats(bool bf16, long positions, long hidden, long vocabulary, bool backward) {
    return softmax_layout_of(bf16, positions, hidden, vocabulary, backward).floats;
}

int32_t *softmax_labels(const softmax_head *head) {
    const softmax_layout at =
        softmax_layout_of(head->bf16, head->positions, head->hidden, head->vocabulary, false);
    return (int32_t *)(head->scratch + at.labels);
}
