#define _GNU_SOURCE
#include "guarded.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define ALL_BUFFERS 256

static struct {
    void *mapping;
    size_t size;
} buffers[ALL_BUFFERS];
static int used;

float *guarded(size_t count, guard where) {
    const size_t bytes = count * sizeof(float);
    const size_t body = (bytes + PAGE - 1) / PAGE * PAGE;
    char *mapping = mmap(NULL, body + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED || used == ALL_BUFFERS ||
        (body > 0 && mprotect(mapping + PAGE, body, PROT_READ | PROT_WRITE) != 0)) {
        fprintf(stderr, "cannot map a guarded buffer of %zu bytes\n", bytes);
        exit(2);
    }
    buffers[used].mapping = mapping;
    buffers[used++].size = body + 2 * PAGE;
    return (float *)(where == GUARD_AFTER ? mapping + PAGE + body - bytes : mapping + PAGE);
}

void release_all(void) {
    while (used > 0) {
        used--;
        munmap(buffers[used].mapping, buffers[used].size);
    }
}
