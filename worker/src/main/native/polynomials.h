// exp, sigmoid and tanh: docs/numerics.md, PolynomialMath.java. The same operations in the same
// order.
#ifndef SPARKRNN_POLYNOMIALS_H
#define SPARKRNN_POLYNOMIALS_H

#include "simd.h"

LARGE v16 v_exp(v16 argument) {
    // The second operand where either is NaN: NaN passes both.
    const v16 x = v_max(v_set(-104.0f), v_min(v_set(89.0f), argument));
    const v16 rounder = v_set(0x1.8p23f);
    const v16 rounded = v_fma(x, v_set(0x1.715476p0f), rounder);
    const v16 n = v_sub(rounded, rounder);
    const v16 r = v_fnma(n, v_set(0x1.7f7d1cp-20f), v_fnma(n, v_set(0x1.62e4p-1f), x));
    v16 p = v_set(0x1.6ac74ep-10f);
    p = v_fma(p, r, v_set(0x1.123dep-7f));
    p = v_fma(p, r, v_set(0x1.555858p-5f));
    p = v_fma(p, r, v_set(0x1.55548cp-3f));
    p = v_fma(p, r, v_set(0x1.fffffcp-2f));
    p = v_fma(p, r, v_set(1.0f));
    p = v_fma(p, r, v_set(1.0f));
    return v_scale(p, n, rounded);
}

LARGE v16 v_sigmoid(v16 x) {
    const v16 one = v_set(1.0f);
    return v_div(one, v_add(one, v_exp(v_negative(x))));
}

LARGE v16 v_tanh(v16 x) {
    const v16 one = v_set(1.0f);
    const v16 a = v_abs(x);
    const v16 square = v_mul(a, a);
    v16 p = v_set(-0x1.750ce4p-8f);
    p = v_fma(p, square, v_set(0x1.51f8cep-6f));
    p = v_fma(p, square, v_set(-0x1.b835a4p-5f));
    p = v_fma(p, square, v_set(0x1.1106f6p-3f));
    p = v_fma(p, square, v_set(-0x1.555532p-2f));
    const v16 small = v_fma(v_mul(a, square), p, a);
    const v16 large = v_sub(one, v_div(v_set(2.0f), v_add(v_exp(v_add(a, a)), one)));
    return v_copysign(v_select_less(a, v_set(0.625f), small, large), x);
}

#endif
