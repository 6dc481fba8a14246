#!/usr/bin/env python3
"""Golden values computed by PyTorch; Debian's python3-torch (1.13) made the files in golden/.

window-CELL-LAYERS-INPUT.safetensors: one window of a small model. `parameter.NAME` (rnn.weight_ih_l0 ...) and `gradient.NAME`,
the gradient under the token mean, `tokens` and `labels` [time, batch], `initial` and `final` state
[layers, states, batch, hidden], `output` [time, batch, hidden], `losses` [time, batch] in nats.

window-CELL-tied and window-CELL-residual: likewise, a module for each layer (rnn.0 … in PyTorch, blocks named as in one
module). Tied: layers of 5 and 6 units, the embedding of 6 is the output's weights, and the activation penalties AR and TAR
are 2 and 1, as AWD-LSTM computes them, in the gradients. Residual: three layers of 5.

window-CELL-adaptive: PyTorch's AdaptiveLogSoftmaxWithLoss with a bias in its head on 9 units, cut at 3 and 6, divided by 3;
`log_probabilities` [positions, vocabulary] too.

window-lstm-projected: two layers of nn.LSTM with 5 units and proj_size = 3; `initial` and `final` are flat, of each layer the
hidden state and then the cell state.

trajectory-CELL.safetensors: 100 steps of truncated BPTT with carried state on one sequence of tokens, from the same
initial parameters for each optimizer. `losses.OPTIMIZER` [100]: mean nats per token before each update. `average.NAME`: asgd's
average of the parameters at the end.

sequences-CELL-DIRECTIONS-TASK.safetensors: a batch of sequences of lengths 5, 1, 3 through PyTorch's packed sequences, two
layers. `parameter.NAME`, `gradient.NAME` of the mean loss over the predictions, `tokens` or `values`, `classes` or `targets` of
the sequences one after the other, `loss` (sum over the predictions), `outputs` [predictions, outputs].
sequences-lstm-projected-…: likewise with 4 units and proj_size = 3.

Usage: /usr/bin/python3 worker/src/test/python/torch_golden.py [CELL ...]
"""

import functools
import json
import os
import struct
import sys

import numpy
import torch
import torch.nn.functional as functional

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
STREAMS, WINDOW, STEPS = 4, 8, 100


