// Whether this processor multiplies tiles of bfloat16, and this process may.
#ifndef SPARKRNN_AMX_H
#define SPARKRNN_AMX_H

#include <stdbool.h>

bool amx_bf16(void);

#endif
