"""PyTorch's side of a comparison: python torch_worker.py THREADS CLOCK, the clock wall or cpu."""
import sys

import torch

from python_side import serve

modules = {
    "recurrent": "torch_recurrent",
    "cell": "torch_cells",
    "language": "torch_language",
    "classifier": "torch_classifier",
    "seq2seq": "torch_seq2seq",
    "elementwise": "torch_elementwise",
}

threads, clock = sys.argv[1:3]
torch.set_num_threads(int(threads))
torch.manual_seed(1)
serve(torch.__version__, {"torch": torch.__version__}, modules, clock)
