// The layout of the output layer's private region; the same for all variants.
#include "softmax.h"

// Bytes of one tile's logits, at most: the weights and their gradient pass through main memory once
// per tile, so that hundreds of positions should share a pass even where their logits leave L3
// (33 278 words: 480 positions; tiles of 112, which stay in L3, take 4 % more time).
#define LOGITS_BYTES (64L << 20)

// Words of a chunk, a multiple of 16 and of the 7 rows of a tile: the logits of a chunk and the
// panels it meets stay in L2 (224 x 480 floats are 420 KiB); shorter chunks store and reload the
// gradients by the states more often.
#define CHUNK_WORDS 224

// AMX reads its operands from rounded copies, of which 448 words fit into 2 MiB of L2, and is so
// fast that storing and reloading the gradients by the states counts.
#define CHUNK_WORDS_AMX 448
#define LARGEST_TILE 768
#define LARGEST_TILE_AMX 1024
#define SMALLEST_TILE 64

static long round_up_16(long n) { return (n + 15) / 16 * 16; }

static long tile_of(int precision, long positions, long vocabulary) {
    long largest = LOGITS_BYTES / (4 * vocabulary) / 16 * 16;
    if (largest < SMALLEST_TILE) largest = SMALLEST_TILE;
    const long most = precision == PRECISION_BF16_AMX ? LARGEST_TILE_AMX : LARGEST_TILE;
    if (largest > most) largest = most;
    const long tiles = (positions + largest - 1) / largest;
    const long tile = round_up_16((positions + tiles - 1) / tiles);
    const long together = terms_together(precision);
    return (tile + together - 1) / together * together;
}

static long take(long *next, long floats) {
    const long offset = *next;
    *next += round_up_16(floats);
    return offset;
}

softmax_layout softmax_layout_of(int precision, long positions, long hidden, long vocabulary,
                                 bool backward) {
    softmax_layout at;
    long next = 0;
    const bool copied = precision != PRECISION_FLOAT32;
    at.tile = tile_of(precision, positions, vocabulary);
    const long most = precision == PRECISION_BF16_AMX ? CHUNK_WORDS_AMX : CHUNK_WORDS;
    at.words = vocabulary < most ? round_up_16(vocabulary) : most;
    const long hidden_lanes = lanes_of_terms(precision, hidden);
    const long tile_lanes = lanes_of_terms(precision, at.tile);
    const long word_lanes = lanes_of_terms(precision, at.words);
    at.labels = take(&next, positions);
    at.states = take(&next, (at.tile + 63) / 64 * 64 * hidden_lanes);
    at.logits = take(&next, vocabulary * at.tile);
    at.lanes = take(&next, 16 * at.tile);
    at.factors = take(&next, 2 * at.tile);
    at.words_operand = take(&next, copied ? at.words * row_of_lanes(precision, hidden_lanes) : 0);
    at.weights = take(&next, backward ? word_lanes * 64 : 0);
    at.panels = take(&next, backward ? (hidden + 63) / 64 * 64 * tile_lanes : 0);
    const long word_row = row_of_lanes(precision, word_lanes);
    at.d_words = take(&next, backward ? word_row * at.tile : 0);
    at.d_positions =
        take(&next, backward && copied ? at.words * row_of_lanes(precision, tile_lanes) : 0);
    at.floats = next;
    return at;
}

long softmax_floats(int precision, long positions, long hidden, long vocabulary, bool backward) {
    return softmax_layout_of(precision, positions, hidden, vocabulary, backward).floats;
}

int32_t *softmax_labels(const softmax_head *head) {
    const softmax_layout at =
        softmax_layout_of(head->precision, head->positions, head->hidden, head->vocabulary, false);
    return (int32_t *)(head->scratch + at.labels);
}
