// Updates of parameters, element by element: docs/numerics.md, section 8.
#include "variant.h"

INLINE v16 scaled(const float *g, long live, scaling scaling) {
    const v16 y = v_mul(v_load_first(g, live), v_set(scaling.scale));
    if (!(scaling.limit > 0)) return y;
    // The second operand where either is NaN: NaN passes.
    return v_max(v_set(-scaling.limit), v_min(v_set(scaling.limit), y));
}

void NAME(sgd)(float *p, const float *g, long count, float rate, scaling scaling) {
    for (long i = 0; i < count; i += LANES) {
        const long live = min_long(LANES, count - i);
        v_store_first(p + i, live,
                      v_fnma(v_set(rate), scaled(g + i, live, scaling), v_load_first(p + i, live)));
    }
}

void NAME(momentum)(float *p, const float *g, float *velocity, long count, float rate,
                    float momentum, scaling scaling) {
    for (long i = 0; i < count; i += LANES) {
        const long live = min_long(LANES, count - i);
        const v16 v =
            v_fma(v_set(momentum), v_load_first(velocity + i, live), scaled(g + i, live, scaling));
        v_store_first(velocity + i, live, v);
        v_store_first(p + i, live, v_fnma(v_set(rate), v, v_load_first(p + i, live)));
    }
}

void NAME(rmsprop)(float *p, const float *g, float *mean_square, long count, float rate,
                   float decay, float complement, float epsilon, scaling scaling) {
    for (long i = 0; i < count; i += LANES) {
        const long live = min_long(LANES, count - i);
        const v16 y = scaled(g + i, live, scaling);
        const v16 s = v_fma(v_set(decay), v_load_first(mean_square + i, live),
                            v_mul(v_mul(v_set(complement), y), y));
        const v16 move = v_div(v_mul(v_set(rate), y), v_add(v_sqrt(s), v_set(epsilon)));
        v_store_first(mean_square + i, live, s);
        v_store_first(p + i, live, v_sub(v_load_first(p + i, live), move));
    }
}

void NAME(adam)(float *p, const float *g, float *mean, float *mean_square, long count,
                adam_step step, scaling scaling) {
    for (long i = 0; i < count; i += LANES) {
        const long live = min_long(LANES, count - i);
        const v16 y = scaled(g + i, live, scaling);
        const v16 m = v_fma(v_set(step.beta1), v_load_first(mean + i, live),
                            v_mul(v_set(step.complement1), y));
        const v16 s = v_fma(v_set(step.beta2), v_load_first(mean_square + i, live),
                            v_mul(v_mul(v_set(step.complement2), y), y));
        const v16 root = v_fma(v_sqrt(s), v_set(step.root_correction), v_set(step.epsilon));
        v_store_first(mean + i, live, m);
        v_store_first(mean_square + i, live, s);
        v_store_first(p + i, live,
                      v_sub(v_load_first(p + i, live), v_div(v_mul(v_set(step.rate), m), root)));
    }
}
