"""What bench/run has measured, as numbers (summarise) and as tables (markdown)."""

import collections
import statistics

BEGIN = "<!-- bench/run: what follows is written by bench/run --write -->"
END = "<!-- bench/run: end -->"

# Phases of a window that compute, and those that only move memory.
COMPUTING = ("forward", "softmax", "backward")
MOVING = ("pack", "norm", "update")

# Configurations whose products are shown one by one; the JSON file has all.
PRODUCTS_OF = ("char", "word-medium", "word-large", "small-state", "word-small")

# Wall-clock and processor time of a busy core differ by less.
IDLE_SHARE = 0.03


def spread(samples, value):
    """Median of the rounds' medians; lowest and highest decile of any round."""
    return {
        value: statistics.median(sample[value] for sample in samples),
        "low": min(sample["low"] for sample in samples),
        "high": max(sample["high"] for sample in samples),
        "rounds": len(samples),
    }


def missing(run, key):
    return {"missing": run.missing.get(key, "not asked for")}


def summarise(run, machine, configurations, flops_per_token, phase_rows):
    samples = run.samples
    peaks = {precision: spread(samples[("peak", precision)], "gflops")
             if samples[("peak", precision)] else missing(run, ("peak", precision))
             for precision in run.options.precisions}
    blas = missing(run, ("blas",))
    if samples[("blas",)]:
        blas = {**spread(samples[("blas",)], "gflops"), "shape": samples[("blas",)][0]["shape"]}
    steps = []
    for name in run.options.only:
        flops = flops_per_token(configurations[name])
        peer = (spread(samples[("peer", name)], "tokensPerSecond")
                if samples[("peer", name)] else missing(run, ("peer", name)))
        for precision in run.options.precisions:
            steps.append(step_row(run, name, precision, flops, peaks, blas, peer))
    products = collections.defaultdict(dict)
    for name in run.options.only:
        for precision in run.options.precisions:
            if samples[("products", name, precision)]:
                products[name][precision] = samples[("products", name, precision)][0]
    return {
        "machine": machine,
        "peaks": peaks,
        "blas": blas,
        "steps": steps,
        "products": products,
        "phases": [{"configuration": name, "precision": precision, "phases": phase_rows(configurations[name], precision, rows[-1])}
                   for name, each in products.items() for precision, rows in each.items()],
        "odd": odd_rows(run),
        "warnings": warnings(samples),
        "samples": [{"of": list(key), "each": value} for key, value in samples.items() if value],
    }


def step_row(run, name, precision, flops, peaks, blas, peer):
    key = ("steps", name, precision, 1)
    row = {"configuration": name, "precision": precision, "megaflopsPerToken": flops / 1e6}
    if not run.samples[key]:
        return {**row, **missing(run, key), "peer": peer}
    row.update(spread(run.samples[key], "tokensPerSecond"))
    row["kernel"] = run.samples[key][0]["kernel"]
    row["arenaBytes"] = run.samples[key][0]["arenaBytes"]
    row["gflops"] = row["tokensPerSecond"] * flops / 1e9
    row["wallOverProcessor"] = max(s["wall"] / s["processor"] for s in run.samples[key])
    for label, base in (("ofPeak", peaks[precision]), ("ofBlas", blas)):
        if "gflops" in base:
            row[label] = row["gflops"] / base["gflops"]
    pairs = run.samples[("steps", name, precision, 2)]
    if pairs:
        row["twoTasks"] = spread(pairs, "tokensPerSecond")
        row["twoTasks"]["ratio"] = row["twoTasks"]["tokensPerSecond"] / row["tokensPerSecond"]
    row["peer"] = peer
    if "tokensPerSecond" in peer:
        row["ofPeer"] = row["tokensPerSecond"] / peer["tokensPerSecond"]
    return row


