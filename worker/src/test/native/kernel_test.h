// What the parts of the unit test share.
#ifndef SPARKRNN_KERNEL_TEST_H
#define SPARKRNN_KERNEL_TEST_H

#include "guarded.h"
#include "kernel.h"

// Reproducible, in [-1, 1).
float next_float(void);
// Rows of `columns` random floats in +-range, padded with zeros to the stride.
void fill(float *to, long rows, long columns, long stride, float range);
void expect_same(const char *what, const float *actual, const float *expected, long count);

// The variant in plain C of a precision.
const kernel *portable(int precision);

void test_products(int isa, int arithmetic);
void test_layers(const kernel *variant, guard where);
void test_softmax(const kernel *variant, guard where);
void test_vectors(const kernel *variant, guard where);

#endif
