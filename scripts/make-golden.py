#!/usr/bin/env python3
"""Writes the golden cases of test/golden by PyTorch: in f64, from inputs that are exact in f32.

usage: python3 scripts/make-golden.py [--check] [NAME...]

NAME is a file's, such as lstm-plain; without any, all are written. --check writes nothing and fails if a file in the
tree is another one, in its numbers or its metadata. Needs PyTorch for CPUs: pip install torch==2.13.0 numpy

A file holds the inputs of a case, the results, and gradients: `grad.X` is dΣ(upstream · result)/dX for the upstream
gradients `upstream.RESULT`. Names are PyTorch's: `weight_ih_l0`, `weight_hh_l0_reverse`. Entries of its metadata:

  config   JSON that says what the case is, for scripts/golden/*.ts: the name of a layer, loss or optimizer of stmnet
           and its options. `transform` is applied to `input` before a loss; `tolerance` replaces the usual one.
  pytorch  the version that computed it
  snippet  the lines of Python that computed it; F is torch.nn.functional

The cases stand in scripts/golden/*_cases.py; a new one goes into new_cases there, and scripts/golden/*-cases.ts find
what it names by themselves.
"""
import argparse
import pathlib
import sys

import torch

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent / "golden"))
import curve_cases
import layer_cases
import loss_cases
import optimizer_cases
import recurrent_cases
from golden_case import Run

parser = argparse.ArgumentParser(description="Writes the golden cases of test/golden by PyTorch.")
parser.add_argument("--check", action="store_true", help="compare with the files in the tree and write nothing")
parser.add_argument("names", metavar="NAME", nargs="*", help="files to write, without .safetensors; default all")
arguments = parser.parse_args()

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)  # the order of sums is that of any machine
run = Run(arguments.names, arguments.check)
with run.first_cases():
    recurrent_cases.first_cases(run)
    loss_cases.first_cases(run)
    layer_cases.first_cases(run)
    optimizer_cases.first_cases(run)
    curve_cases.first_cases(run)
    optimizer_cases.first_clipping_cases(run)
for module in (recurrent_cases, loss_cases, layer_cases, optimizer_cases):
    module.new_cases(run)
run.finish()
