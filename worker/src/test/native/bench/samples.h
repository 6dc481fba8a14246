// Samples of a rate over some seconds, their median and spread, and both clocks.
#ifndef SPARKRNN_BENCH_SAMPLES_H
#define SPARKRNN_BENCH_SAMPLES_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MOST_SAMPLES 100000

typedef struct samples {
    double seconds, wall, processor;  // how long to go on; both clocks at the start
    double *rates;
    long count;
} samples;

static inline double clock_seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline double wall_seconds(void) { return clock_seconds(CLOCK_MONOTONIC); }
static inline double processor_seconds(void) { return clock_seconds(CLOCK_THREAD_CPUTIME_ID); }

static inline samples samples_begin(double seconds) {
    const samples all = {seconds, wall_seconds(), processor_seconds(),
                         calloc(MOST_SAMPLES, sizeof(double)), 0};
    return all;
}

static inline int samples_go_on(const samples *all) {
    return all->count < 3 ||
           (all->count < MOST_SAMPLES && wall_seconds() - all->wall < all->seconds);
}

static inline void samples_add(samples *all, double rate) { all->rates[all->count++] = rate; }

static inline int samples_compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// One line of JSON. Low and high are the tenth and the ninetieth of a hundred samples.
static inline void samples_print(samples *all, const char *more) {
    const double wall = wall_seconds() - all->wall,
                 processor = processor_seconds() - all->processor;
    qsort(all->rates, (size_t)all->count, sizeof(double), samples_compare);
    printf(
        "{\"gflops\": %.2f, \"low\": %.2f, \"high\": %.2f, \"wall\": %.4f, \"processor\": "
        "%.4f%s}\n",
        all->rates[all->count / 2], all->rates[all->count / 10],
        all->rates[all->count - 1 - all->count / 10], wall, processor, more);
}

#endif
