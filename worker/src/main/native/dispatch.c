// Which variant runs on this processor.
#include <stddef.h>

#include "amx.h"
#include "kernel.h"

extern const kernel kernel_portable, kernel_portable_bf16_emulated;
extern const kernel kernel_portable_bf16_amx_emulated;
#if defined(__x86_64__)
extern const kernel kernel_avx512, kernel_avx512_bf16, kernel_avx512_bf16_emulated;
extern const kernel kernel_avx512_bf16_amx, kernel_avx512_bf16_amx_emulated;
extern const kernel kernel_avx2, kernel_avx2_bf16_emulated, kernel_avx2_bf16_amx_emulated;
#endif

// From the fastest to the slowest; a variant's number is its place, from 1.
static const struct {
    int isa, arithmetic;
    const kernel *kernel;
} variants[KERNELS] = {
#if defined(__x86_64__)
    {ISA_AVX512, ARITHMETIC_FLOAT32, &kernel_avx512},
    {ISA_AVX2, ARITHMETIC_FLOAT32, &kernel_avx2},
    {ISA_AVX512, ARITHMETIC_BF16, &kernel_avx512_bf16},
    {ISA_AVX512, ARITHMETIC_BF16_EMULATED, &kernel_avx512_bf16_emulated},
    {ISA_AVX2, ARITHMETIC_BF16_EMULATED, &kernel_avx2_bf16_emulated},
    {ISA_AVX512, ARITHMETIC_BF16_AMX, &kernel_avx512_bf16_amx},
    {ISA_AVX512, ARITHMETIC_BF16_AMX_EMULATED, &kernel_avx512_bf16_amx_emulated},
    {ISA_AVX2, ARITHMETIC_BF16_AMX_EMULATED, &kernel_avx2_bf16_amx_emulated},
#endif
    {ISA_PORTABLE, ARITHMETIC_FLOAT32, &kernel_portable},
    {ISA_PORTABLE, ARITHMETIC_BF16_EMULATED, &kernel_portable_bf16_emulated},
    {ISA_PORTABLE, ARITHMETIC_BF16_AMX_EMULATED, &kernel_portable_bf16_amx_emulated},
};

static bool runs(int isa, int arithmetic) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("bmi2");
    if (arithmetic == ARITHMETIC_BF16 || arithmetic == ARITHMETIC_BF16_AMX) {
        return avx512 && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512bf16") &&
               (arithmetic == ARITHMETIC_BF16 || amx_bf16());
    }
    if (isa == ISA_AVX512) return avx512;
    if (isa == ISA_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    (void)arithmetic;
    return isa == ISA_PORTABLE;
}

int kernel_number(int isa, int arithmetic) {
    for (int i = 0; i < KERNELS && variants[i].kernel != NULL; i++) {
        if (variants[i].arithmetic == arithmetic && (isa == ISA_AUTO || isa == variants[i].isa) &&
            runs(variants[i].isa, arithmetic)) {
            return i + 1;
        }
    }
    return 0;
}

const kernel *kernel_numbered(int number) { return variants[number - 1].kernel; }
