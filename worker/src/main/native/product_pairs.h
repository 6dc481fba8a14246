// Register tiles for Intel's cores with AVX-512; included by product.c alone.
//
// There a loop over k reaches 90 % of the multiply-add peak with two steps a turn, 85 % with one
// and 86 % with four: it has to fit the 72 micro-operations that a core repeats without fetching them
// again, and what counts and moves pointers competes with the multiply-adds for their ports. So one
// register is index of all rows and counter at once, and each instruction stands where it runs:
// from intrinsics the compiler makes copies, and counters of its own.

#if defined(BF16)
#define MULTIPLY_ADD_NAME "vdpbf16ps"
#else
#define MULTIPLY_ADD_NAME "vfmadd231ps"
#endif
#define TERM(WEIGHTS, SUM) "\n\t" MULTIPLY_ADD_NAME " %[" WEIGHTS "], %[x], %[" SUM "]"

// sum[0..vectors] += w * what lies at row + index + displacement
INLINE void add_row(const int vectors, v16 *sum, const v16 *w, const char *row, const long index,
                    const int displacement) {
    v16 x;
#define BROADCAST "vbroadcastss %c[d](%[row],%[i]), %[x]"
#define INPUTS [row] "r"(row), [i] "r"(index), [d] "i"(displacement), [w0] "v"(w[0])
    if (vectors == 4) {
        __asm__(BROADCAST TERM("w0", "s0") TERM("w1", "s1") TERM("w2", "s2") TERM("w3", "s3")
                : [s0] "+v"(sum[0]), [s1] "+v"(sum[1]), [s2] "+v"(sum[2]), [s3] "+v"(sum[3]),
                  [x] "=&v"(x)
                : INPUTS, [w1] "v"(w[1]), [w2] "v"(w[2]), [w3] "v"(w[3])
                : "memory");
    } else if (vectors == 3) {
        __asm__(BROADCAST TERM("w0", "s0") TERM("w1", "s1") TERM("w2", "s2")
                : [s0] "+v"(sum[0]), [s1] "+v"(sum[1]), [s2] "+v"(sum[2]), [x] "=&v"(x)
                : INPUTS, [w1] "v"(w[1]), [w2] "v"(w[2])
                : "memory");
    } else if (vectors == 2) {
        __asm__(BROADCAST TERM("w0", "s0") TERM("w1", "s1")
                : [s0] "+v"(sum[0]), [s1] "+v"(sum[1]), [x] "=&v"(x)
                : INPUTS, [w1] "v"(w[1])
                : "memory");
    } else {
        __asm__(BROADCAST TERM("w0", "s0")
                : [s0] "+v"(sum[0]), [x] "=&v"(x)
                : INPUTS
                : "memory");
    }
#undef BROADCAST
#undef INPUTS
}

INLINE void add_step(const int rows, const int vectors, v16 sum[TILE_ROWS][TILE_VECTORS],
                     const char *const *row, const long index, const char *b) {
    v16 w[TILE_VECTORS];
    UNROLL for (int n = 0; n < vectors; n++) w[n] = v_load((const float *)b + 16 * n);
    UNROLL for (int m = 0; m < rows; m++) add_row(vectors, sum[m], w, row[m], index, 0);
}

// What lies at b + right_row + displacement, which stays an index of its own.
INLINE v16 next_weights(const char *b, const long right_row, const int displacement) {
    v16 w;
    __asm__("vmovups %c[d](%[b],%[r]), %[w]"
            : [w] "=v"(w)
            : [b] "r"(b), [r] "r"(right_row), [d] "i"(displacement)
            : "memory");
    return w;
}

// The step after that.
INLINE void add_next_step(const int rows, const int vectors, v16 sum[TILE_ROWS][TILE_VECTORS],
                          const char *const *row, const long index, const char *b,
                          const long right_row) {
    v16 w[TILE_VECTORS];
    w[0] = next_weights(b, right_row, 0);
    if (vectors > 1) w[1] = next_weights(b, right_row, 64);
    if (vectors > 2) w[2] = next_weights(b, right_row, 128);
    if (vectors > 3) w[3] = next_weights(b, right_row, 192);
    UNROLL for (int m = 0; m < rows; m++) {
        add_row(vectors, sum[m], w, row[m], index, sizeof(float));
    }
}

INLINE void move_rows(const int rows, const char **row, const long bytes) {
    UNROLL for (int m = 0; m < rows; m++) {
        row[m] += bytes;
        OPAQUE(row[m]);
    }
}

#define ADVANCE_TWO(B, RIGHT_ROW) __asm__("lea (%0,%1,2), %0" : "+r"(B) : "r"(RIGHT_ROW))

