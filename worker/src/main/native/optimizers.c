// Updates of parameters, element by element: docs/numerics.md, section 8.
#include <stddef.h>

#include "variant.h"

// One vector of an update; the last one may be short.
typedef struct part {
    const update_coefficients *of;
    float *p;
    const float *g;
    float *first, *second;
    long live;
} part;

INLINE v16 transformed(const part *at, v16 p) {
    const gradient_transform transform = at->of->transform;
    v16 y = v_mul(v_load_first(at->g, at->live), v_set(transform.scale));
    if (transform.limit > 0) {
        // The second operand where either is NaN: NaN passes.
        y = v_max(v_set(-transform.limit), v_min(v_set(transform.limit), y));
    }
    if (transform.l2 != 0) y = v_fma(v_set(transform.l2), p, y);
    if (transform.l1 != 0) {
        const v16 l1 = v_set(transform.l1);
        const v16 not_above = v_select_less(p, v_zero(), v_negative(l1), v_zero());
        y = v_add(y, v_select_less(v_zero(), p, l1, not_above));
    }
    return y;
}

INLINE v16 sgd(const part *at, v16 p) {
    return v_fnma(v_set(at->of->sgd.rate), transformed(at, p), p);
}

// The first average is the parameter itself, without rounding.
INLINE v16 averaged_sgd(const part *at, v16 p) {
    const v16 next = v_fnma(v_set(at->of->averaged.rate), transformed(at, p),
                            v_mul(p, v_set(at->of->averaged.shrink)));
    const v16 mean = v_load_first(at->first, at->live);
    const v16 moved = v_fma(v_set(at->of->averaged.weight), v_sub(next, mean), mean);
    v_store_first(at->first, at->live, at->of->averaged.weight == 1 ? next : moved);
    return next;
}

INLINE v16 momentum(const part *at, v16 p) {
    const v16 velocity = v_fma(v_set(at->of->momentum.momentum), v_load_first(at->first, at->live),
                               transformed(at, p));
    v_store_first(at->first, at->live, velocity);
    return v_fnma(v_set(at->of->momentum.rate), velocity, p);
}

INLINE v16 mean_square(const part *at, float decay, float complement, float *mean, v16 y) {
    const v16 s =
        v_fma(v_set(decay), v_load_first(mean, at->live), v_mul(v_mul(v_set(complement), y), y));
    v_store_first(mean, at->live, s);
    return s;
}

INLINE v16 rmsprop(const part *at, v16 p) {
    const update_decaying c = at->of->decaying;
    const v16 y = transformed(at, p);
    const v16 s = mean_square(at, c.decay, c.complement, at->first, y);
    return v_sub(p, v_div(v_mul(v_set(c.rate), y), v_add(v_sqrt(s), v_set(c.epsilon))));
}

INLINE v16 adadelta(const part *at, v16 p) {
    const update_decaying c = at->of->decaying;
    const v16 y = transformed(at, p);
    const v16 s = mean_square(at, c.decay, c.complement, at->first, y);
    const v16 u = v_load_first(at->second, at->live);
    const v16 move =
        v_mul(v_div(v_sqrt(v_add(u, v_set(c.epsilon))), v_sqrt(v_add(s, v_set(c.epsilon)))), y);
    mean_square(at, c.decay, c.complement, at->second, move);
    return v_fnma(v_set(c.rate), move, p);
}

INLINE v16 adam(const part *at, v16 p) {
    const update_adam c = at->of->adam;
    const v16 y = transformed(at, p);
    const v16 m =
        v_fma(v_set(c.beta1), v_load_first(at->first, at->live), v_mul(v_set(c.complement1), y));
    v_store_first(at->first, at->live, m);
    const v16 s = mean_square(at, c.beta2, c.complement2, at->second, y);
    const v16 root = v_fma(v_sqrt(s), v_set(c.root_correction), v_set(c.epsilon));
    const v16 move = v_fma(v_set(c.gradient_rate), y, v_mul(v_set(c.rate), m));
    return v_sub(v_mul(p, v_set(c.shrink)), v_div(move, root));
}

INLINE part part_of(const update_coefficients *c, float *p, const float *g, float *first,
                    float *second, long i, long count) {
    const part at = {c,
                     p + i,
                     g + i,
                     first ? first + i : NULL,
                     second ? second + i : NULL,
                     min_long(LANES, count - i)};
    return at;
}

#define UPDATE(rule)                                                            \
    for (long i = 0; i < count; i += LANES) {                                   \
        const part at = part_of(c, p, g, first, second, i, count);              \
        v_store_first(p + i, at.live, rule(&at, v_load_first(p + i, at.live))); \
    }                                                                           \
    break;

void NAME(update)(int rule, const update_coefficients *c, float *p, const float *g, float *first,
                  float *second, long count) {
    switch (rule) {
        case RULE_SGD:
            UPDATE(sgd)
        case RULE_MOMENTUM:
            UPDATE(momentum)
        case RULE_RMSPROP:
            UPDATE(rmsprop)
        case RULE_ADADELTA:
            UPDATE(adadelta)
        case RULE_ADAM:
            UPDATE(adam)
        case RULE_AVERAGED_SGD:
            UPDATE(averaged_sgd)
    }
}
