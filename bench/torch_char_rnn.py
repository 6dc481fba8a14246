#!/usr/bin/env python3
"""char-rnn's default configuration (Karpathy 2015) on PyTorch: the oracle for conf/tinyshakespeare*.conf.

Two layers of 128 units on one-hot characters, U(-0.08, 0.08), forget gate bias 1 (input half only),
RMSProp 2e-3 with alpha 0.95 and epsilon 1e-8 outside the root, elementwise clipping at 5, 50 streams,
windows of 50, 50 epochs, learning rate times 0.97 after each epoch from the tenth.

As char-rnn's train.lua does, the gradient is summed over time and averaged over the batch (the division by
the window is commented out there), and the clipping applies to that sum. As here and not as there: state is zeroed
at the start of an epoch, the stream layout is spark-rnn's plan (rows of floor((N - 1) / streams) predictions of one
sequence, a short last window is trained), and the GRU applies its reset gate after the recurrent product.

Prints one JSON object per epoch and a last one with the best and the final validation loss (nats per
character; `--streams` validation streams from zero state, carried to their end).

Usage: OMP_NUM_THREADS=1 /usr/bin/python3 bench/torch_char_rnn.py TRAIN.txt VALID.txt [--cell gru] [--seed 1]
         [--initial model.safetensors] [--steps-log 100]
"""

import argparse
import collections
import json
import struct
import sys
import time

import torch
import torch.nn.functional as functional


def read_safetensors(path):
    """The float32 tensors of a safetensors file by name."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            sys.exit(f"Cannot read {path}: {name} is {entry['dtype']}, expected F32")
        start, end = entry["data_offsets"]
        tensors[name] = torch.frombuffer(bytearray(data[start:end]), dtype=torch.float32).reshape(entry["shape"])
    return tensors


def read_tokens(train_path, valid_path):
    """Token tensors of both texts; the vocabulary is ordered by count descending, then by UTF-8 bytes."""
    texts = []
    for path in (train_path, valid_path):
        with open(path, encoding="utf-8", newline="") as file:
            texts.append(file.read())
    counts = collections.Counter(texts[0])
    order = sorted(counts, key=lambda c: (-counts[c], c.encode("utf-8")))
    index = {c: i for i, c in enumerate(order)}
    missing = set(texts[1]) - set(index)
    if missing:
        sys.exit(f"Cannot use {valid_path}: {sorted(missing)} do not occur in {train_path}")
    return [torch.tensor([index[c] for c in text]) for text in texts] + [len(order)]


class CharacterModel(torch.nn.Module):
    def __init__(self, options, vocabulary):
        super().__init__()
        kind = torch.nn.LSTM if options.cell == "lstm" else torch.nn.GRU
        self.rnn = kind(vocabulary, options.hidden, options.layers)
        self.output = torch.nn.Linear(options.hidden, vocabulary)
        self.vocabulary = vocabulary
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-0.08, 0.08)
            if options.cell == "lstm":
                for layer in range(options.layers):
                    bias = getattr(self.rnn, f"bias_ih_l{layer}")
                    bias[options.hidden : 2 * options.hidden] = 1.0

    def forward(self, tokens, state):
        """Logits [time * batch, vocabulary] and the detached state after the window; tokens [time, batch]."""
        hidden, state = self.rnn(functional.one_hot(tokens, self.vocabulary).float(), state)
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        return self.output(hidden.flatten(0, 1)), state


def stream_matrix(tokens, streams):
    """Validation streams [longest, streams]; -1 after the end of a stream that is one token shorter."""
    n = len(tokens)
    bounds = [s * n // streams for s in range(streams + 1)]
    longest = max(b - a for a, b in zip(bounds, bounds[1:]))
    matrix = torch.full((longest, streams), -1)
    for s in range(streams):
        part = tokens[bounds[s] : bounds[s + 1]]
        matrix[: len(part), s] = part
    return matrix


def evaluate(model, tokens, streams, window):
    matrix = stream_matrix(tokens, streams)
    loss, predictions, state = 0.0, 0, None
    with torch.no_grad():
        for first in range(0, len(matrix) - 1, window):
            labels = matrix[first + 1 : first + 1 + window]
            inputs = matrix[first : first + len(labels)].clamp(min=0)
            logits, state = model(inputs, state)
            loss += functional.cross_entropy(logits, labels.flatten(), ignore_index=-1, reduction="sum").item()
            predictions += int((labels >= 0).sum())
    return loss / predictions


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train")
    parser.add_argument("valid")
    parser.add_argument("--cell", choices=("lstm", "gru"), default="lstm")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--window", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--streams", type=int, default=50, help="validation streams")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--initial", help="initial parameters: a safetensors file with PyTorch's names")
    parser.add_argument("--steps-log", type=int, default=0, help="print the mean loss of the first N steps")
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    train, valid, vocabulary = read_tokens(options.train, options.valid)
    model = CharacterModel(options, vocabulary)
    if options.initial:
        model.load_state_dict(read_safetensors(options.initial))
    parameters = list(model.parameters())
    optimizer = torch.optim.RMSprop(parameters, lr=2e-3, alpha=0.95, eps=1e-8)

    length = (len(train) - 1) // options.batch
    rows = train[: length * options.batch].view(options.batch, length).t()
    labels = train[1 : length * options.batch + 1].view(options.batch, length).t()
    best, valid_nats, step = (float("inf"), 0), float("nan"), 0
    for epoch in range(options.epochs):
        rate = 2e-3 * 0.97 ** max(0, epoch + 1 - 10)
        for group in optimizer.param_groups:
            group["lr"] = rate
        started, loss_sum, state = time.time(), 0.0, None
        for first in range(0, length, options.window):
            window_labels = labels[first : first + options.window]
            optimizer.zero_grad(set_to_none=True)
            logits, state = model(rows[first : first + options.window], state)
            loss = functional.cross_entropy(logits, window_labels.flatten(), reduction="sum")
            (loss / options.batch).backward()
            torch.nn.utils.clip_grad_value_(parameters, 5.0)
            optimizer.step()
            loss_sum += loss.item()
            step += 1
            if step <= options.steps_log:
                print(json.dumps({"step": step, "nats": loss.item() / window_labels.numel()}), flush=True)
        valid_nats = evaluate(model, valid, options.streams, options.window)
        best = min(best, (valid_nats, epoch + 1))
        print(
            json.dumps(
                {
                    "cell": options.cell,
                    "seed": options.seed,
                    "epoch": epoch + 1,
                    "learning_rate": rate,
                    "train_nats": loss_sum / (length * options.batch),
                    "valid_nats": valid_nats,
                    "seconds": round(time.time() - started, 2),
                }
            ),
            flush=True,
        )
    result = {"cell": options.cell, "seed": options.seed, "parameters": sum(p.numel() for p in parameters)}
    result.update(best_valid_nats=best[0], best_epoch=best[1], final_valid_nats=valid_nats)
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
