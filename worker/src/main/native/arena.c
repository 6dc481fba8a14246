#define _GNU_SOURCE
#include "arena.h"

#include <stdint.h>
#include <sys/mman.h>

// Huge pages need a mapping that starts on one. They matter: a panel or a tile of logits crosses
// far more 4 KiB pages than the first-level TLB holds.
#define HUGE_PAGE ((size_t)2 << 20)

static size_t whole_pages(size_t bytes) { return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE; }

void *arena_map(size_t bytes) {
    const size_t size = whole_pages(bytes);
    char *mapped =
        mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return NULL;
    const size_t lead = (HUGE_PAGE - (uintptr_t)mapped % HUGE_PAGE) % HUGE_PAGE;
    char *arena = mapped + lead;
    if (lead > 0) munmap(mapped, lead);
    if (HUGE_PAGE > lead) munmap(arena + size, HUGE_PAGE - lead);
    madvise(arena, size, MADV_HUGEPAGE);  // advice: where it is refused, small pages serve
    return arena;
}

void arena_unmap(void *arena, size_t bytes) { munmap(arena, whole_pages(bytes)); }
