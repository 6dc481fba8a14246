// The native methods of NativeCalls.java: unpack the arguments, call the kernel. The only file that
// knows of Java; no arithmetic here. Shapes and addresses were checked on the Java side.
#include <jni.h>
#include <string.h>

#include "arena.h"
#include "kernel.h"

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_org_sparkrnn_worker_kernel_NativeCalls_##name

static float *floats(jlong address) { return (float *)(intptr_t)address; }

// False if an exception is pending.
static bool copy_ints(JNIEnv *env, jintArray from, jint first, jint count, int32_t *to) {
    (*env)->GetIntArrayRegion(env, from, first, count, (jint *)to);
    return !(*env)->ExceptionCheck(env);
}

NATIVE(jint, variant)(JNIEnv *env, jclass self, jint isa, jint arithmetic) {
    (void)env, (void)self;
    return kernel_number(isa, arithmetic);
}

NATIVE(jstring, name)(JNIEnv *env, jclass self, jint variant) {
    (void)self;
    return (*env)->NewStringUTF(env, kernel_numbered(variant)->name);
}

// ---- Arena

NATIVE(jlong, map)(JNIEnv *env, jclass self, jlong bytes) {
    (void)env, (void)self;
    return (jlong)(intptr_t)arena_map((size_t)bytes);
}

NATIVE(void, unmap)(JNIEnv *env, jclass self, jlong address, jlong bytes) {
    (void)env, (void)self;
    arena_unmap(floats(address), (size_t)bytes);
}

NATIVE(void, read)
(JNIEnv *env, jclass self, jlong address, jfloatArray target, jint from, jint count) {
    (void)self;
    (*env)->SetFloatArrayRegion(env, target, from, count, floats(address));
}

NATIVE(void, write)
(JNIEnv *env, jclass self, jlong address, jfloatArray source, jint from, jint count) {
    (void)self;
    (*env)->GetFloatArrayRegion(env, source, from, count, floats(address));
}

NATIVE(void, fill)(JNIEnv *env, jclass self, jlong address, jlong count, jfloat value) {
    (void)env, (void)self;
    for (jlong i = 0; i < count; i++) floats(address)[i] = value;
}

NATIVE(void, copy)(JNIEnv *env, jclass self, jlong from, jlong to, jlong count) {
    (void)env, (void)self;
    memcpy(floats(to), floats(from), (size_t)count * sizeof(float));
}

// ---- Recurrent layers

NATIVE(jlong, recurrentFloats)
(JNIEnv *env, jclass self, jint variant, jint cell, jint time, jint batch, jint input, jint hidden,
 jint output, jboolean one_hot, jboolean normalised, jboolean backward) {
    (void)env, (void)self;
    return recurrent_floats(kernel_numbered(variant)->precision, cell, time, batch, input, hidden,
                            output, one_hot, normalised, backward);
}

// The order of NativeKernel.describe(RecurrentLayer).
enum {
    LAYER_CELL,
    LAYER_TIME,
    LAYER_BATCH,
    LAYER_INPUT,
    LAYER_HIDDEN_UNITS,
    LAYER_OUTPUT_UNITS,
    LAYER_PARAMETERS,
    LAYER_GRADIENTS = LAYER_PARAMETERS + 10,
    LAYER_X = LAYER_GRADIENTS + 10,
    LAYER_HIDDEN,
    LAYER_CELL_STATE,
    LAYER_GATES,
    LAYER_PACKED,
    LAYER_D_HIDDEN_SEQUENCE,
    LAYER_DX,
    LAYER_D_HIDDEN,
    LAYER_D_CELL,
    LAYER_ZONEOUT_RATES,
    LAYER_HIDDEN_UPDATES,
    LAYER_CELL_UPDATES,
    LAYER_NEW_CELLS,
    LAYER_D_PAST_CELL,
    LAYER_VALUES
};

static recurrent_parameters parameters_of(const jlong *addresses) {
    const recurrent_parameters p = {floats(addresses[0]), floats(addresses[1]),
                                    floats(addresses[2]), floats(addresses[3]),
                                    floats(addresses[4]), floats(addresses[5]),
                                    floats(addresses[6]), floats(addresses[7]),
                                    floats(addresses[8]), floats(addresses[9])};
    return p;
}

// Two rates as the bits of floats, the hidden state's in the high half.
static zoneout zoneout_of(const jlong *values) {
    const uint64_t rates = (uint64_t)values[LAYER_ZONEOUT_RATES];
    const uint32_t hidden = (uint32_t)(rates >> 32), cell = (uint32_t)rates;
    zoneout zone = {.hidden_updates = floats(values[LAYER_HIDDEN_UPDATES]),
                    .cell_updates = floats(values[LAYER_CELL_UPDATES]),
                    .new_cells = floats(values[LAYER_NEW_CELLS]),
                    .d_cell = floats(values[LAYER_D_PAST_CELL])};
    memcpy(&zone.hidden_rate, &hidden, sizeof hidden);
    memcpy(&zone.cell_rate, &cell, sizeof cell);
    return zone;
}

