// Unit test of the kernel without Java, under AddressSanitizer and UndefinedBehaviorSanitizer, with
// forbidden pages around every buffer:
//
//   - register tiles and large products against a scalar chain, at sizes around every blocking
//   constant;
//   - all operations, at odd sizes: no access outside a buffer, and every variant that this
//     processor runs gives the bits of the portable one of its precision.
//
// What the operations compute is tested from Java (KernelContract).
#include "kernel_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t state = 1;
static int failures;

void start_random(uint32_t seed) { state = seed; }

float next_float(void) {
    state = state * 1664525u + 1013904223u;
    return (float)(int32_t)state * 0x1p-31f;
}

void fill(float *to, long rows, long columns, long stride, float range) {
    for (long r = 0; r < rows; r++) {
        for (long c = 0; c < stride; c++) {
            to[r * stride + c] = c < columns ? range * next_float() : 0.0f;
        }
    }
}

void expect_same(const char *what, const float *actual, const float *expected, long count) {
    if (memcmp(actual, expected, (size_t)count * sizeof(float)) == 0) return;
    long i = 0;
    while (memcmp(actual + i, expected + i, sizeof(float)) == 0) i++;
    fprintf(stderr, "FAILED: %s: element %ld is %a, expected %a\n", what, i, (double)actual[i],
            (double)expected[i]);
    failures++;
}

static variants variants_of(int precision) {
    static const int isas[] = {ISA_PORTABLE, ISA_AVX2, ISA_AVX512};
    variants found = {.count = 0};
    for (int i = 0; i < 3; i++) {
        for (int arithmetic = 0; arithmetic < ARITHMETICS; arithmetic++) {
            const int number = kernel_number(isas[i], arithmetic);
            if (number == 0) continue;  // not on this processor, or there is none
            const kernel *variant = kernel_numbered(number);
            if (variant->precision != precision) continue;
            found.kernels[found.count++] = variant;
        }
    }
    return found;
}

static void test(int precision) {
    const variants all = variants_of(precision);
    test_products(&all);
    for (guard where = GUARD_AFTER; where <= GUARD_BEFORE; where++) {
        test_layers(&all, where);
        test_softmax(&all, where);
        test_vectors(&all, where);
        if (precision == PRECISION_FLOAT32) test_sequences(where);
    }
    for (int i = 0; i < all.count; i++) {
        printf("%s: %s\n", all.kernels[i]->name, failures == 0 ? "passed" : "FAILED");
    }
}

// The argument is a precision.
int main(int count, char **arguments) {
    static const char *precisions[] = {"float32", "bf16", "bf16-amx"};
    int tested = 0;
    for (int precision = PRECISION_FLOAT32; precision <= PRECISION_BF16_AMX; precision++) {
        if (count != 2 || strcmp(arguments[1], precisions[precision]) != 0) continue;
        test(precision);
        tested++;
    }
    if (tested == 0) fprintf(stderr, "expected float32, bf16 or bf16-amx as the argument\n");
    return tested == 1 && failures == 0 ? 0 : 1;
}
