// What the kernel computes, as seen by the JNI bridge and the tests. The contract, formulas and the
// order of every sum are in docs/numerics.md; shapes and layouts in docs/kernel.md.
#ifndef SPARKRNN_KERNEL_H
#define SPARKRNN_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "cells.h"

// What the operands of products are, and the order of their sums: docs/numerics.md, section 10.
enum { PRECISION_FLOAT32 = 0, PRECISION_BF16 = 1, PRECISION_BF16_AMX = 2 };

// The parameters of a recurrent layer, or their gradients; PyTorch's shapes, dense.
typedef struct recurrent_parameters {
    float *weight_ih;  // [gates * hidden, input]
    float *weight_hh;  // [gates * hidden, output]
    float *bias_ih;    // [gates * hidden]
    float *bias_hh;
    float *weight_ph;  // [peepholes * hidden], if the cell has any
    float *weight_hr;  // [output, hidden], if the layer is projected
    // If the layer is normalised: of W_ih x and W_hh h, and of the cell state, if there is one.
    float *gain_ih;  // [gates * hidden]
    float *gain_hh;
    float *gain_c;  // [hidden]
    float *bias_c;
} recurrent_parameters;

// Units that keep their states from step to step; rates of 0 are none. Rows are padded.
typedef struct zoneout {
    float hidden_rate, cell_rate;
    // [time * blocks of output or hidden, batch]: of 16 units which take their new state (choose);
    // both NULL for the mean of the two states.
    float *hidden_updates, *cell_updates;
    // With cell_updates, of a layer that is normalised:
    float *new_cells;  // [time * batch, hidden]: what the cell computes
    float *d_cell;     // [batch, hidden]: gradients of one step that go past the cell
} zoneout;

// All buffers of one recurrent layer. Rows of activations are padded to 16 floats.
typedef struct recurrent_layer {
    int cell;  // its place in cells.h
    // hidden: units; output: columns of the hidden state, fewer if W_hr projects the units to them.
    long time, batch, input, hidden, output;
    bool one_hot;
    int precision;  // of the products
    recurrent_parameters parameters;
    recurrent_parameters gradients;
    const float *x;         // [time * batch, input]; not read if one_hot
    const int32_t *tokens;  // [time * batch] if one_hot
    float *hidden_states;   // [(time + 1) * batch, output], first the state before the window
    float *cell_states;     // [(time + 1) * batch, hidden], if the cell has one
    float *gates;           // [time * batch, slots * padded hidden], blocked
    float *packed;          // recurrent_floats() floats
    const float *d_hidden_sequence;  // [time * batch, output]
    float *dx;                       // [time * batch, input] or NULL
    float *d_hidden;                 // [batch, output]
    float *d_cell;                   // [batch, hidden], if the cell has one
    zoneout zoneout;
} recurrent_layer;

typedef struct softmax_head {
    long positions, hidden, vocabulary;
    int precision;
    const float *weights;   // [vocabulary, hidden], dense
    const float *bias;      // [vocabulary]
    const float *states;    // [positions, hidden], padded
    const int32_t *labels;  // [positions]
    float *statistics;      // [positions, 3]: largest logit, sum of exp, label's logit
    float *scratch;         // softmax_floats() floats
    float scale;
    bool gradients;
    float *d_weights, *d_bias, *d_states;
    // [positions, vocabulary]: targets of a squared error instead of the softmax, or the gradients
    // by the logits that softmax_backward begins with, padded to 16 floats; else NULL.
    const float *targets;
    long target_stride;
} softmax_head;

typedef struct philox_key {
    uint64_t seed;
    uint32_t step, replica, purpose;
} philox_key;

// Rows of 16-float-padded matrices; see dropout, whose mask begins again after `period` rows.
typedef struct padded_rows {
    long rows, period, columns, in_stride, out_stride;
} padded_rows;

// A random word from threshold on keeps an element, multiplied by the factor.
typedef struct keep {
    uint32_t threshold;
    float factor;
} keep;

// g' = clamp(g * scale, +-limit) + l2 * p + l1 * sign(p); 0 is none.
typedef struct gradient_transform {
    float scale, limit, l2, l1;
} gradient_transform;

// The order of NativeKernel.RULES. RMSProp is AdaGrad where decay and complement are 1; Adam also
// AdamW and NAdam.
enum { RULE_SGD, RULE_MOMENTUM, RULE_RMSPROP, RULE_ADADELTA, RULE_ADAM, RULE_AVERAGED_SGD };

typedef struct update_decaying {
    float rate, decay, complement, epsilon;
} update_decaying;

