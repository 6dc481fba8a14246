// The output layer at odd sizes: within its buffers, and the same bits from every variant.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_test.h"

typedef struct outputs {
    float *statistics, *d_weights, *d_bias, *d_states, *logits;
    float *d_logits, *linear_d_weights, *linear_d_bias, *linear_d_states;  // of the logits alone
} outputs;

static outputs run(const kernel *variant, softmax_head head, guard where) {
    const outputs out = {
        guarded((size_t)(head.positions * 3), where),
        guarded((size_t)(head.vocabulary * head.hidden), where),
        guarded((size_t)head.vocabulary, where),
        guarded((size_t)(head.positions * padded(head.hidden)), where),
        guarded((size_t)(head.positions * head.vocabulary), where),
        guarded((size_t)(head.positions * padded(head.vocabulary)), where),
        guarded((size_t)(head.vocabulary * head.hidden), where),
        guarded((size_t)head.vocabulary, where),
        guarded((size_t)(head.positions * padded(head.hidden)), where),
    };
    head.statistics = out.statistics;
    head.d_weights = out.d_weights;
    head.d_bias = out.d_bias;
    head.d_states = out.d_states;
    head.scratch = guarded(
        (size_t)softmax_floats(head.precision, head.positions, head.hidden, head.vocabulary, true),
        where);
    head.labels = softmax_labels(&head);
    for (long i = 0; i < head.positions; i++) {
        softmax_labels(&head)[i] = (int32_t)((i * 31 + 1) % head.vocabulary);
    }
    variant->softmax_loss(&head, head.positions);
    variant->softmax_logits(&head, head.positions, out.logits, head.vocabulary);
    start_random(7);
    fill(out.d_logits, head.positions, head.vocabulary, padded(head.vocabulary), 0.3f);
    head.d_weights = out.linear_d_weights;
    head.d_bias = out.linear_d_bias;
    head.d_states = out.linear_d_states;
    head.targets = out.d_logits;
    head.target_stride = padded(head.vocabulary);
    variant->softmax_backward(&head, head.positions);
    return out;
}

static void test_shape(const variants *all, long positions, long hidden, long vocabulary,
                       guard where) {
    float *weights = guarded((size_t)(vocabulary * hidden), where);
    float *bias = guarded((size_t)vocabulary, where);
    float *states = guarded((size_t)(positions * padded(hidden)), where);
    fill(weights, vocabulary, hidden, hidden, 0.3f);
    fill(bias, 1, vocabulary, vocabulary, 0.3f);
    fill(states, positions, hidden, padded(hidden), 1);
    const softmax_head head = {.positions = positions,
                               .hidden = hidden,
                               .vocabulary = vocabulary,
                               .precision = all->kernels[0]->precision,
                               .weights = weights,
                               .bias = bias,
                               .states = states,
                               .scale = 0.01f,
                               .gradients = true};
    outputs expected;
    for (int i = 0; i < all->count; i++) {
        const outputs actual = run(all->kernels[i], head, where);
        if (i == 0) expected = actual;
        char what[100];
        snprintf(what, sizeof what, "%s softmax P%ld H%ld V%ld", all->kernels[i]->name, positions,
                 hidden, vocabulary);
        expect_same(what, actual.statistics, expected.statistics, positions * 3);
        expect_same(what, actual.d_weights, expected.d_weights, vocabulary * hidden);
        expect_same(what, actual.d_bias, expected.d_bias, vocabulary);
        expect_same(what, actual.d_states, expected.d_states, positions * padded(hidden));
        expect_same(what, actual.logits, expected.logits, positions * vocabulary);
        expect_same(what, actual.linear_d_weights, expected.linear_d_weights, vocabulary * hidden);
        expect_same(what, actual.linear_d_bias, expected.linear_d_bias, vocabulary);
        expect_same(what, actual.linear_d_states, expected.linear_d_states,
                    positions * padded(hidden));
    }
    release_all();
}

void test_softmax(const variants *all, guard where) {
    static const long sizes[][3] = {
        {1, 1, 2},     {3, 7, 5},      {16, 16, 16}, {17, 33, 18},
        {65, 20, 96},  {70, 130, 65},  {600, 9, 30},  // several tiles of positions
        {40, 40, 530}, {530, 20, 300},                // several chunks of words
    };
    for (int i = 0; i < 9; i++) test_shape(all, sizes[i][0], sizes[i][1], sizes[i][2], where);
}
