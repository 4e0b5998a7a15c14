"""What sides in Python share: they answer what scripts/bench/turns/protocol.ts says, a line of JSON for each line.

A job is an object with run(clock), which gives seconds, and where it has them check(), which gives numbers that all
sides must come to, and load(tensors).
"""
import importlib
import json
import resource
import sys
import time

from safetensors_file import read_safetensors

clocks = {"wall": time.perf_counter, "cpu": time.process_time}


def serve(description, versions, modules, clock):
    """Greets, and answers until the input ends. `modules` names the module of each job, which has make(options)."""
    versions = {**versions, "python": sys.version.split()[0]}
    print(json.dumps({"description": description, "versions": versions}), flush=True)
    jobs = {}
    for line in sys.stdin:
        try:
            answer = answer_to(json.loads(line), jobs, modules, clocks[clock])
        except Exception as error:  # it is told, and the other rows go on
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def answer_to(request, jobs, modules, clock):
    key = request["key"]
    if request["ask"] == "make":
        module = importlib.import_module(modules[request["job"]])
        jobs[key] = module.make(request["options"])
        return {}
    job = jobs[key]
    if request["ask"] == "load":
        job.load(read_safetensors(request["file"]))
        return {}
    if request["ask"] == "check":
        return {"values": job.check()} if hasattr(job, "check") else {"values": []}
    if request["ask"] == "drop":
        del jobs[key]
        return {}
    if request["ask"] == "run":
        ms = [job.run(clock) * 1e3 for _ in range(request["runs"])]
        return {"ms": ms, "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    raise ValueError(f"it cannot {request['ask']}")
