"""What is worked out once a task and needed for every candidate: its id, and its twin on another device.

Working an id out reads the whole problem. Tasks hold mappings and so have no hash; they are told
apart by identity.
"""

from __future__ import annotations

import msgspec

from warpsmith.core.task import Target, Task

PAGES = 256


class TaskBook:
    """Remembers the last tasks."""

    def __init__(self) -> None:
        self._ids: dict[int, tuple[Task, str]] = {}
        self._moved: dict[tuple[int, str], tuple[Task, Task]] = {}

    def id_of(self, task: Task) -> str:
        """Return the task's content id."""
        if (page := self._ids.get(id(task))) is None:
            if len(self._ids) >= PAGES:
                self._ids.pop(next(iter(self._ids)))
            # The page holds the task, so no other can get its identity meanwhile.
            page = self._ids[id(task)] = (task, task.id)
        return page[1]

    def on(self, task: Task, device: str) -> Task:
        """Return the same task on another device of its kind."""
        if task.target.device == device:
            return task
        if (page := self._moved.get((id(task), device))) is None:
            if len(self._moved) >= PAGES:
                self._moved.pop(next(iter(self._moved)))
            moved = msgspec.structs.replace(task, target=Target(device=device))
            page = self._moved[id(task), device] = (task, moved)
        return page[1]