def write_safetensors(name, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for key in sorted(tensors):
        array = numpy.ascontiguousarray(tensors[key].detach().numpy().astype("<f4"))
        begin, data = len(data), data + array.tobytes()
        header[key] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(DIRECTORY, name + ".safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


class Stack(torch.nn.Module):
    """Layers of a cell that PyTorch does not have: one step in a few lines, differentiated by PyTorch; its names and initialisation."""

    def __init__(self, step, gates, peepholes, states, inputs, hidden, layers):
        super().__init__()
        self.step, self.states, self.hidden, self.layers = step, states, hidden, layers
        for layer in range(layers):
            shapes = {
                "weight_ih": (gates * hidden, hidden if layer else inputs),
                "weight_hh": (gates * hidden, hidden),
                "bias_ih": (gates * hidden,),
                "bias_hh": (gates * hidden,),
                "weight_ph": (peepholes * hidden,),
            }
            for name, shape in shapes.items():
                if 0 not in shape:
                    values = torch.empty(shape).uniform_(-(hidden**-0.5), hidden**-0.5)
                    self.register_parameter("%s_l%d" % (name, layer), torch.nn.Parameter(values))

    def forward(self, x, state):
        if state is None:
            state = tuple(torch.zeros(self.states, self.layers, x.shape[1], self.hidden))
        state, last = (state,) if torch.is_tensor(state) else state, []
        for layer in range(self.layers):
            w = {name[:-3]: value for name, value in self.named_parameters() if name.endswith("_l%d" % layer)}
            now, outputs = [part[layer] for part in state], []
            for x_t in x:
                now = self.step(w, functional.linear(x_t, w["weight_ih"], w["bias_ih"]), *now)
                outputs.append(now[0])
            x = torch.stack(outputs)
            last.append(now)
        final = tuple(torch.stack(parts) for parts in zip(*last))
        return x, final if self.states > 1 else final[0]


def recurrent(w, h):
    return functional.linear(h, w["weight_hh"], w["bias_hh"])


def lstm_coupled(w, x, h, c):
    i, g, o = (x + recurrent(w, h)).chunk(3, 1)
    i = torch.sigmoid(i)
    c = (1 - i) * c + i * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def lstm_peephole(w, x, h, c, output_sees_previous=False):
    i, f, g, o = (x + recurrent(w, h)).chunk(4, 1)
    p_i, p_f, p_o = w["weight_ph"].chunk(3)
    before = c
    c = torch.sigmoid(f + p_f * before) * before + torch.sigmoid(i + p_i * before) * torch.tanh(g)
    return torch.sigmoid(o + p_o * (before if output_sees_previous else c)) * torch.tanh(c), c


def gru_reset_before(w, x, h):
    rows = 2 * h.shape[1]
    weights, biases = w["weight_hh"], w["bias_hh"]
    r, z = torch.sigmoid(x[:, :rows] + functional.linear(h, weights[:rows], biases[:rows])).chunk(2, 1)
    n = torch.tanh(x[:, rows:] + functional.linear(r * h, weights[rows:], biases[rows:]))
    return ((1 - z) * h + z * n,)


CELLS = {
    "lstm": torch.nn.LSTM,
    "gru": torch.nn.GRU,
    "rnn-tanh": functools.partial(torch.nn.RNN, nonlinearity="tanh"),
    "rnn-relu": functools.partial(torch.nn.RNN, nonlinearity="relu"),
    "lstm-coupled": functools.partial(Stack, lstm_coupled, 3, 0, 2),
    "lstm-peephole": functools.partial(Stack, lstm_peephole, 4, 3, 2),
    "lstm-peephole-previous": functools.partial(
        Stack, functools.partial(lstm_peephole, output_sees_previous=True), 4, 3, 2),
    "gru-reset-before": functools.partial(Stack, gru_reset_before, 3, 0, 1),
}


class LanguageModel(torch.nn.Module):
    """Embedding or one-hot input, stacked recurrent layers, softmax; spark-rnn's block names."""

    def __init__(self, cell, layers, vocabulary, embedding, hidden):
        super().__init__()
        self.vocabulary = vocabulary
        if embedding:
            self.embedding = torch.nn.Embedding(vocabulary, embedding)
        self.rnn = CELLS[cell](embedding or vocabulary, hidden, layers)
        self.output = torch.nn.Linear(hidden, vocabulary)

    def forward(self, tokens, state):
        one_hot = not hasattr(self, "embedding")
        x = functional.one_hot(tokens, self.vocabulary).float() if one_hot else self.embedding(tokens)
        output, state = self.rnn(x, state)
        return self.output(output), output, state


def losses_of(logits, labels):
    flat = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return flat.view(labels.shape)


def stacked(state):
    """[layers, states, batch, hidden] of PyTorch's state."""
    return torch.stack(state, 1) if isinstance(state, tuple) else state.unsqueeze(1)


def window(cell, layers, embedding):
    torch.manual_seed(7)
    vocabulary, hidden, time, batch = 11, 5, 4, 3
    model = LanguageModel(cell, layers, vocabulary, embedding, hidden)
    initial = torch.randn(2, layers, batch, hidden) * 0.5
    state = (initial[0], initial[1]) if cell.startswith("lstm") else initial[0]
    tokens, labels = torch.randint(vocabulary, (2, time, batch))
    logits, output, final = model(tokens, state)
    losses = losses_of(logits, labels)
    losses.mean().backward()
    tensors = dict(tokens=tokens, labels=labels, initial=stacked(state), final=stacked(final), output=output, losses=losses)
    for name, parameter in model.named_parameters():
        tensors["parameter." + name] = parameter
        tensors["gradient." + name] = parameter.grad
    write_safetensors("window-%s-%d-%s" % (cell, layers, "embedding" if embedding else "one-hot"), tensors)


class SpecialModel(torch.nn.Module):
    """A module for each layer, tied or residual."""

    def __init__(self, cell, sizes, vocabulary, embedding, tied):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, embedding)
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
        self.layers = torch.nn.ModuleList(kind(i, h) for i, h in zip([embedding] + sizes, sizes))
        self.output = torch.nn.Linear(sizes[-1], vocabulary)
        self.tied = tied
        if tied:
            self.output.weight = self.embedding.weight

    def forward(self, tokens, states):
        x, finals = self.embedding(tokens), []
        for index, layer in enumerate(self.layers):
            h, final = layer(x, states[index])
            x = h if self.tied or index == 0 else h + x
            finals.append(final)
        return self.output(x), x, finals

    def blocks(self):
        for name, parameter in self.named_parameters():
            parts = name.split(".")
            yield "rnn." + parts[2][:-1] + parts[1] if parts[0] == "layers" else name, parameter


def special_window(cell, kind):
    torch.manual_seed(9)
    vocabulary, time, batch = 11, 4, 3
    sizes, tied = ([5, 6], True) if kind == "tied" else ([5, 5, 5], False)
    model = SpecialModel(cell, sizes, vocabulary, 6, tied)
    parts = [torch.randn(2 if cell == "lstm" else 1, 1, batch, size) * 0.5 for size in sizes]
    states = [(part[0], part[1]) if cell == "lstm" else part[0] for part in parts]
    tokens, labels = torch.randint(vocabulary, (2, time, batch))
    logits, output, finals = model(tokens, states)
    losses = losses_of(logits, labels)
    # salesforce/awd-lstm-lm's AR and TAR; nothing is dropped here.
    penalties = 2 * output.pow(2).mean() + 1 * (output[1:] - output[:-1]).pow(2).mean() if tied else 0
    (losses.mean() + penalties).backward()
    flat = [torch.cat([s.flatten() for s in (state if cell == "lstm" else [state])]) for state in finals]
    tensors = dict(tokens=tokens, labels=labels, output=output, losses=losses)
    tensors.update(initial=torch.cat([part.flatten() for part in parts]), final=torch.cat(flat))
    for name, parameter in model.blocks():
        tensors["parameter." + name] = parameter
        tensors["gradient." + name] = parameter.grad
    write_safetensors("window-%s-%s" % (cell, kind), tensors)


def projected_window():
    torch.manual_seed(11)
    vocabulary, hidden, columns, layers, time, batch = 11, 5, 3, 2, 4, 3
    model = LanguageModel("lstm", layers, vocabulary, 6, hidden)
    model.rnn = torch.nn.LSTM(6, hidden, layers, proj_size=columns)
    model.output = torch.nn.Linear(columns, vocabulary)
    state = torch.randn(layers, batch, columns) * 0.5, torch.randn(layers, batch, hidden) * 0.5
    tokens, labels = torch.randint(vocabulary, (2, time, batch))
    logits, output, final = model(tokens, state)
    losses = losses_of(logits, labels)
    losses.mean().backward()
    tensors = dict(tokens=tokens, labels=labels, output=output, losses=losses)
    for name, (h, c) in dict(initial=state, final=final).items():
        tensors[name] = torch.cat([part[layer].flatten() for layer in range(layers) for part in (h, c)])
    for name, parameter in model.named_parameters():
        tensors["parameter." + name] = parameter
        tensors["gradient." + name] = parameter.grad
    write_safetensors("window-lstm-projected", tensors)


def adaptive_window(cell):
    torch.manual_seed(10)
    vocabulary, hidden, time, batch = 11, 9, 4, 3
    model = LanguageModel(cell, 1, vocabulary, 6, hidden)
    model.output = torch.nn.AdaptiveLogSoftmaxWithLoss(hidden, vocabulary, [3, 6], div_value=3, head_bias=True)
    initial = torch.randn(2, 1, batch, hidden) * 0.5
    state = (initial[0], initial[1]) if cell.startswith("lstm") else initial[0]
    tokens = torch.randint(vocabulary, (time, batch))
    labels = torch.tensor([0, 4, 8, 10, 2, 6, 5, 3, 1, 0, 7, 9]).view(time, batch)
    output, final = model.rnn(model.embedding(tokens), state)
    losses = -model.output(output.flatten(0, 1), labels.flatten()).output.view(labels.shape)
    losses.mean().backward()
    tensors = dict(tokens=tokens, labels=labels, initial=stacked(state), final=stacked(final), output=output, losses=losses)
    tensors["log_probabilities"] = model.output.log_prob(output.flatten(0, 1))
    for name, parameter in model.named_parameters():
        tensors["parameter." + name] = parameter
        tensors["gradient." + name] = parameter.grad
    write_safetensors("window-%s-adaptive" % cell, tensors)


class NAdam(torch.optim.Optimizer):
    """Dozat 2016 as PyTorch has it since 2.0: 1.13's own takes mu twice into the product of the mean's correction."""

    def __init__(self, parameters, lr, betas, eps, momentum_decay):
        super().__init__(parameters, dict(lr=lr, betas=betas, eps=eps, momentum_decay=momentum_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (beta1, beta2), decay = group["betas"], group["momentum_decay"]
            for parameter in group["params"]:
                state, gradient = self.state[parameter], parameter.grad
                if not state:
                    state.update(step=0, product=1.0, mean=gradient * 0, square=gradient * 0)
                state["step"] += 1
                mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (k * decay)) for k in (state["step"], state["step"] + 1))
                state["product"] *= mu
                state["mean"].mul_(beta1).add_(gradient, alpha=1 - beta1)
                state["square"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
                root = (state["square"] / (1 - beta2 ** state["step"])).sqrt() + group["eps"]
                parameter.addcdiv_(gradient, root, value=-group["lr"] * (1 - mu) / (1 - state["product"]))
                parameter.addcdiv_(state["mean"], root, value=-group["lr"] * mu_next / (1 - state["product"] * mu_next))


def adam(kind, **more):
    return lambda parameters: kind(parameters, lr=0.01, betas=(0.9, 0.999), eps=1e-8, **more)


def sgd(**more):
    return lambda parameters: torch.optim.SGD(parameters, lr=1.0, **more)


OPTIMIZERS = {
    "sgd": sgd(),
    "sgd-clipped-by-norm": sgd(),
    "sgd-clipped-by-value": sgd(),
    "sgd-weight-decay": sgd(weight_decay=0.001),
    "sgd-l1": sgd(),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.01, alpha=0.95, eps=1e-8),
    "adagrad": lambda parameters: torch.optim.Adagrad(parameters, lr=0.05, eps=1e-8),
    "adadelta": lambda parameters: torch.optim.Adadelta(parameters, lr=1.0, rho=0.9, eps=1e-5),
    "adam": adam(torch.optim.Adam),
    "adam-weight-decay": adam(torch.optim.Adam, weight_decay=0.001),
    "adamw": adam(torch.optim.AdamW, weight_decay=0.1),
    "asgd": lambda parameters: torch.optim.ASGD(parameters, lr=1.0, lambd=0.001, alpha=0.75, t0=20, weight_decay=0.001),
    "nadam": adam(NAdam, momentum_decay=0.004),
}


def text(vocabulary, count):
    """Tokens of which each depends on the one before, so that there is something to learn."""
    random = numpy.random.RandomState(3)
    tokens = [0]
    while len(tokens) < count:
        jump = random.randint(4) == 0
        tokens.append(random.randint(vocabulary) if jump else (tokens[-1] * 3 + 1) % vocabulary)
    return torch.tensor(tokens)


def trajectory(cell):
    vocabulary = 17
    sequence = text(vocabulary, STREAMS * WINDOW * STEPS + 1)
    length = (len(sequence) - 1) // STREAMS
    rows = torch.stack([sequence[s * length : (s + 1) * length + 1] for s in range(STREAMS)], 1)
    tensors = {"tokens": sequence}
    for name, optimizer_of in OPTIMIZERS.items():
        torch.manual_seed(8)
        model = LanguageModel(cell, 2, vocabulary, 8, 16)
        for parameter_name, parameter in model.named_parameters():
            tensors["parameter." + parameter_name] = parameter.detach().clone()
        optimizer, state, losses = optimizer_of(model.parameters()), None, []
        for step in range(STEPS):
            part = rows[step * WINDOW : (step + 1) * WINDOW + 1]
            logits, _, state = model(part[:-1], state)
            state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
            loss = losses_of(logits, part[1:]).mean()
            optimizer.zero_grad()
            penalty = 0.0001 * sum(p.abs().sum() for p in model.parameters()) if name == "sgd-l1" else 0
            (loss + penalty).backward()
            if name == "sgd-clipped-by-norm":
                torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            if name == "sgd-clipped-by-value":
                torch.nn.utils.clip_grad_value_(model.parameters(), 0.01)
            optimizer.step()
            losses.append(loss.item())
        tensors["losses." + name] = torch.tensor(losses)
        if name == "asgd":
            for parameter_name, parameter in model.named_parameters():
                tensors["average." + parameter_name] = optimizer.state[parameter]["ax"]
        print("%s %s: loss %.4f to %.4f" % (cell, name, losses[0], losses[-1]))
    write_safetensors("trajectory-%s" % cell, tensors)


LENGTHS = [5, 1, 3]


def sequences(cell, bidirectional, task, projection=0):
    torch.manual_seed(9)
    vocabulary, embedding, hidden, outputs = 5, 3, 4, 6
    dense = task == "regression"
    more = {"proj_size": projection} if projection else {}
    rnn = CELLS[cell](
        vocabulary if dense else embedding, hidden, 2, bidirectional=bidirectional, **more)
    table = torch.nn.Embedding(vocabulary, embedding)
    linear = torch.nn.Linear((projection or hidden) * (2 if bidirectional else 1), outputs)
    tokens = [torch.randint(vocabulary, (length,)) for length in LENGTHS]
    values = [torch.randn(length, vocabulary) for length in LENGTHS]
    inputs = values if dense else [table(part) for part in tokens]
    packed = torch.nn.utils.rnn.pack_sequence(inputs, enforce_sorted=False)
    output, state = rnn(packed)
    state = state[0] if isinstance(state, tuple) else state
    padded, _ = torch.nn.utils.rnn.pad_packed_sequence(output)
    if task == "tagging":
        features = torch.cat([padded[:length, b] for b, length in enumerate(LENGTHS)])
    else:
        features = torch.cat([state[-2], state[-1]], 1) if bidirectional else state[-1]
    predictions = linear(features)
    tensors = {"outputs": predictions}
    if dense:
        targets = torch.randn(len(LENGTHS), outputs)
        losses = ((predictions - targets) ** 2).mean(1)
        tensors.update(values=torch.cat(values), targets=targets)
    else:
        classes = torch.randint(outputs, (len(predictions),))
        losses = functional.cross_entropy(predictions, classes, reduction="none")
        tensors.update(tokens=torch.cat(tokens), classes=classes)
    losses.mean().backward()
    tensors["loss"] = losses.sum().unsqueeze(0)
    modules = [("rnn.", rnn), ("output.", linear)] + ([] if dense else [("embedding.", table)])
    for prefix, module in modules:
        for name, parameter in module.named_parameters():
            tensors["parameter." + prefix + name] = parameter
            tensors["gradient." + prefix + name] = parameter.grad
    directions = "concat" if bidirectional else "none"
    name = cell + "-projected" if projection else cell
    write_safetensors("sequences-%s-%s-%s" % (name, directions, task), tensors)


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.makedirs(DIRECTORY, exist_ok=True)
    for each_cell in sys.argv[1:] or CELLS:
        for each_layers in (1, 2):
            for each_embedding in (0, 6):
                window(each_cell, each_layers, each_embedding)
        if each_cell in ("lstm", "gru"):
            special_window(each_cell, "tied")
            special_window(each_cell, "residual")
            adaptive_window(each_cell)
        if each_cell == "lstm":
            projected_window()
        for each_bidirectional in (False, True) if each_cell in ("lstm", "gru", "rnn-tanh", "rnn-relu") else ():
            for each_task in ("classification", "tagging", "regression"):
                sequences(each_cell, each_bidirectional, each_task)
                if each_cell == "lstm":
                    sequences(each_cell, each_bidirectional, each_task, projection=3)
        trajectory(each_cell)
