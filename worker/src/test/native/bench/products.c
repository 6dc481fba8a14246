// The products of a training window, each measured where the window calls it, and what the phases
// around them take.
//
//   products auto|avx512|avx2|portable float32|bf16|bf16-amx CELL LAYERS EMBEDDING HIDDEN
//   VOCABULARY BATCH TIME SECONDS
//
// CELL is a name of cells.h. The linker puts a clock around the kernel's two product functions
// (--wrap), so that operands come from where the window left them: another cache, or main memory.
// FLOPs are those of the model's units, without padding. Prints a line of JSON per product and one
// for all phases; times are medians over windows.
#define _GNU_SOURCE
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "product.h"
#include "samples.h"
#include "variant.h"
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

static inline double ticks(void) {
#if defined(__x86_64__)
    return (double)__rdtsc();
#else
    return 1e9 * wall_seconds();
#endif
}

// ---- What is measured

enum {
    INPUT,
    RECURRENT,
    D_HIDDEN,
    D_INPUT,
    D_WEIGHT_IH,
    D_WEIGHT_HH,
    LOGITS,
    D_OUTPUT_WEIGHT,
    D_STATES,
    PRODUCTS
};
static const char *const product_names[PRODUCTS] = {"input",  "recurrent", "recurrent backward",
                                                    "dx",     "dW_ih",     "dW_hh",
                                                    "logits", "output dW", "output dh"};

enum { PACK, FORWARD, SOFTMAX, BACKWARD, NORM, UPDATE, PHASES };
static const char *const phase_names[PHASES] = {"pack",     "forward", "softmax",
                                                "backward", "norm",    "update"};

#define MOST_WINDOWS 4096
#define KINDS (2 * PRODUCTS)  // the first layer's input may have another size

static struct {
    int phase;
    const recurrent_layer *layer;  // in FORWARD and BACKWARD
    bool first_layer;
    const softmax_head *head;
    long window;
    double products[KINDS][MOST_WINDOWS];
    double phases[PHASES][MOST_WINDOWS];
} now;

static bool within(const float *at, const float *begin, long floats) {
    return begin != NULL && at >= begin && at < begin + floats;
}

// Which product writes there.
static int product_of(const float *c, const left *a) {
    if (now.phase == SOFTMAX) {
        const softmax_head *head = now.head;
        if (within(c, head->d_weights, head->vocabulary * head->hidden)) return D_OUTPUT_WEIGHT;
        const long states = head->positions * round_up(head->hidden, LANES);
        return within(c, head->d_states, states) ? D_STATES : LOGITS;
    }
    const recurrent_layer *layer = now.layer;
    const long positions = layer->time * layer->batch, gates = cell_shape_of(layer->cell)->gates;
    const long input_row = round_up(layer->input, LANES);
    if (now.phase == FORWARD) {
        const recurrent_layout at = recurrent_layout_for(layer);
        const float *x = layer->precision != PRECISION_FLOAT32 ? layer->packed + at.x_operand : layer->x;
        const long floats = layer->precision != PRECISION_FLOAT32 ? at.hidden_operand - at.x_operand : positions * input_row;
        return within(a->data, x, floats) ? INPUT : RECURRENT;
    }
    const recurrent_parameters *d = &layer->gradients;
    if (within(c, layer->dx, positions * input_row)) return D_INPUT;
    if (within(c, d->weight_ih, gates * layer->hidden * layer->input)) return D_WEIGHT_IH;
    if (within(c, d->weight_hh, gates * layer->hidden * layer->hidden)) return D_WEIGHT_HH;
    return D_HIDDEN;
}

static void add(double begin, const float *c, const left *a) {
    const int kind = product_of(c, a) + (now.first_layer ? PRODUCTS : 0);
    now.products[kind][now.window] += ticks() - begin;
}

// ---- The kernel's product functions, with a clock around them

