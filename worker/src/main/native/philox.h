// Philox 4x32 with ten rounds (Salmon et al. 2011); see Philox.java.
#ifndef SPARKRNN_PHILOX_H
#define SPARKRNN_PHILOX_H

#include "kernel.h"

// Counters side by side: the compiler makes vectors of them.
#define PHILOX_COUNTERS 16
#define PHILOX_WORDS (4 * PHILOX_COUNTERS)

// The words of counters first, first + 1, …: words[4 * i + w] is word w of counter first + i.
static inline void philox_words(uint32_t first, philox_key key, uint32_t words[PHILOX_WORDS]) {
    uint32_t c0[PHILOX_COUNTERS], c1[PHILOX_COUNTERS], c2[PHILOX_COUNTERS], c3[PHILOX_COUNTERS];
    for (int i = 0; i < PHILOX_COUNTERS; i++) {
        c0[i] = first + (uint32_t)i;
        c1[i] = key.step;
        c2[i] = key.replica;
        c3[i] = key.purpose;
    }
    uint32_t key0 = (uint32_t)key.seed, key1 = (uint32_t)(key.seed >> 32);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < PHILOX_COUNTERS; i++) {
            const uint64_t product0 = (uint64_t)0xD2511F53 * c0[i];
            const uint64_t product1 = (uint64_t)0xCD9E8D57 * c2[i];
            c0[i] = (uint32_t)(product1 >> 32) ^ c1[i] ^ key0;
            c1[i] = (uint32_t)product1;
            c2[i] = (uint32_t)(product0 >> 32) ^ c3[i] ^ key1;
            c3[i] = (uint32_t)product0;
        }
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    for (int i = 0; i < PHILOX_COUNTERS; i++) {
        words[4 * i] = c0[i];
        words[4 * i + 1] = c1[i];
        words[4 * i + 2] = c2[i];
        words[4 * i + 3] = c3[i];
    }
}

#endif
