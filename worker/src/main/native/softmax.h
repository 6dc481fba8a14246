// The layout of the output layer's private region.
#ifndef SPARKRNN_SOFTMAX_H
#define SPARKRNN_SOFTMAX_H

#include "kernel.h"

typedef struct softmax_layout {
    long tile;     // positions of a tile, a multiple of 16
    long words;    // words of a chunk
    long labels;   // [positions] int32
    long states;   // [tile / 64][hidden][64]: hidden states, transposed
    long logits;   // [vocabulary][tile]: logits, then exponentials, then gradients
    long lanes;    // [16][tile]: partial maxima, then sums
    long factors;  // [2][tile]: largest logit; scale / sum
    long weights;  // [words][64]: columns of a chunk's weights as right operand
    long panels;   // [hidden / 64][tile][64]: hidden states as right operand
    long floats;
} softmax_layout;

softmax_layout softmax_layout_of(long positions, long hidden, long vocabulary, bool backward);

#endif
