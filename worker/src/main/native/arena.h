// Memory of one task: its own mapping, so that it is zero, aligned, and gone when it is unmapped.
#ifndef SPARKRNN_ARENA_H
#define SPARKRNN_ARENA_H

#include <stddef.h>

// NULL if the system has no memory left.
void *arena_map(size_t bytes);
void arena_unmap(void *arena, size_t bytes);

#endif
