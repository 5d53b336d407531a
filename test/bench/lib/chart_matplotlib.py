"""chart_matplotlib.py DATA PNG TIMES: the bench's chart with matplotlib; JSON on stdout."""

import json
import resource
import sys
import time

import matplotlib

matplotlib.use("Agg")
import matplotlib.dates
import matplotlib.pyplot as plt

rows = [line.split() for line in open(sys.argv[1])]
times = [float(row[0]) / 86400 for row in rows]
series = [[float(row[i]) for row in rows] for i in (1, 2)]


def draw():
    start = time.perf_counter()
    figure, axes = plt.subplots(figsize=(12, 6), dpi=100)
    for values, name in zip(series, ("cpu", "mem")):
        axes.plot(times, values, label=name, linewidth=1)
    axes.set_ylim(0, 100)
    axes.xaxis_date()
    axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M"))
    axes.grid(True)
    axes.legend()
    axes.set_title("pi4: CPU, memory")
    figure.savefig(sys.argv[2])
    plt.close(figure)
    return (time.perf_counter() - start) * 1000


draw()
cpu = time.process_time()
took = sorted(draw() for _ in range(int(sys.argv[3])))
cpu = (time.process_time() - cpu) * 1000 / max(1, len(took))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"warm": took[len(took) // 2] if took else 0, "cpu": cpu, "peak": peak}))
