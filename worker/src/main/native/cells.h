// The table of cells. A row and a file cell_NAME.c are all that a cell needs here; CellKind.java has
// the same rows in the same order.
//
// A gate is a block of `hidden` rows of the weights, in PyTorch's order. A slot is one
// pre-activation per hidden unit, a part of the buffer `gates`. The slots that see the input are
// adjacent, so are those that see the hidden state.
#ifndef SPARKRNN_CELLS_H
#define SPARKRNN_CELLS_H

#include <stdbool.h>

#define MAX_SLOTS 4

typedef struct cell_shape {
    const char *name;
    int gates;
    int slots;
    int gate_of[MAX_SLOTS];  // which gate's rows of the weights a slot uses
    int input_first, input_slots;
    int hidden_first, hidden_slots;
    int gated_first, gated_slots;  // these see the gated hidden state, which the cell makes, instead
    int peepholes;  // diagonal weights, of which each has one element per hidden unit
    bool has_cell_state;
    bool has_direct_path;  // the hidden state reaches the next one past the recurrent product too
} cell_shape;

// lstm: i, f, g, o. gru: n, r, z, nRecurrent. lstm_coupled: i, g, o.
// gru_reset_before: r, z, n.
#define CELLS(CELL)                                                                     \
    CELL(lstm, .gates = 4, .slots = 4, .gate_of = {0, 1, 2, 3}, .input_slots = 4,       \
         .hidden_slots = 4, .has_cell_state = true)                                     \
    CELL(gru, .gates = 3, .slots = 4, .gate_of = {2, 0, 1, 2}, .input_slots = 3,        \
         .hidden_first = 1, .hidden_slots = 3, .has_direct_path = true)                 \
    CELL(rnn_tanh, .gates = 1, .slots = 1, .input_slots = 1, .hidden_slots = 1)         \
    CELL(rnn_relu, .gates = 1, .slots = 1, .input_slots = 1, .hidden_slots = 1)         \
    CELL(lstm_coupled, .gates = 3, .slots = 3, .gate_of = {0, 1, 2}, .input_slots = 3,  \
         .hidden_slots = 3, .has_cell_state = true)                                     \
    CELL(lstm_peephole, .gates = 4, .slots = 4, .gate_of = {0, 1, 2, 3},                \
         .input_slots = 4, .hidden_slots = 4, .peepholes = 3, .has_cell_state = true)   \
    CELL(lstm_peephole_previous, .gates = 4, .slots = 4, .gate_of = {0, 1, 2, 3},       \
         .input_slots = 4, .hidden_slots = 4, .peepholes = 3, .has_cell_state = true)   \
    CELL(gru_reset_before, .gates = 3, .slots = 3, .gate_of = {0, 1, 2},                \
         .input_slots = 3, .hidden_slots = 2, .gated_first = 2, .gated_slots = 1,       \
         .has_direct_path = true)

static inline bool sees_input(const cell_shape *shape, int slot) {
    return slot >= shape->input_first && slot < shape->input_first + shape->input_slots;
}

// The hidden state before the step, gated or not.
static inline bool is_recurrent(const cell_shape *shape, int slot) {
    return (slot >= shape->hidden_first && slot < shape->hidden_first + shape->hidden_slots) ||
           (slot >= shape->gated_first && slot < shape->gated_first + shape->gated_slots);
}

// Slots of the same number are normalised together (Ba et al. 2016): all, but a GRU's candidate, the
// last gate, apart from its gates.
static inline int norm_of(const cell_shape *shape, int slot) {
    return shape->has_direct_path && shape->gate_of[slot] == shape->gates - 1;
}

#define CELL_NUMBER(name, ...) CELL_##name,
enum { CELLS(CELL_NUMBER) CELL_KINDS };
#undef CELL_NUMBER

const cell_shape *cell_shape_of(int cell);

#endif