static bool unpack_layer(JNIEnv *env, jint variant, jlongArray described, recurrent_layer *layer) {
    jlong values[LAYER_VALUES];
    (*env)->GetLongArrayRegion(env, described, 0, LAYER_VALUES, values);
    if ((*env)->ExceptionCheck(env)) return false;
    layer->cell = (int)values[LAYER_CELL];
    layer->time = values[LAYER_TIME];
    layer->batch = values[LAYER_BATCH];
    layer->input = values[LAYER_INPUT];
    layer->hidden = values[LAYER_HIDDEN_UNITS];
    layer->output = values[LAYER_OUTPUT_UNITS];
    layer->parameters = parameters_of(values + LAYER_PARAMETERS);
    layer->gradients = parameters_of(values + LAYER_GRADIENTS);
    layer->x = floats(values[LAYER_X]);
    layer->one_hot = layer->x == NULL;
    layer->precision = kernel_numbered(variant)->precision;
    layer->hidden_states = floats(values[LAYER_HIDDEN]);
    layer->cell_states = floats(values[LAYER_CELL_STATE]);
    layer->gates = floats(values[LAYER_GATES]);
    layer->packed = floats(values[LAYER_PACKED]);
    layer->d_hidden_sequence = floats(values[LAYER_D_HIDDEN_SEQUENCE]);
    layer->dx = floats(values[LAYER_DX]);
    layer->d_hidden = floats(values[LAYER_D_HIDDEN]);
    layer->d_cell = floats(values[LAYER_D_CELL]);
    layer->zoneout = zoneout_of(values);
    layer->tokens = recurrent_tokens(layer);
    return true;
}

static bool unpack_window(JNIEnv *env, jint variant, jlongArray described, jint time,
                          jintArray tokens, recurrent_layer *layer) {
    if (!unpack_layer(env, variant, described, layer)) return false;
    return !layer->one_hot ||
           copy_ints(env, tokens, 0, time * (jint)layer->batch, recurrent_tokens(layer));
}

NATIVE(void, pack)(JNIEnv *env, jclass self, jint variant, jlongArray described) {
    (void)self;
    recurrent_layer layer;
    if (unpack_layer(env, variant, described, &layer))
        kernel_numbered(variant)->recurrent_pack(&layer);
}

NATIVE(void, forward)
(JNIEnv *env, jclass self, jint variant, jlongArray described, jint time, jintArray tokens) {
    (void)self;
    recurrent_layer layer;
    if (unpack_window(env, variant, described, time, tokens, &layer)) {
        kernel_numbered(variant)->recurrent_forward(&layer, time);
    }
}

NATIVE(void, backward)
(JNIEnv *env, jclass self, jint variant, jlongArray described, jint time, jintArray tokens) {
    (void)self;
    recurrent_layer layer;
    if (unpack_window(env, variant, described, time, tokens, &layer)) {
        kernel_numbered(variant)->recurrent_backward(&layer, time);
    }
}

// ---- Output layer

NATIVE(jlong, softmaxFloats)
(JNIEnv *env, jclass self, jint variant, jint positions, jint hidden, jint vocabulary,
 jboolean backward) {
    (void)env, (void)self;
    return softmax_floats(kernel_numbered(variant)->precision, positions, hidden, vocabulary, backward);
}

// The order of NativeKernel.describe(SoftmaxHead).
enum {
    HEAD_POSITIONS,
    HEAD_HIDDEN_UNITS,
    HEAD_VOCABULARY,
    HEAD_WEIGHTS,
    HEAD_BIAS,
    HEAD_HIDDEN,
    HEAD_STATISTICS,
    HEAD_PACKED,
    HEAD_D_WEIGHTS,
    HEAD_D_BIAS,
    HEAD_D_HIDDEN,
    HEAD_VALUES
};

static bool unpack_head(JNIEnv *env, jint variant, jlongArray described, softmax_head *head) {
    jlong values[HEAD_VALUES];
    (*env)->GetLongArrayRegion(env, described, 0, HEAD_VALUES, values);
    if ((*env)->ExceptionCheck(env)) return false;
    head->positions = values[HEAD_POSITIONS];
    head->hidden = values[HEAD_HIDDEN_UNITS];
    head->vocabulary = values[HEAD_VOCABULARY];
    head->precision = kernel_numbered(variant)->precision;
    head->weights = floats(values[HEAD_WEIGHTS]);
    head->bias = floats(values[HEAD_BIAS]);
    head->states = floats(values[HEAD_HIDDEN]);
    head->statistics = floats(values[HEAD_STATISTICS]);
    head->scratch = floats(values[HEAD_PACKED]);
    head->d_weights = floats(values[HEAD_D_WEIGHTS]);
    head->d_bias = floats(values[HEAD_D_BIAS]);
    head->d_states = floats(values[HEAD_D_HIDDEN]);
    head->labels = softmax_labels(head);
    head->scale = 0;
    head->gradients = false;
    head->targets = NULL;
    return true;
}

