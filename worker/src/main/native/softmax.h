// The layout of the output layer's private region.
#ifndef SPARKRNN_SOFTMAX_H
#define SPARKRNN_SOFTMAX_H

#include "kernel.h"
#include "lanes.h"

// In bf16, k of a product counts pairs of terms (operands.h): states, weights and panels are half
// as large, and the operands that are not packed have copies.
typedef struct softmax_layout {
    long tile;           // positions of a tile, a multiple of 16, for AMX of 32
    long words;          // words of a chunk
    long labels;         // [positions] int32
    long states;         // [tile / 64][hidden][64]: hidden states, transposed
    long logits;         // [vocabulary][tile]: logits, then exponentials, then gradients
    long lanes;          // [16][tile]: partial maxima, then sums
    long factors;        // [2][tile]: largest logit; scale / sum
    long weights;        // [words][64]: columns of a chunk's weights as right operand
    long words_operand;  // bf16: [words][hidden / 2]: a chunk's weights as left operand
    long d_words;      // [tile][words]: gradients by the logits of a chunk, words adjacent
    long d_positions;  // bf16: [words][tile / 2]: its gradients, pairs of positions
    long panels;       // [hidden / 64][tile][64]: hidden states as right operand
    long floats;
} softmax_layout;

softmax_layout softmax_layout_of(int precision, long positions, long hidden, long vocabulary,
                                 bool backward);

#endif