def odd_rows(run):
    rows = []
    for key, groups in list(run.samples.items()):
        if key[0] != "odd":
            continue
        peers = run.samples[("odd-peer", *key[1:])]
        for position, ours in enumerate(groups[0]):
            cell, _, _, hidden, _, batch, time = ours["shape"].split(":")[:7]
            row = {"cell": cell, "hidden": int(hidden), "batch": int(batch), "window": int(time),
                   "tokensPerSecond": ours["tokensPerSecond"]}
            if peers:
                row["peer"] = peers[0][position]["tokensPerSecond"]
                row["ofPeer"] = row["tokensPerSecond"] / row["peer"]
            rows.append(row)
    return rows


def warnings(samples):
    """What other programs took of the core, the worst first."""
    found = []
    for key, each in samples.items():
        what = " ".join(map(str, key))
        flat = [s for group in each for s in (group if isinstance(group, list) else [group])]
        waits = max((s["wall"] / s["processor"] - 1 for s in flat if s.get("processor")), default=0)
        others = max((s["others"] for s in flat if "others" in s), default=0)
        found.append((waits, "%s waited %.0f %% of its processor time" % (what, 100 * waits)))
        found.append((others, "other programs took %.0f %% of a core during %s" % (100 * others, what)))
    return [text for share, text in sorted(found, reverse=True) if share > IDLE_SHARE]


# ---- Tables


def rate(row, value):
    return "{:,.0f} ({:,.0f} – {:,.0f})".format(row[value], row["low"], row["high"]).replace(",", " ")


def percent(row, key):
    return "%.0f %%" % (100 * row[key]) if key in row else "–"


def table(header, rows):
    widths = len(header)
    out = ["| " + " | ".join(header) + " |", "|" + "---|" * widths]
    return out + ["| " + " | ".join(row) + " |" for row in rows]


def markdown(results):
    machine = results["machine"]
    out = [
        "%s, %s, %d cores, commit %s; at most %d rounds of %g s each." % (
            machine["date"], machine["processor"], machine["cores"], machine["commit"],
            machine["rounds"], machine["seconds"]),
        "Median of the rounds' medians, in brackets the lowest and the highest decile of any round.",
        "",
    ]
    if results["warnings"]:
        out += ["**The machine was not idle** (%d warnings in the JSON file): %s." % (
            len(results["warnings"]), "; ".join(results["warnings"][:2])), ""]
    out += table(["one core", "GFLOP/s"], machine_rows(results)) + [""]
    out += table(
        ["configuration", "precision", "tokens/s", "GFLOP/s", "of the peak", "of the BLAS", "wall ÷ processor",
         "two tasks at once", "PyTorch's best, tokens/s", "ratio"],
        [step_cells(row) for row in results["steps"]])
    reasons = {row["peer"]["missing"] for row in results["steps"] if "missing" in row["peer"]}
    if reasons:
        out += ["", "–: " + "; ".join(sorted(reasons)) + "."]
    if results["odd"]:
        out += ["", "Sizes nobody tuned for, one layer, 96 tokens, float32:", ""]
        out += table(["cell", "hidden", "batch", "window", "tokens/s", "PyTorch's best", "ratio"],
                     [odd_cells(row) for row in results["odd"]])
    if results["phases"]:
        out += ["", "Phases of a window. GB/s: every array that a phase reads or writes, once (logits in five passes) and as float32, over its time.", ""]
        out += table(["configuration", "precision"] + ["%s, ms, GFLOP/s (of the peak), GB/s" % phase for phase in COMPUTING]
                     + ["%s, ms, GB/s" % phase for phase in MOVING],
                     [phase_cells(row, results["peaks"]) for row in results["phases"]])
    for name, products in results["products"].items():
        if name in PRODUCTS_OF and "float32" in products:
            out += ["", "Products of %s where the step calls them, float32:" % name, ""]
            out += product_table(products["float32"], results["peaks"])
    return "\n".join(out)


