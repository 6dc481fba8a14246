// The multiply-add peak of one core: independent sums in registers, no memory.
//
//   peak float32|bf16|bf16-amx SECONDS
//
// Prints a line of JSON (samples.h); ends with status 3 where this processor has no such
// instruction.
#include <string.h>

#include "amx.h"
#include "samples.h"

// As many chains as registers allow: 12 cover two units of 6 cycles' latency just so, 24 with room
// to spare. The instructions are written out, so that none is computed away and every sum stays
// where it is.
#define TWELVE(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define TWENTY_FOUR(DO) \
    TWELVE(DO) DO(12) DO(13) DO(14) DO(15) DO(16) DO(17) DO(18) DO(19) DO(20) DO(21) DO(22) DO(23)
#define ROUNDS 200000L
#define DECLARE(I) vector sum##I = {0};
#define PEAK(NAME, TARGET, BYTES, SUMS, MULTIPLY_ADD)             \
    TARGET static void NAME(void) {                               \
        typedef float vector __attribute__((vector_size(BYTES))); \
        const vector factor = {0};                                \
        SUMS(DECLARE)                                             \
        for (long round = 0; round < ROUNDS; round++) {           \
            SUMS(MULTIPLY_ADD)                                    \
        }                                                         \
    }

typedef struct peak {
    void (*loop)(void);  // NULL: not on this processor
    double flops;        // of one round
} peak;

#if defined(__x86_64__)
#define FMA(I) __asm__ volatile("vfmadd231ps %1, %1, %0" : "+v"(sum##I) : "v"(factor));
#define DOT_BF16(I) __asm__ volatile("vdpbf16ps %1, %1, %0" : "+v"(sum##I) : "v"(factor));

PEAK(fma_512, __attribute__((target("avx512f"))), 64, TWENTY_FOUR, FMA)
PEAK(fma_256, __attribute__((target("avx2,fma"))), 32, TWELVE, FMA)
PEAK(dot_bf16, __attribute__((target("avx512f,avx512bf16"))), 64, TWENTY_FOUR, DOT_BF16)

// Four tiles of sums, each with its own operands: 16 x 16 sums of 32 terms an instruction.
static void dot_amx(void) {
    struct {
        unsigned char palette, start, reserved[14];
        unsigned short column_bytes[16];
        unsigned char rows[16];
    } shapes = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shapes.column_bytes[i] = 64;
        shapes.rows[i] = 16;
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(shapes));
    for (long round = 0; round < ROUNDS; round++) {
        __asm__ volatile(
            "tdpbf16ps %tmm6, %tmm4, %tmm0\n\t"
            "tdpbf16ps %tmm7, %tmm4, %tmm1\n\t"
            "tdpbf16ps %tmm6, %tmm5, %tmm2\n\t"
            "tdpbf16ps %tmm7, %tmm5, %tmm3");
    }
    __asm__ volatile("tilerelease");
}

static peak peak_of(const char *precision) {
    __builtin_cpu_init();
    const peak none = {NULL, 0}, bf16 = {dot_bf16, 24 * 64}, widest = {fma_512, 24 * 32},
               half = {fma_256, 12 * 16}, tiles = {dot_amx, 4 * 16 * 16 * 64};
    if (strcmp(precision, "bf16-amx") == 0) return amx_bf16() ? tiles : none;
    if (strcmp(precision, "bf16") == 0) return __builtin_cpu_supports("avx512bf16") ? bf16 : none;
    if (__builtin_cpu_supports("avx512f")) return widest;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? half : none;
}
#else
#define FMA(I) __asm__ volatile("fmla %0.4s, %1.4s, %1.4s" : "+w"(sum##I) : "w"(factor));

PEAK(fma_128, , 16, TWENTY_FOUR, FMA)

static peak peak_of(const char *precision) {
    const peak none = {NULL, 0}, only = {fma_128, 24 * 8};
    return strcmp(precision, "float32") == 0 ? only : none;
}
#endif

int main(int count, char **arguments) {
    if (count != 3) return 2;
    const peak of = peak_of(arguments[1]);
    if (of.loop == NULL) return 3;
    samples all = samples_begin(atof(arguments[2]));
    while (samples_go_on(&all)) {
        const double begin = wall_seconds();
        of.loop();
        samples_add(&all, of.flops * ROUNDS / (wall_seconds() - begin) / 1e9);
    }
    samples_print(&all, "");
    return 0;
}
