// Products in the order of AMX (docs/numerics.md, section 10): chunks of 32 terms, in each a chain
// of the even and one of the odd terms. See product.h; the left operand's k is adjacent and, as the
// panel's, filled with zeros to whole chunks.
#include <stddef.h>

#include "lanes.h"
#include "product.h"

#define CHUNK (CHUNK_TERMS / 2)  // floats of k, each a pair of terms

#if defined(AMX_EMULATED)

void products_begin(void) {}
void products_end(void) {}

// Sixteen columns of a chunk of the panel, the pairs taken apart.
typedef struct chunk {
    v16 even[CHUNK], odd[CHUNK];
} chunk;

static void load_chunk(const float *b, chunk *to) {
    for (long k = 0; k < CHUNK; k++) v_halves(v_load(b + k * LANES), &to->even[k], &to->odd[k]);
}

static v16 add_chunk(const float *a, const chunk *b, v16 sum) {
    v16 x_even, x_odd;
    float even_terms[CHUNK], odd_terms[CHUNK];
    v_halves(v_load(a), &x_even, &x_odd);
    v_store(even_terms, x_even);
    v_store(odd_terms, x_odd);
    v16 even = v_zero(), odd = v_zero();
    for (long k = 0; k < CHUNK; k++) {
        even = v_fma_to_normal(v_set(even_terms[k]), b->even[k], even);
        odd = v_fma_to_normal(v_set(odd_terms[k]), b->odd[k], odd);
    }
    return v_normal(v_add(v_normal(sum), v_normal(v_add(even, odd))));
}

void multiply_panel(long rows, long width, const left *a, const float *b, long b_stride, start s,
                    float *c, long c_stride, stream *ahead) {
    if (ahead != NULL) ahead->next = ahead->end;
    for (long column = 0; column < width; column += LANES) {
        const long live = min_long(LANES, width - column);
        for (long k = 0; k < a->inner; k += CHUNK) {
            chunk right;
            load_chunk(b + panel_at(k, column, b_stride, a->inner), &right);
            for (long r = 0; r < rows; r++) {
                float *to = c + r * c_stride + column;
                const float *from = k == 0 ? s.data + r * s.stride + column : to;
                const v16 sum =
                    add_chunk(a->data + r * a->row_stride + k, &right, v_load_first(from, live));
                v_store_first(to, live, sum);
            }
        }
    }
}

#else

// A product of tiles: up to 2 x 2 of 16 x 16 sums stay in tile registers 0 to 3 over all k; 4 and 5
// hold 16 rows of 16 pairs of the left operand each, 6 and 7 16 rows of 16 pairs of the panel.
#define TILES 8

typedef struct tile_shapes {
    uint8_t palette, start, reserved[14];
    uint16_t column_bytes[16];
    uint8_t rows[16];
} tile_shapes;

// Sums of rows[0] and rows[1] rows, columns[0] and columns[1] columns.
static void shape_tiles(const long rows[2], const long columns[2]) {
    tile_shapes to = {.palette = 1};
    for (int i = 0; i < 4; i++) {
        to.rows[i] = (uint8_t)rows[i / 2];
        to.column_bytes[i] = (uint16_t)(columns[i % 2] * sizeof(float));
    }
    for (int i = 0; i < 2; i++) {
        to.rows[4 + i] = (uint8_t)rows[i];
        to.column_bytes[4 + i] = LANES * sizeof(float);
        to.rows[6 + i] = CHUNK;
        to.column_bytes[6 + i] = (uint16_t)(columns[i] * sizeof(float));
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(to));
}

static const long whole[2] = {LANES, LANES};

// All tiles are whole between products: only what is smaller than a tile changes that for a moment.
void products_begin(void) { shape_tiles(whole, whole); }
void products_end(void) { __asm__ volatile("tilerelease" : : : "memory"); }

#define LOAD(tile, from, stride)                                      \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile               \
                     :                                                \
                     : "r"(from), "r"((stride) * (long)sizeof(float)) \
                     : "memory")
