"""Exploring: inputs and answers that take the paths of a flow, found by search."""

from flowlaunch.architect.explore.search import Explored, ExploredRun, explore
from flowlaunch.architect.explore.write import write_cases

__all__ = ["Explored", "ExploredRun", "explore", "write_cases"]
