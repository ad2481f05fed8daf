"""The main job as a user runs it: time and memory of a first run, and of a second one.

python tests/analysis/emergence/bench_emergence.py [--model FOLDER]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time

ATTRIBUTES = ("color", "shape", "material")


def run(folder: str, model: str) -> float:
    command = [sys.executable, "-m", "analysis.emergence", "--run", folder, "--model", model]
    start = time.perf_counter()
    subprocess.run([*command, "--attr", *ATTRIBUTES], check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="bundled")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first = run(folder, options.model)
        unit = 2**20 if sys.platform == "darwin" else 2**10
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit
        second = run(folder, options.model)
    print(f"emergence of {', '.join(ATTRIBUTES)}: {first:.0f} s (at most 180 wanted)")
    print(f"peak memory: {peak:.0f} MiB (at most 2048 wanted)")
    print(f"the same again, nothing changed: {second:.1f} s (at most 10 wanted)")
