"""PHOLD on SimPy: one generator per process."""

import math
import sys
import time

import simpy

MASK = (1 << 64) - 1
DELAYS = [int(-1e9 * math.log(1.0 - (cell + 0.5) / 4096.0)) for cell in range(4096)]


def process(env, state, counter):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        drawn = z ^ (z >> 31)
        yield env.timeout(DELAYS[drawn >> 52] + (drawn & 0xFFFF) + 1)
        counter[0] += 1


def main():
    pending, events = int(sys.argv[1]), int(sys.argv[2])
    env, counter = simpy.Environment(), [0]
    for number in range(pending):
        env.process(process(env, number, counter))
    while counter[0] == 0:
        env.step()
    best = math.inf
    for _ in range(3):
        start, before = counter[0], time.thread_time_ns()
        for _ in range(events):
            env.step()
        best = min(best, (time.thread_time_ns() - before) / max(1, counter[0] - start))
    print(f"{best:.1f}")


main()
