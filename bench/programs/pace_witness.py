"""Judge the pace by a sandbox's journal over minutes: `kill` or `four`, requests a minute, seconds.

Prints the most requests in any sliding 60 s, the share of the budget used while batches ran, the longest pause, and
launches of a row more than once.
"""

import itertools
import json
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parents[2] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "batch")]

from pace_world import killed_and_resumed, most_within, pace_world, side_by_side

WAY, PER_MINUTE, SECONDS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

with tempfile.TemporaryDirectory() as name, pace_world(Path(name), journal_size=100_000) as world:
    requests = PER_MINUTE * SECONDS // 60
    if WAY == "kill":
        killed_and_resumed(world, PER_MINUTE, kill_at=requests * 2 // 5, requests=requests)
    else:
        side_by_side(world, PER_MINUTE, requests)
    seen_s = world.seen_s()
    pauses = sorted(later - earlier for earlier, later in itertools.pairwise(seen_s))
    if WAY == "kill":
        used = (len(seen_s) - 1) / ((seen_s[-1] - seen_s[0] - pauses[-1]) * PER_MINUTE / 60)
    else:  # the first sixth is left out: some of the processes still read their rows
        steady_s = seen_s[len(seen_s) // 6 :]
        used = (len(steady_s) - 1) / ((steady_s[-1] - steady_s[0]) * PER_MINUTE / 60)
    print(json.dumps({
        "most_in_60_s": most_within(seen_s), "requests": len(seen_s), "seconds": seen_s[-1] - seen_s[0],
        "used_while_running": used, "longest_pause_s": pauses[-1],
        "duplicates": sum(times - 1 for times in world.launches().values()),
    }))  # fmt: skip
