// Buffers between pages that may not be touched.
#ifndef SPARKRNN_GUARDED_H
#define SPARKRNN_GUARDED_H

#include <stddef.h>

// Where a buffer touches a forbidden page. A processor sees only accesses beyond a page, so every
// test runs with both.
typedef enum guard { GUARD_AFTER, GUARD_BEFORE } guard;

// `count` floats with a forbidden page right after the last one or right before the first one. At
// most ALL_BUFFERS are alive at once; release_all() frees them.
float *guarded(size_t count, guard where);
void release_all(void);

#endif
