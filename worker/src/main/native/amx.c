// See amx.h.
#include "amx.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>

#define SYS_ARCH_PRCTL 158
#define ARCH_REQ_XCOMP_PERM 0x1023L
#define XFEATURE_TILE_DATA 18L

static uint32_t enabled_states(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

// Linux saves tiles for a process, all its threads, that has asked for it; no other file of the
// library calls the system beside libc.
static bool permitted(void) {
    long result = SYS_ARCH_PRCTL;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(ARCH_REQ_XCOMP_PERM), "S"(XFEATURE_TILE_DATA)
                     : "rcx", "r11", "memory");
    return result == 0;
}

bool amx_bf16(void) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const uint32_t instructions = 1u << 22 | 1u << 24;  // AMX-BF16, AMX-TILE
    const uint32_t states = 3u << 17;                   // their configuration and data
    return (d & instructions) == instructions && (enabled_states() & states) == states &&
           permitted();
}
#else
bool amx_bf16(void) { return false; }
#endif