NATIVE(void, softmaxLoss)
(JNIEnv *env, jclass self, jint variant, jlongArray described, jint positions, jintArray labels,
 jfloat scale, jboolean gradients) {
    (void)self;
    softmax_head head;
    if (!unpack_head(env, variant, described, &head)) return;
    if (!copy_ints(env, labels, 0, positions, softmax_labels(&head))) return;
    head.scale = scale;
    head.gradients = gradients;
    kernel_numbered(variant)->softmax_loss(&head, positions);
}

NATIVE(void, squaredLoss)
(JNIEnv *env, jclass self, jint variant, jlongArray described, jint positions, jlong targets,
 jint stride, jfloat scale, jboolean gradients) {
    (void)self;
    softmax_head head;
    if (!unpack_head(env, variant, described, &head)) return;
    head.scale = scale;
    head.gradients = gradients;
    head.targets = floats(targets);
    head.target_stride = stride;
    kernel_numbered(variant)->softmax_loss(&head, positions);
}

NATIVE(void, logits)
(JNIEnv *env, jclass self, jint variant, jlongArray described, jint positions, jlong logits,
 jint stride) {
    (void)self;
    softmax_head head;
    if (unpack_head(env, variant, described, &head)) {
        kernel_numbered(variant)->softmax_logits(&head, positions, floats(logits), stride);
    }
}

NATIVE(void, logitsBackward)
(JNIEnv *env, jclass self, jint variant, jlongArray described, jint positions, jlong d_logits,
 jint stride) {
    (void)self;
    softmax_head head;
    if (!unpack_head(env, variant, described, &head)) return;
    head.targets = floats(d_logits);
    head.target_stride = stride;
    kernel_numbered(variant)->softmax_backward(&head, positions);
}

// ---- Rows of a table

#define ROWS_AT_ONCE 1024  // 4 KiB of stack

NATIVE(void, gatherRows)
(JNIEnv *env, jclass self, jlong table, jint columns, jintArray rows, jint count, jlong out,
 jint stride) {
    (void)self;
    int32_t some[ROWS_AT_ONCE];
    for (jint first = 0; first < count; first += ROWS_AT_ONCE) {
        const jint part = count - first < ROWS_AT_ONCE ? count - first : ROWS_AT_ONCE;
        if (!copy_ints(env, rows, first, part, some)) return;
        gather_rows(floats(table), columns, some, part, floats(out) + (jlong)first * stride,
                    stride);
    }
}

NATIVE(void, scatterAddRows)
(JNIEnv *env, jclass self, jint variant, jlong from, jint stride, jintArray rows, jint count,
 jlong table, jint columns) {
    (void)self;
    int32_t some[ROWS_AT_ONCE];
    for (jint first = 0; first < count; first += ROWS_AT_ONCE) {
        const jint part = count - first < ROWS_AT_ONCE ? count - first : ROWS_AT_ONCE;
        if (!copy_ints(env, rows, first, part, some)) return;
        kernel_numbered(variant)->add_rows(floats(from) + (jlong)first * stride, stride, some, part,
                                           columns, floats(table));
    }
}

NATIVE(void, zeroRows)
(JNIEnv *env, jclass self, jlong table, jint columns, jintArray rows, jint count) {
    (void)self;
    int32_t some[ROWS_AT_ONCE];
    for (jint first = 0; first < count; first += ROWS_AT_ONCE) {
        const jint part = count - first < ROWS_AT_ONCE ? count - first : ROWS_AT_ONCE;
        if (!copy_ints(env, rows, first, part, some)) return;
        zero_rows(floats(table), columns, some, part);
    }
}

// ---- Rows of sequences

NATIVE(void, moveRows)
(JNIEnv *env, jclass self, jlong from, jint from_stride, jintArray rows, jint count, jint columns,
 jlong to, jint to_stride, jboolean add) {
    (void)self;
    int32_t some[ROWS_AT_ONCE];
    for (jint first = 0; first < count; first += ROWS_AT_ONCE) {
        const jint part = count - first < ROWS_AT_ONCE ? count - first : ROWS_AT_ONCE;
        if (!copy_ints(env, rows, first, part, some)) return;
        move_rows(floats(from), from_stride, some, part, columns,
                  floats(to) + (jlong)first * to_stride, to_stride, add);
    }
}