def phase_cells(row, peaks):
    phases = {phase["phase"]: phase for phase in row["phases"]}
    peak = peaks.get(row["precision"], {}).get("gflops")
    cells = [row["configuration"], row["precision"]]
    for name in COMPUTING:
        phase = phases[name]
        speed = phase["flops"] / phase["seconds"] / 1e9
        of_peak = "%.0f %%" % (100 * speed / peak) if peak else "–"
        cells.append("%s, %.0f (%s), %s" % (milliseconds(phase), speed, of_peak, bandwidth(phase)))
    return cells + ["%s, %s" % (milliseconds(phases[name]), bandwidth(phases[name])) for name in MOVING]


def milliseconds(phase):
    return "%.3g" % (1e3 * phase["seconds"])


def bandwidth(phase):
    return "%.3g" % (phase["bytes"] / phase["seconds"] / 1e9)


def machine_rows(results):
    rows = []
    for precision, peak in results["peaks"].items():
        rows.append(["multiply-add peak, " + precision,
                     rate(peak, "gflops") if "gflops" in peak else "missing: " + peak["missing"]])
    blas = results["blas"]
    best = "best large product of OpenBLAS, float32"
    rows.append([best + ", " + blas["shape"], rate(blas, "gflops")] if "gflops" in blas
                else [best, "missing: " + blas["missing"]])
    return rows


def step_cells(row):
    peer = row["peer"]
    peer_cell = rate(peer, "tokensPerSecond") if "tokensPerSecond" in peer else "–"
    names = [row["configuration"], row["precision"]]
    if "missing" in row:
        return names + ["missing: " + row["missing"], "", "", "", "", "", peer_cell, ""]
    pair = row.get("twoTasks")
    return names + [
        rate(row, "tokensPerSecond"),
        "%.0f" % row["gflops"],
        percent(row, "ofPeak"),
        percent(row, "ofBlas"),
        "%.3f" % row["wallOverProcessor"],
        "%.2f ×" % pair["ratio"] if pair else "–",
        peer_cell,
        "**%.2f**" % row["ofPeer"] if "ofPeer" in row else "–",
    ]


def odd_cells(row):
    cells = [row["cell"].upper()] + [str(row[key]) for key in ("hidden", "batch", "window")]
    cells.append("{:,.0f}".format(row["tokensPerSecond"]).replace(",", " "))
    if "peer" not in row:
        return cells + ["missing", "–"]
    return cells + ["{:,.0f}".format(row["peer"]).replace(",", " "), "%.2f" % row["ofPeer"]]


def product_table(rows, peaks):
    phases = rows[-1]
    window = sum(phases[name] for name in ("pack", "forward", "softmax", "backward", "norm", "update"))
    peak = peaks.get("float32", {}).get("gflops")
    cells = []
    for row in rows[:-1]:
        cells.append(["%s, %s" % (row["product"], row["shape"].replace("x", "×")), str(row["count"]),
                      "%.0f (%.0f – %.0f)" % (row["gflops"], row["low"], row["high"]),
                      "%.0f %%" % (100 * row["gflops"] / peak) if peak else "–",
                      "%.1f %%" % (100 * row["seconds"] / window)])
    products = sum(row["seconds"] for row in rows[:-1])
    inside = sum(phases[name] for name in ("forward", "softmax", "backward"))
    cells.append(["cells, exponentials, copies beside the products", "", "", "",
                  "%.1f %%" % (100 * (inside - products) / window)])
    for name in ("pack", "norm", "update"):
        cells.append([name, "", "", "", "%.1f %%" % (100 * phases[name] / window)])
    return table(["product, rows × columns × k", "per window", "GFLOP/s", "of the peak", "time"], cells)


def replace_block(path, text):
    with open(path, encoding="utf-8") as file:
        document = file.read()
    begin, end = document.find(BEGIN), document.find(END)
    if begin < 0 or end < begin:
        raise SystemExit("Cannot write to %s: it lacks the lines\n%s\n%s" % (path, BEGIN, END))
    with open(path, "w", encoding="utf-8") as file:
        file.write(document[:begin] + BEGIN + "\n" + text + "\n" + document[end:])