#define WRAP(VARIANT_)                                                                          \
    void __real_multiply_panel_##VARIANT_(long, long, const left *, const float *, long, start, \
                                          float *, long, stream *);                             \
    void __wrap_multiply_panel_##VARIANT_(long rows, long width, const left *a, const float *b, \
                                          long b_stride, start s, float *c, long c_stride,      \
                                          stream *ahead) {                                      \
        const double begin = ticks();                                                           \
        __real_multiply_panel_##VARIANT_(rows, width, a, b, b_stride, s, c, c_stride, ahead);   \
        add(begin, c, a);                                                                       \
    }                                                                                           \
    void __real_multiply_##VARIANT_(long, const left *, right, start, float *, long, long);     \
    void __wrap_multiply_##VARIANT_(long rows, const left *a, right b, start s, float *c,       \
                                    long c_stride, long c_step) {                               \
        const double begin = ticks();                                                           \
        __real_multiply_##VARIANT_(rows, a, b, s, c, c_stride, c_step);                         \
        add(begin, c, a);                                                                       \
    }
#if defined(__x86_64__)
WRAP(avx512)
WRAP(avx512_bf16)
WRAP(avx512_bf16_emulated)
WRAP(avx2)
WRAP(avx2_bf16_emulated)
WRAP(avx512_bf16_amx)
WRAP(avx512_bf16_amx_emulated)
WRAP(avx2_bf16_amx_emulated)
#endif
WRAP(portable)
WRAP(portable_bf16_emulated)
WRAP(portable_bf16_amx_emulated)

// ---- The model

typedef struct model {
    int cell;
    long layers, embedding, hidden, vocabulary, batch, time;
} model;

#define MOST_LAYERS 8
static recurrent_layer layers[MOST_LAYERS];
static softmax_head head;
static float *parameters, *gradients;
static long parameter_count;

static float *next_free, *arena_end;

// Address space for more than any model needs; pages come when they are touched.
static bool reserve(size_t bytes) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (mapped == MAP_FAILED) return false;
    const size_t page = (size_t)2 << 20;
    mapped += (page - (uintptr_t)mapped % page) % page;
    madvise(mapped, bytes - page, MADV_HUGEPAGE);  // as the library's arena
    next_free = (float *)mapped;
    arena_end = next_free + (bytes - page) / sizeof(float);
    return true;
}

static float *take(long floats) {
    float *at = next_free;
    next_free += round_up(floats, LANES);
    return next_free <= arena_end ? at : NULL;
}

static recurrent_parameters blocks(float **next, const model *m, long input) {
    const long rows = cell_shape_of(m->cell)->gates * m->hidden;
    recurrent_parameters p;
    p.weight_ih = *next;
    p.weight_hh = p.weight_ih + rows * input;
    p.bias_ih = p.weight_hh + rows * m->hidden;
    p.bias_hh = p.bias_ih + rows;
    p.weight_ph = p.bias_hh + rows;
    p.weight_hr = NULL;
    *next = p.weight_ph + cell_shape_of(m->cell)->peepholes * m->hidden;
    return p;
}

