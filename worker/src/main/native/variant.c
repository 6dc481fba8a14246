// The table of one variant's functions.
#include "variant.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

extern const kernel NAME(kernel);

const kernel NAME(kernel) = {
    .name = TEXT(VARIANT),
    .precision = PRECISION,
    .recurrent_pack = NAME(recurrent_pack),
    .recurrent_forward = NAME(recurrent_forward),
    .recurrent_backward = NAME(recurrent_backward),
    .softmax_loss = NAME(softmax_loss),
    .softmax_logits = NAME(softmax_logits),
    .softmax_backward = NAME(softmax_backward),
    .add_rows = NAME(add_rows),
    .dropout = NAME(dropout),
    .choose = NAME(choose),
    .add_difference = NAME(add_difference),
    .scale_rows = NAME(scale_rows),
    .sum_of_squares = NAME(sum_of_squares),
    .update = NAME(update),
};
