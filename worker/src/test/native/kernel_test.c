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

const kernel *portable(int precision) {
    static const int arithmetics[] = {ARITHMETIC_FLOAT32, ARITHMETIC_BF16_EMULATED,
                                      ARITHMETIC_BF16_AMX_EMULATED};
    return kernel_numbered(kernel_number(ISA_PORTABLE, arithmetics[precision]));
}

int main(void) {
    static const int isas[] = {ISA_AVX512, ISA_AVX2, ISA_PORTABLE};
    for (int arithmetic = 0; arithmetic < ARITHMETICS; arithmetic++) {
        for (int i = 0; i < 3; i++) {
            const int number = kernel_number(isas[i], arithmetic);
            if (number == 0) continue;  // not on this processor, or there is none
            const kernel *variant = kernel_numbered(number);
            test_products(isas[i], arithmetic);
            for (guard where = GUARD_AFTER; where <= GUARD_BEFORE; where++) {
                test_layers(variant, where);
                test_softmax(variant, where);
                test_vectors(variant, where);
            }
            printf("%s: %s\n", variant->name, failures == 0 ? "passed" : "FAILED");
        }
    }
    return failures == 0 ? 0 : 1;
}
