// What the parts of the unit test share.
#ifndef SPARKRNN_KERNEL_TEST_H
#define SPARKRNN_KERNEL_TEST_H

#include "guarded.h"
#include "kernel.h"

// The variants of a precision that this processor runs, the one in plain C first.
typedef struct variants {
    const kernel *kernels[ARITHMETICS];
    int count;
} variants;

// Reproducible, in [-1, 1). From the same start, the same numbers.
void start_random(uint32_t seed);
float next_float(void);
// Rows of `columns` random floats in +-range, padded with zeros to the stride.
void fill(float *to, long rows, long columns, long stride, float range);
// Columns of a row of activations with its padding.
static inline long padded(long columns) { return (columns + 15) / 16 * 16; }
void expect_same(const char *what, const float *actual, const float *expected, long count);

void test_products(const variants *all);
void test_layers(const variants *all, guard where);
void test_softmax(const variants *all, guard where);
void test_vectors(const variants *all, guard where);
void test_sequences(guard where);  // one build for all variants

#endif
