// Which variant runs on this processor.
#include <stddef.h>

#include "kernel.h"

#if defined(__x86_64__)
extern const kernel kernel_avx512, kernel_avx2;
#endif
extern const kernel kernel_portable;

const kernel *kernel_for(int isa) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx512 = __builtin_cpu_supports("avx512f");
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == ISA_AVX512 || (isa == ISA_AUTO && avx512)) return avx512 ? &kernel_avx512 : NULL;
    if (isa == ISA_AVX2 || (isa == ISA_AUTO && avx2)) return avx2 ? &kernel_avx2 : NULL;
#endif
    return isa == ISA_AUTO || isa == ISA_PORTABLE ? &kernel_portable : NULL;
}