#define STORE(tile, to, stride)                                     \
    __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)"         \
                     :                                              \
                     : "r"(to), "r"((stride) * (long)sizeof(float)) \
                     : "memory")
#define MULTIPLY_ADD(sum, left, right) \
    __asm__ volatile("tdpbf16ps %tmm" #right ", %tmm" #left ", %tmm" #sum)

#define TILE (CHUNK * LANES)  // floats of a tile of the panel

// The operands of all tiles of a panel.
typedef struct operands {
    long chunks;
    const float *a, *b, *s;
    float *c;
    long a_row, s_row, c_row;
    long chunk_step;  // floats of a chunk of one or two tiles of the panel
    const float *next_sums;
    stream *ahead;
} operands;

INLINE void ask_for(stream *ahead) {
    for (long i = 0; i < ahead->lines; i++, ahead->next += LINE) {
        if (ahead->next >= ahead->end) {
            if (ahead->rows <= 0) return;
            ahead->rows--;
            ahead->next = ahead->end - ahead->row_floats + ahead->row_stride;
            ahead->end += ahead->row_stride;
        }
        __builtin_prefetch(ahead->next, 0, 2);
    }
}

// Asks for a row or two of the next tiles' sums, and for some of what comes after this product: all
// at once, the misses would stop the tiles' own loads.
INLINE const float *ask_ahead(const operands *at, const float *sums) {
    for (long r = 0; r < 2 * LANES; r += at->chunks, sums += at->c_row) {
        __builtin_prefetch(sums, 1);
        __builtin_prefetch(sums + LINE, 1);
        __builtin_prefetch(sums + 2 * LANES - 1, 1);
    }
    for (stream *ahead = at->ahead; ahead != NULL; ahead = ahead->then) ask_for(ahead);
    return sums;
}

// Rows from row[0] and row[1] on, columns from column[0] and column[1] on. The tiles of two rows
// may overlap: what both compute is the same, and all is loaded before anything is stored.
INLINE void multiply_tiles(const int rows, const int columns, const operands *at, const long row[2],
                           const long column[2]) {
    const float *a0 = at->a + row[0] * at->a_row, *a1 = at->a + row[1] * at->a_row;
    const float *b = at->b, *sums = at->next_sums;
    const float *s0 = at->s + row[0] * at->s_row, *s1 = at->s + row[1] * at->s_row;
    float *c0 = at->c + row[0] * at->c_row, *c1 = at->c + row[1] * at->c_row;
    LOAD(0, s0 + column[0], at->s_row);
    if (columns > 1) LOAD(1, s0 + column[1], at->s_row);
    if (rows > 1) LOAD(2, s1 + column[0], at->s_row);
    if (rows > 1 && columns > 1) LOAD(3, s1 + column[1], at->s_row);
    for (long k = 0; k < at->chunks; k++) {
        LOAD(6, b, LANES);
        LOAD(4, a0, at->a_row);
        MULTIPLY_ADD(0, 4, 6);
        if (columns > 1) {
            LOAD(7, b + TILE, LANES);
            MULTIPLY_ADD(1, 4, 7);
        }
        if (rows > 1) {
            LOAD(5, a1, at->a_row);
            MULTIPLY_ADD(2, 5, 6);
            if (columns > 1) MULTIPLY_ADD(3, 5, 7);
        }
        sums = ask_ahead(at, sums);
        a0 += CHUNK;
        a1 += CHUNK;
        b += at->chunk_step;
    }
    STORE(0, c0 + column[0], at->c_row);
    if (columns > 1) STORE(1, c0 + column[1], at->c_row);
    if (rows > 1) STORE(2, c1 + column[0], at->c_row);
    if (rows > 1 && columns > 1) STORE(3, c1 + column[1], at->c_row);
}

static void multiply_1_1(const operands *at, const long row[2], const long column[2]) {
    multiply_tiles(1, 1, at, row, column);
}
static void multiply_1_2(const operands *at, const long row[2], const long column[2]) {
    multiply_tiles(1, 2, at, row, column);
}
static void multiply_2_1(const operands *at, const long row[2], const long column[2]) {
    multiply_tiles(2, 1, at, row, column);
}
static void multiply_2_2(const operands *at, const long row[2], const long column[2]) {
    multiply_tiles(2, 2, at, row, column);
}

static void (*const multiply_some[2][2])(const operands *, const long[2], const long[2]) = {
    {multiply_1_1, multiply_1_2}, {multiply_2_1, multiply_2_2}};

// `columns` columns, one or two tiles, of all rows.
static void multiply_columns(operands *at, long rows, const long column[2], long columns) {
    const int wide = columns > LANES;
    const long widths[2] = {min_long(LANES, columns), wide ? columns - LANES : LANES};
    const bool low = rows < LANES, narrow = columns % LANES != 0;
    const long heights[2] = {min_long(LANES, rows), LANES};
    if (low || narrow) shape_tiles(heights, widths);
    // From 17 rows on, the first two tiles overlap so far that all are whole.
    const long tiles = ceil_div(rows, LANES);
    long row[2] = {0, rows - LANES * (tiles - 1)};
    for (long i = 0; i < tiles; i += 2) {
        const long next = row[i + 1 < tiles] + LANES;
        at->next_sums =
            next < rows ? at->c + next * at->c_row + column[0] : at->c + column[1] + LANES;
        multiply_some[i + 1 < tiles][wide](at, row, column);
        row[0] = row[1] + LANES;
        row[1] = row[0] + LANES;
    }
    if (low || narrow) shape_tiles(whole, whole);
}

void multiply_panel(long rows, long width, const left *a, const float *b, long b_stride, start s,
                    float *c, long c_stride, stream *ahead) {
    operands at = {.chunks = a->inner / CHUNK,
                   .a = a->data,
                   .s = s.data,
                   .c = c,
                   .a_row = a->row_stride,
                   .s_row = s.stride,
                   .c_row = c_stride,
                   .ahead = ahead};
    for (long first = 0; first < width; first += 2 * LANES) {
        const long column[2] = {first, first + LANES};
        at.b = b + panel_at(0, first, b_stride, a->inner);
        at.chunk_step = b_stride - first > LANES ? 2 * TILE : TILE;
        multiply_columns(&at, rows, column, min_long(2 * LANES, width - first));
    }
}

#endif

// Bytes of the left operand that stay in L2, of 2 MiB, while all panels pass.
#define LEFT_BYTES (512 * 1024)

// Beside each product, the next panel's operand and a part of the next rows' come from L3.
void multiply(long rows, const left *a, right b, start s, float *c, long c_stride, long c_step) {
    const long k = a->inner, panel_floats = k * b.width;
    const long block = MOST_ROWS * (LEFT_BYTES / (k * (long)sizeof(float) * MOST_ROWS) + 1);
    const long panels = ceil_div(b.columns, b.width);
    for (long row = 0; row < rows; row += block) {
        const long here = min_long(block, rows - row), later = min_long(block, rows - row - here);
        left part = *a;
        part.data += row * a->row_stride;
        const float *next_rows = part.data + here * a->row_stride;
        for (long panel = 0; panel < panels; panel++) {
            const start from = {s.data + row * s.stride + panel * s.step, s.stride, 0};
            const float *weights = b.panels + panel * panel_floats;
            const long first = later * panel / panels, next = later * (panel + 1) / panels;
            stream rows_ahead =
                rows_during(ceil_div(here, MOST_ROWS), k, next_rows + first * a->row_stride,
                            next - first, a->row_stride, k);
            stream ahead = stream_during(ceil_div(here, MOST_ROWS), k, weights + panel_floats,
                                         panel + 1 < panels ? panel_floats : 0);
            ahead.then = &rows_ahead;
            multiply_panel(here, min_long(b.width, b.columns - panel * b.width), &part, weights,
                           b.width, from, c + row * c_stride + panel * c_step, c_stride, &ahead);
        }
    }
}
