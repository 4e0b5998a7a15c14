"""The side of Keras on JAX in a comparison: python keras_worker.py THREADS CLOCK, the clock wall or cpu.

XLA has two pools on the CPU, one that runs a program's operations and one that shares the work of a large product, of
NPROC threads each. One thread is thus the limit where one is asked for. Of several, both pools may be busy at once,
and the processors that the process may use are what limits it. What compiles has threads of its own, outside the clock.
"""
import os
import sys


def limit_processors(count):
    """Lets the process use `count` processors, each in a core of its own as far as there are so many cores."""
    usable = sorted(os.sched_getaffinity(0))
    if count >= len(usable):
        return

    def siblings(processor):
        try:
            with open(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list") as file:
                return file.read()
        except OSError:
            return str(processor)

    cores = {}
    for processor in usable:
        cores.setdefault(siblings(processor), []).append(processor)
    places = sorted((place, processor) for core in cores.values() for place, processor in enumerate(core))
    os.sched_setaffinity(0, [processor for _, processor in places[:count]])


threads, clock = sys.argv[1:3]
os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", NPROC=threads)
if int(threads) > 1 and hasattr(os, "sched_setaffinity"):
    limit_processors(int(threads))

import jax  # noqa: E402, which reads the environment and counts processors
import keras  # noqa: E402

from python_side import serve  # noqa: E402

modules = {"recurrent": "keras_recurrent", "language": "keras_language", "classifier": "keras_classifier"}

keras.utils.set_random_seed(1)
serve(
    f"{keras.__version__}, JAX {jax.__version__}",
    {"keras": keras.__version__, "jax": jax.__version__},
    modules,
    clock,
)