typedef struct update_adam {
    float rate, gradient_rate, beta1, complement1, beta2, complement2, root_correction, epsilon;
    float shrink;
} update_adam;

// The coefficients of a rule, as UpdateRule.java orders them.
typedef struct update_coefficients {
    gradient_transform transform;
    union {
        struct {
            float rate;
        } sgd;
        struct {
            float rate, momentum;
        } momentum;
        struct {
            float rate, shrink, weight;
        } averaged;
        update_decaying decaying;  // RMSProp and AdaDelta
        update_adam adam;
    };
} update_coefficients;

// One instruction set's functions.
typedef struct kernel {
    const char *name;
    int precision;
    void (*recurrent_pack)(const recurrent_layer *layer);
    void (*recurrent_forward)(const recurrent_layer *layer, long time);
    void (*recurrent_backward)(const recurrent_layer *layer, long time);
    void (*softmax_loss)(const softmax_head *head, long positions);
    void (*softmax_logits)(const softmax_head *head, long positions, float *logits, long stride);
    // The gradients of softmax_logits.
    void (*softmax_backward)(const softmax_head *head, long positions);
    void (*add_rows)(const float *from, long from_stride, const int32_t *rows, long count,
                     long columns, float *table);
    void (*dropout)(const float *in, float *out, padded_rows shape, keep keep, philox_key key);
    // Which elements dropout keeps of rows [time * batch, columns]: of 16 columns the sum of 2^i
    // over those i, [time][blocks][batch], padded.
    void (*choose)(float *out, long time, long batch, long columns, uint32_t threshold,
                   philox_key key);
    // out += factor * (left - right), right NULL for zeros; count floats, a multiple of 16.
    void (*add_difference)(const float *left, const float *right, float factor, float *out,
                           long count);
    // Each row times its factor, +0 where that is 0; rows padded to 16 floats.
    void (*scale_rows)(float *matrix, long stride, const float *factors, long rows);
    double (*sum_of_squares)(const float *x, long count);
    // One step of an optimizer; moments that the rule does not keep are not touched.
    void (*update)(int rule, const update_coefficients *c, float *p, const float *g, float *first,
                   float *second, long count);
} kernel;

// Instruction sets, and what multiplies: float32; bfloat16 by the processor's instructions,
// AVX512_BF16 or AMX; or by a slow emulation of either with the same result.
enum { ISA_AUTO = 0, ISA_AVX512 = 1, ISA_AVX2 = 2, ISA_PORTABLE = 3 };
enum {
    ARITHMETIC_FLOAT32 = 0,
    ARITHMETIC_BF16 = 1,
    ARITHMETIC_BF16_EMULATED = 2,
    ARITHMETIC_BF16_AMX = 3,
    ARITHMETIC_BF16_AMX_EMULATED = 4,
    ARITHMETICS = 5
};

// Variants are numbered from 1 to KERNELS.
#define KERNELS 11

// The number of the variant, for ISA_AUTO the fastest; 0 where the processor runs none.
int kernel_number(int isa, int arithmetic);
const kernel *kernel_numbered(int number);

// out[i] = table[rows[i]], the table dense.
void gather_rows(const float *table, long columns, const int32_t *rows, long count, float *out,
                 long out_stride);
// table[rows[i]] = 0
void zero_rows(float *table, long columns, const int32_t *rows, long count);

// Rows [time * batch] of sequences (sequences.c).
typedef struct pooling {
    long batch, stride, columns;
    bool largest;  // else the mean
} pooling;

// to[i] = from[rows[i]] or += it, the first columns; a row of -1 is zero.
void move_rows(const float *from, long from_stride, const int32_t *rows, long count, long columns,
               float *to, long to_stride, bool add);
// pooled[stream] = mean or largest over the first lengths[stream] steps; zero for no step.
void pool_rows(pooling of, const int32_t *lengths, long streams, const float *states,
               float *pooled);
// The gradient by all rows of so many steps; d_pooled is used up.
void pool_gradient(pooling of, long time, const int32_t *lengths, long streams, const float *states,
                   const float *pooled, float *d_pooled, float *d_states);

// Sizes of the kernel's private regions, in floats; the same for all variants.
long recurrent_floats(int precision, int cell, long time, long batch, long input, long hidden,
                      long output, bool one_hot, bool normalised, bool backward);
// Where recurrent_layer.tokens may be kept: inside layer->packed.
int32_t *recurrent_tokens(const recurrent_layer *layer);
long softmax_floats(int precision, long positions, long hidden, long vocabulary, bool backward);
int32_t *softmax_labels(const softmax_head *head);

#endif
