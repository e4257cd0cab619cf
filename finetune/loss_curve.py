"""Plots the loss of a training run."""

from __future__ import annotations

import json
from pathlib import Path


def draw(log: Path, picture: Path) -> None:
    """Plot the loss of each step, its running mean, and the validation loss.

    Arguments:
        log: the `log.jsonl` of `loop.train`.
        picture: path of the image to write; its suffix decides on the format.
    """
    from matplotlib.figure import Figure

    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    steps = [(line["step"], line["loss"]) for line in lines if "loss" in line]
    checks = [(line["step"], line["validation"]) for line in lines if "validation" in line]
    figure = Figure(figsize=(7, 4), layout="tight")
    axes = figure.subplots()
    if steps:
        axes.plot(*zip(*steps, strict=True), color="lightgray", label="step")
        smooth, mean = [], steps[0][1]
        for step, loss in steps:
            mean += 0.1 * (loss - mean)
            smooth.append((step, mean))
        axes.plot(*zip(*smooth, strict=True), label="running mean")
    if checks:
        axes.plot(*zip(*checks, strict=True), "o-", label="held out")
    axes.set(xlabel="step", ylabel="loss a learned token", yscale="log")
    axes.legend()
    figure.savefig(picture, dpi=120)