// Everything but the embedding, whose rows are copies and no products.
static bool build(const model *m, int precision) {
    const long positions = m->time * m->batch, units = round_up(m->hidden, LANES);
    const cell_shape *cell = cell_shape_of(m->cell);
    parameter_count = m->vocabulary * (m->hidden + 1);
    for (long i = 0; i < m->layers; i++) {
        parameter_count +=
            cell->gates * m->hidden * ((i == 0 ? m->embedding : m->hidden) + m->hidden + 2) +
            cell->peepholes * m->hidden;
    }
    if (!reserve((size_t)64 << 30)) return false;
    float *next = parameters = take(parameter_count);
    float *next_gradient = gradients = take(parameter_count);
    for (long i = 0; i < parameter_count; i++)
        parameters[i] = (float)(i * 7919 % 2001 - 1000) * 5e-5f;
    float *x = take(positions * round_up(m->embedding, LANES));
    float *dx = take(positions * round_up(m->embedding, LANES));
    for (long p = 0; p < positions; p++) {
        for (long c = 0; c < m->embedding; c++) {
            x[p * round_up(m->embedding, LANES) + c] =
                (float)((p * 31 + c * 17) % 201 - 100) * 1e-2f;
        }
    }
    for (long i = 0; i < m->layers; i++) {
        const long input = i == 0 ? m->embedding : m->hidden;
        const recurrent_layer layer = {
            .cell = m->cell,
            .time = m->time,
            .batch = m->batch,
            .input = input,
            .hidden = m->hidden,
            .output = m->hidden,
            .precision = precision,
            .parameters = blocks(&next, m, input),
            .gradients = blocks(&next_gradient, m, input),
            .x = x,
            .hidden_states = take((positions + m->batch) * units),
            .cell_states = cell->has_cell_state ? take((positions + m->batch) * units) : NULL,
            .gates = take(positions * cell->slots * units),
            .packed = take(recurrent_floats(precision, m->cell, m->time, m->batch, input, m->hidden,
                                            m->hidden, false, false, true)),
            .d_hidden_sequence = take(positions * units),
            .dx = dx,
            .d_hidden = take(m->batch * units),
            .d_cell = cell->has_cell_state ? take(m->batch * units) : NULL,
        };
        layers[i] = layer;
        x = layer.hidden_states + m->batch * units;
        dx = (float *)layer.d_hidden_sequence;
    }
    const softmax_head output = {
        .positions = positions,
        .hidden = m->hidden,
        .vocabulary = m->vocabulary,
        .precision = precision,
        .weights = next,
        .bias = next + m->vocabulary * m->hidden,
        .states = x,
        .statistics = take(positions * 3),
        .scratch = take(softmax_floats(precision, positions, m->hidden, m->vocabulary, true)),
        .scale = 1.0f / (float)positions,
        .gradients = true,
        .d_weights = next_gradient,
        .d_bias = next_gradient + m->vocabulary * m->hidden,
        .d_states = dx,
    };
    head = output;
    head.labels = softmax_labels(&head);
    for (long p = 0; p < positions; p++)
        softmax_labels(&head)[p] = (int32_t)(p * 31 % m->vocabulary);
    return next_free <= arena_end;
}

// ---- A window

static double enter(int phase, double since) {
    const double at = ticks();
    if (now.phase < PHASES) now.phases[now.phase][now.window] += at - since;
    now.phase = phase;
    return at;
}

static void window(const kernel *k, const model *m) {
    const long state = m->batch * round_up(m->hidden, LANES);
    now.phase = PHASES;
    double since = enter(PACK, 0);
    for (long i = 0; i < m->layers; i++) k->recurrent_pack(&layers[i]);
    since = enter(FORWARD, since);
    for (long i = 0; i < m->layers; i++) {
        now.layer = &layers[i], now.first_layer = i == 0 && m->embedding != m->hidden;
        k->recurrent_forward(&layers[i], m->time);
    }
    since = enter(SOFTMAX, since);
    now.head = &head, now.first_layer = false;
    k->softmax_loss(&head, head.positions);
    since = enter(BACKWARD, since);
    for (long i = m->layers - 1; i >= 0; i--) {
        now.layer = &layers[i], now.first_layer = i == 0 && m->embedding != m->hidden;
        memset(layers[i].d_hidden, 0, (size_t)state * sizeof(float));
        if (layers[i].d_cell != NULL) memset(layers[i].d_cell, 0, (size_t)state * sizeof(float));
        k->recurrent_backward(&layers[i], m->time);
    }
    since = enter(NORM, since);
    const bool clipped = k->sum_of_squares(gradients, parameter_count) > 0.0625;
    since = enter(UPDATE, since);
    const update_coefficients sgd = {.transform = {.scale = clipped ? 0.5f : 1.0f}, .sgd = {0.1f}};
    k->update(RULE_SGD, &sgd, parameters, gradients, NULL, NULL, parameter_count);
    enter(PHASES, since);
}

// ---- The report

static double quantile(const double *of, long count, double share) {
    static double sorted[MOST_WINDOWS];
    memcpy(sorted, of, (size_t)count * sizeof(double));
    qsort(sorted, (size_t)count, sizeof(double), samples_compare);
    return sorted[(long)(share * (double)(count - 1))];
}

