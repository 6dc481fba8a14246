#!/usr/bin/env python3
"""Golden values of cells with layer normalisation (Ba, Kiros and Hinton 2016), which PyTorch has as a function only: each step in a
few lines of torch.nn.functional.layer_norm, differentiated by PyTorch.

window-CELL-normalised.safetensors: two layers of 5 units behind an embedding of 6, gains and shifts at random; otherwise as
window-CELL-LAYERS-INPUT of torch_golden.py.

Usage: /usr/bin/python3 worker/src/test/python/torch_layer_norm.py
"""

import torch
import torch.nn.functional as functional

import torch_golden as golden

VOCABULARY, EMBEDDING, HIDDEN, TIME, BATCH = 11, 6, 5, 4, 3


def normal(a):
    return functional.layer_norm(a, a.shape[-1:], eps=1e-5)


def joint(w, x, h, rows=slice(None)):
    """Gates that are normalised together: of the input and of the hidden state, with the biases as shift."""
    of_x = w["gain_ih"][rows] * normal(x @ w["weight_ih"][rows].t())
    of_h = w["gain_hh"][rows] * normal(h @ w["weight_hh"][rows].t())
    return of_x + of_h + w["bias_ih"][rows] + w["bias_hh"][rows]


def output(w, c):
    return torch.tanh(w["gain_c"] * normal(c) + w["bias_c"])


def lstm(w, x, h, c):
    i, f, g, o = joint(w, x, h).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * output(w, c), c


def lstm_coupled(w, x, h, c):
    i, g, o = joint(w, x, h).chunk(3, 1)
    c = (1 - torch.sigmoid(i)) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * output(w, c), c


def lstm_peephole(w, x, h, c, previous=False):
    i, f, g, o = joint(w, x, h).chunk(4, 1)
    p_i, p_f, p_o = w["weight_ph"].chunk(3)
    before = c
    c = torch.sigmoid(f + p_f * c) * c + torch.sigmoid(i + p_i * c) * torch.tanh(g)
    return torch.sigmoid(o + p_o * (before if previous else c)) * output(w, c), c


def lstm_peephole_previous(w, x, h, c):
    return lstm_peephole(w, x, h, c, previous=True)


def gru(w, x, h):
    gates, n = slice(0, 2 * HIDDEN), slice(2 * HIDDEN, None)
    r, z = torch.sigmoid(joint(w, x, h, gates)).chunk(2, 1)
    x_n = w["gain_ih"][n] * normal(x @ w["weight_ih"][n].t()) + w["bias_ih"][n]
    h_n = w["gain_hh"][n] * normal(h @ w["weight_hh"][n].t()) + w["bias_hh"][n]
    return ((1 - z) * torch.tanh(x_n + r * h_n) + z * h,)


def gru_reset_before(w, x, h):
    r, z = torch.sigmoid(joint(w, x, h, slice(0, 2 * HIDDEN))).chunk(2, 1)
    n = torch.tanh(joint(w, x, r * h, slice(2 * HIDDEN, None)))
    return ((1 - z) * h + z * n,)


def rnn_tanh(w, x, h):
    return (torch.tanh(joint(w, x, h)),)


def rnn_relu(w, x, h):
    return (torch.relu(joint(w, x, h)),)


# Gates, peepholes, states.
CELLS = [
    (lstm, 4, 0, 2), (gru, 3, 0, 1), (rnn_tanh, 1, 0, 1), (rnn_relu, 1, 0, 1), (lstm_coupled, 3, 0, 2),
    (lstm_peephole, 4, 3, 2), (lstm_peephole_previous, 4, 3, 2), (gru_reset_before, 3, 0, 1)]


def draw(shape, middle=0.0):
    return (middle + torch.empty(shape).uniform_(-0.5, 0.5)).requires_grad_()


def layer_of(columns, gates, peepholes, states):
    rows = gates * HIDDEN
    w = {"weight_ih": draw((rows, columns)), "weight_hh": draw((rows, HIDDEN)), "bias_ih": draw((rows,)),
         "bias_hh": draw((rows,)), "gain_ih": draw((rows,), 1.0), "gain_hh": draw((rows,), 1.0)}
    if peepholes:
        w["weight_ph"] = draw((peepholes * HIDDEN,))
    if states == 2:
        w.update(gain_c=draw((HIDDEN,), 1.0), bias_c=draw((HIDDEN,)))
    return w


def window(step, gates, peepholes, states):
    torch.manual_seed(12)
    layers = [layer_of(columns, gates, peepholes, states) for columns in (EMBEDDING, HIDDEN)]
    table, weight, bias = draw((VOCABULARY, EMBEDDING)), draw((VOCABULARY, HIDDEN)), draw((VOCABULARY,))
    initial = torch.randn(2, states, BATCH, HIDDEN) * 0.5
    tokens, labels = torch.randint(VOCABULARY, (2, TIME, BATCH))
    x, final = table[tokens], []
    for w, state in zip(layers, initial):
        now, outputs = list(state), []
        for x_t in x:
            now = step(w, x_t, *now)
            outputs.append(now[0])
        x = torch.stack(outputs)
        final.append(torch.stack(list(now)))
    losses = golden.losses_of(x @ weight.t() + bias, labels)
    losses.mean().backward()
    parameters = {"embedding.weight": table, "output.weight": weight, "output.bias": bias}
    for index, w in enumerate(layers):
        parameters.update(("rnn.%s_l%d" % (name, index), value) for name, value in w.items())
    tensors = dict(tokens=tokens, labels=labels, initial=initial, final=torch.stack(final), output=x, losses=losses)
    for name, parameter in parameters.items():
        tensors["parameter." + name] = parameter
        tensors["gradient." + name] = parameter.grad
    golden.write_safetensors("window-%s-normalised" % step.__name__.replace("_", "-"), tensors)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for each in CELLS:
        window(*each)