NATIVE(void, pool)
(JNIEnv *env, jclass self, jint batch, jint stride, jint columns, jboolean largest,
 jintArray lengths, jlong states, jlong pooled) {
    (void)self;
    const pooling of = {batch, stride, columns, largest};
    int32_t some[ROWS_AT_ONCE];
    for (jint first = 0; first < batch; first += ROWS_AT_ONCE) {
        const jint part = batch - first < ROWS_AT_ONCE ? batch - first : ROWS_AT_ONCE;
        if (!copy_ints(env, lengths, first, part, some)) return;
        const jlong at = (jlong)first * stride;
        pool_rows(of, some, part, floats(states) + at, floats(pooled) + at);
    }
}

NATIVE(void, poolGradient)
(JNIEnv *env, jclass self, jint batch, jint stride, jint columns, jboolean largest, jint time,
 jintArray lengths, jlong states, jlong pooled, jlong d_pooled, jlong d_states) {
    (void)self;
    const pooling of = {batch, stride, columns, largest};
    int32_t some[ROWS_AT_ONCE];
    for (jint first = 0; first < batch; first += ROWS_AT_ONCE) {
        const jint part = batch - first < ROWS_AT_ONCE ? batch - first : ROWS_AT_ONCE;
        if (!copy_ints(env, lengths, first, part, some)) return;
        const jlong at = (jlong)first * stride;
        pool_gradient(of, time, some, part, floats(states) + at, floats(pooled) + at,
                      floats(d_pooled) + at, floats(d_states) + at);
    }
}

// ---- Element by element

NATIVE(void, dropout)
(JNIEnv *env, jclass self, jint variant, jlong in, jint in_stride, jlong out, jint out_stride,
 jint rows, jint period, jint columns, jint threshold, jfloat factor, jlong seed, jint step,
 jint replica, jint purpose) {
    (void)env, (void)self;
    const padded_rows shape = {rows, period, columns, in_stride, out_stride};
    const keep keep = {(uint32_t)threshold, factor};
    const philox_key key = {(uint64_t)seed, (uint32_t)step, (uint32_t)replica, (uint32_t)purpose};
    kernel_numbered(variant)->dropout(floats(in), floats(out), shape, keep, key);
}

NATIVE(void, choose)
(JNIEnv *env, jclass self, jint variant, jlong out, jint time, jint batch, jint columns,
 jint threshold, jlong seed, jint step, jint replica, jint purpose) {
    (void)env, (void)self;
    const philox_key key = {(uint64_t)seed, (uint32_t)step, (uint32_t)replica, (uint32_t)purpose};
    kernel_numbered(variant)->choose(floats(out), time, batch, columns, (uint32_t)threshold, key);
}

NATIVE(void, addDifference)
(JNIEnv *env, jclass self, jint variant, jlong left, jlong right, jfloat factor, jlong out,
 jlong count) {
    (void)env, (void)self;
    kernel_numbered(variant)->add_difference(floats(left), floats(right), factor, floats(out),
                                             count);
}

NATIVE(void, scaleRows)
(JNIEnv *env, jclass self, jint variant, jlong matrix, jint stride, jfloatArray factors,
 jint rows) {
    (void)self;
    float some[ROWS_AT_ONCE];
    for (jint first = 0; first < rows; first += ROWS_AT_ONCE) {
        const jint part = rows - first < ROWS_AT_ONCE ? rows - first : ROWS_AT_ONCE;
        (*env)->GetFloatArrayRegion(env, factors, first, part, some);
        if ((*env)->ExceptionCheck(env)) return;
        kernel_numbered(variant)->scale_rows(floats(matrix) + (jlong)first * stride, stride, some,
                                             part);
    }
}

NATIVE(jdouble, sumOfSquares)(JNIEnv *env, jclass self, jint variant, jlong vector, jlong count) {
    (void)env, (void)self;
    return kernel_numbered(variant)->sum_of_squares(floats(vector), count);
}

NATIVE(void, update)
(JNIEnv *env, jclass self, jint variant, jint rule, jfloatArray coefficients, jlong parameters,
 jlong gradients, jlong first, jlong second, jlong count) {
    (void)self;
    float values[sizeof(update_coefficients) / sizeof(float)] = {0};
    (*env)->GetFloatArrayRegion(env, coefficients, 0, (*env)->GetArrayLength(env, coefficients),
                                values);
    if ((*env)->ExceptionCheck(env)) return;
    update_coefficients of;
    memcpy(&of, values, sizeof of);
    kernel_numbered(variant)->update(rule, &of, floats(parameters), floats(gradients),
                                     floats(first), floats(second), count);
}