static void print_product(const model *m, int kind, long windows, double tick) {
    const int product = kind % PRODUCTS;
    const bool first = kind >= PRODUCTS;
    const double median = quantile(now.products[kind], windows, 0.5);
    if (median == 0) return;
    const long positions = m->time * m->batch;
    const long gates = cell_shape_of(m->cell)->gates * m->hidden;
    const long input = first ? m->embedding : m->hidden;
    const long like_the_others = m->embedding == m->hidden ? m->layers : m->layers - 1;
    const long count = product >= LOGITS || first ? 1 : like_the_others;
    const long shapes[PRODUCTS][3] = {
        [INPUT] = {positions, gates, input},
        [RECURRENT] = {m->batch, gates, m->hidden},
        [D_HIDDEN] = {m->batch, m->hidden, gates},
        [D_INPUT] = {positions, input, gates},
        [D_WEIGHT_IH] = {gates, input, positions},
        [D_WEIGHT_HH] = {gates, m->hidden, positions},
        [LOGITS] = {m->vocabulary, positions, m->hidden},
        [D_OUTPUT_WEIGHT] = {m->vocabulary, m->hidden, positions},
        [D_STATES] = {m->hidden, positions, m->vocabulary},
    };
    const long *shape = shapes[product];
    const long times = product == RECURRENT || product == D_HIDDEN ? m->time : 1;
    const double flops = 2.0 * (double)(shape[0] * shape[1] * shape[2] * times * count);
    printf(
        "{\"product\": \"%s\", \"count\": %ld, \"shape\": \"%ld x %ld x %ld\", "
        "\"seconds\": %.6f, \"gflops\": %.1f, \"low\": %.1f, \"high\": %.1f}\n",
        product_names[product], count * times, shape[0], shape[1], shape[2], median * tick,
        flops / (median * tick) / 1e9,
        flops / (quantile(now.products[kind], windows, 0.9) * tick) / 1e9,
        flops / (quantile(now.products[kind], windows, 0.1) * tick) / 1e9);
}

int main(int count, char **arguments) {
    if (count != 11) return 2;
    static const char *const names[] = {"auto", "avx512", "avx2", "portable"};
    int isa = 0;
    while (isa < 3 && strcmp(arguments[1], names[isa]) != 0) isa++;
    const int arithmetic = strcmp(arguments[2], "bf16") == 0       ? ARITHMETIC_BF16
                           : strcmp(arguments[2], "bf16-amx") == 0 ? ARITHMETIC_BF16_AMX
                                                                   : ARITHMETIC_FLOAT32;
    const int number = kernel_number(isa, arithmetic);
    if (number == 0) return 3;
    const kernel *k = kernel_numbered(number);
    int cell = 0;
    while (cell < CELL_KINDS && strcmp(arguments[3], cell_shape_of(cell)->name) != 0) cell++;
    if (cell == CELL_KINDS) return 2;
    const model m = {cell,
                     atol(arguments[4]),
                     atol(arguments[5]),
                     atol(arguments[6]),
                     atol(arguments[7]),
                     atol(arguments[8]),
                     atol(arguments[9])};
    if (m.layers > MOST_LAYERS || !build(&m, k->precision)) {
        fprintf(stderr, "Cannot measure a model of %ld layers: no memory\n", m.layers);
        return 1;
    }
    window(k, &m);  // touches all memory
    memset(now.products, 0, sizeof now.products);
    memset(now.phases, 0, sizeof now.phases);
    const double wall = wall_seconds(), processor = processor_seconds(), tick = ticks();
    const double seconds = atof(arguments[10]);
    while (now.window < 3 || (now.window < MOST_WINDOWS && wall_seconds() - wall < seconds)) {
        window(k, &m);
        now.window++;
    }
    const double wall_spent = wall_seconds() - wall;
    const double seconds_per_tick = wall_spent / (ticks() - tick);
    const long windows = now.window;
    for (int kind = 0; kind < KINDS; kind++) print_product(&m, kind, windows, seconds_per_tick);
    printf("{\"windows\": %ld", windows);
    for (int i = 0; i < PHASES; i++) {
        printf(", \"%s\": %.6f", phase_names[i],
               quantile(now.phases[i], windows, 0.5) * seconds_per_tick);
    }
    printf(", \"wall\": %.4f, \"processor\": %.4f}\n", wall_spent, processor_seconds() - processor);
    return 0;
}
