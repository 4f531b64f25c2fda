"""Judges the models in f32 by ONNX Runtime."""
import sys
import time

import tasks
from tasks.task import onnx_runtime

for name in sys.argv[1:] or tasks.NAMES:
    task = tasks.load(name)
    run = onnx_runtime(task.model)
    start = time.perf_counter()
    scores = task.judge(run)
    print(f"{name}: {scores} ({task.unit}), {time.perf_counter() - start:.1f} s")