// `lines`: one or two of at->ask that are asked for per turn. Two cost 8 % of the speed: they are
// what no longer fits. What `at` holds is read where it is needed, so that the loops have all
// registers.
INLINE void pairs_body(const int rows, const int vectors, const int lines,
                       const volatile strides *at, const float *a, const float *b, const float *s,
                       float *c) {
    v16 sum[TILE_ROWS][TILE_VECTORS];
    if (at->last == 16) {
        load_sums(rows, vectors, sum, s, at->start_row, 16);
    } else {
        load_sums(rows, vectors, sum, s, at->start_row, at->last);
    }
    const char *row[TILE_ROWS], *right = (const char *)b, *ask = (const char *)at->ask;
    UNROLL for (int m = 0; m < rows; m++) {
        row[m] = (const char *)a;
        OPAQUE(row[m]);
        a += at->left_row;
    }
    const long right_row = at->right_row * (long)sizeof *b;
    for (long o = at->outer; o > 0; o--) {
        const long bytes = at->inner / 2 * 2 * (long)sizeof *a;
        move_rows(rows, row, bytes);
        if (lines > 0) ask += 8 * bytes;
        const char *ask_too = lines > 1 ? ask + 8 * bytes : ask;
        OPAQUE(ask_too);
        long i = -bytes;
        if (i != 0) {
            do {
                if (lines > 0) __asm__ volatile("prefetcht1 (%0,%1,8)" : : "r"(ask), "r"(i));
                if (lines > 1) __asm__ volatile("prefetcht1 (%0,%1,8)" : : "r"(ask_too), "r"(i));
                add_step(rows, vectors, sum, row, i, right);
                add_next_step(rows, vectors, sum, row, i, right, right_row);
                ADVANCE_TWO(right, right_row);
                i += 2 * (long)sizeof *a;
            } while (i != 0);
        }
        if (lines > 1) ask = ask_too;
        if (at->inner % 2 != 0) {
            add_step(rows, vectors, sum, row, 0, right);
            right += right_row;
        }
        move_rows(rows, row, (at->outer_stride - at->inner / 2 * 2) * (long)sizeof *a);
    }
    if (at->last == 16) {
        store_sums(rows, vectors, sum, c, at->result_row, 16);
    } else {
        store_sums(rows, vectors, sum, c, at->result_row, at->last);
    }
}

#define PAIRS_TILE(KIND, ROWS, VECTORS, LINES)                                               \
    static void KIND##_##ROWS##_##VECTORS(const strides *at, const float *a, const float *b, \
                                          const float *s, float *c) {                        \
        pairs_body(ROWS, VECTORS, LINES, at, a, b, s, c);                                    \
    }
#define PAIRS_TILES_OF(KIND, ROWS, LINES) \
    PAIRS_TILE(KIND, ROWS, 1, LINES)      \
    PAIRS_TILE(KIND, ROWS, 2, LINES)      \
    PAIRS_TILE(KIND, ROWS, 3, LINES)      \
    PAIRS_TILE(KIND, ROWS, 4, LINES)
#define PAIRS_TILES(KIND, LINES)                                           \
    PAIRS_TILES_OF(KIND, 1, LINES)                                         \
    PAIRS_TILES_OF(KIND, 2, LINES)                                         \
    PAIRS_TILES_OF(KIND, 3, LINES)                                         \
    PAIRS_TILES_OF(KIND, 4, LINES)                                         \
    PAIRS_TILES_OF(KIND, 5, LINES)                                         \
    PAIRS_TILES_OF(KIND, 6, LINES)                                         \
    static tile_function *const KIND##_tiles[PAIRS_ROWS][TILE_VECTORS] = { \
        TILE_NAMES(KIND, 1), TILE_NAMES(KIND, 2), TILE_NAMES(KIND, 3),     \
        TILE_NAMES(KIND, 4), TILE_NAMES(KIND, 5), TILE_NAMES(KIND, 6)};

PAIRS_TILES(plain, 0)
PAIRS_TILES(asking, 1)
PAIRS_TILES(asking_twice, 2)

// The next tile's sums are asked for before a tile; what comes later while tiles run, until it is
// through.
static tile_function *pairs_tile_of(strides *at, long rows, long vectors) {
    ask_for_sums(rows, vectors, at->next_sums, at->result_row);
    stream *ahead = at->ahead;
    if (ahead == NULL || ahead->next >= ahead->end) return plain_tiles[rows - 1][vectors - 1];
    const long lines = min_long(ahead->lines, 2);
    at->ask = ahead->next;
    ahead->next += LINE * lines * ceil_div(at->inner, 2) * at->outer;
    if (lines > 1) return asking_twice_tiles[rows - 1][vectors - 1];
    return asking_tiles[rows - 1][vectors - 1];
}
