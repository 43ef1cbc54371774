"""The engine on a Ray cluster: two nodes on this host, whose processes are killed for real."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from processes import command_of, wait_until_gone, workers_below
from sources import candidate, task

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import UsageError
from warpsmith.core.verdict import Rejected, Stage, Verdict
from warpsmith.engine import EXECUTORS
from warpsmith.engine.engine import Engine, Wanted
from warpsmith.engine.ray_crew import Ray, import_ray
from warpsmith.engine.ray_places import Node, builders_for, cpu_share, nodes_of, places_for
from warpsmith.worker.process import descendants

T = TypeVar("T")
LONG_S = 500.0
# Only Ray's start and a worker's import of torch take long, and both many times as long on a busy machine.
pytestmark = pytest.mark.timeout(600)
# A node that is killed is to be missed in seconds; Ray's own default is half a minute.
IMPATIENT = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_failure_threshold": 3,
}
OBJECTS_BYTES = 100 << 20

FIRST, SECOND, PLAIN = Node("1", "a", 16, 2), Node("2", "b", 16, 1), Node("3", "c", 4, 0)
CLUSTER = [FIRST, SECOND, PLAIN]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, LONG_S))


def wrong(number: int, *, sleeps_s: float = 0.0) -> Candidate:
    """Return a candidate that is told apart from the others, and rejected without any timing."""
    return candidate(f"x * 3 + {number}", top="import time", body=f"time.sleep({sleeps_s})")


def posts() -> list[int]:
    """Actors of devices below this process."""
    return [below for below in descendants(os.getpid()) if command_of(below)[0].startswith("ray::Post")]


async def verdicts_of(
    engine: Engine, asked: list[Candidate], meanwhile: Coroutine[Any, Any, None]
) -> dict[int, Verdict]:
    """Return all verdicts by number; `meanwhile` runs while they are reached."""
    other = asyncio.create_task(meanwhile)
    wanted = (Wanted(number, task(), one) for number, one in enumerate(asked))
    given = [(one.key, one.verdict) async for one in engine.stream(wanted)]
    await other
    assert sorted(key for key, _ in given) == list(range(len(asked))), "one verdict each"
    return dict(given)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of two nodes of one CPU each."""
    import_ray()
    # By name: Ray's types say little of it, and it must not be the first to import Ray.
    cluster_of: Any = importlib.import_module("ray.cluster_utils").Cluster
    node = {"num_cpus": 1, "object_store_memory": OBJECTS_BYTES}
    made = cluster_of(
        initialize_head=True,
        head_node_args={**node, "include_dashboard": False, "_system_config": IMPATIENT},
    )
    made.add_node(**node)
    yield made
    made.shutdown()


def on(cluster: Any, **options: int) -> Engine:
    return Engine(Ray(address=cluster.address, **options).open(("cpu",)))


def test_a_killed_actor_costs_nobody_a_verdict_and_says_nothing_on_stdout(
    cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async def kill() -> None:
        while not workers_below(os.getpid()):
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        for pid in posts():
            os.kill(pid, signal.SIGKILL)

    async def work() -> dict[int, Verdict]:
        async with on(cluster, nodes=1) as engine:
            return await verdicts_of(engine, [wrong(n, sleeps_s=1) for n in range(3)], kill())

    found = run(work())
    assert {type(verdict) for verdict in found.values()} == {Rejected}, found
    assert workers_below(os.getpid()) == []
    assert capsys.readouterr().out == ""


def test_what_does_not_build_is_refused_by_a_builder(cluster: Any) -> None:
    async def work() -> tuple[Verdict, Verdict, float]:
        async with on(cluster, nodes=1, builders=1) as engine:
            assert engine.facilities.builders == 1
            broken = await engine.verify(task(), candidate(top="import no_such_library"))
            judged_s = engine.gauge.state(0).stage_s["judge"]
            return broken, await engine.verify(task(), wrong(1)), judged_s

    broken, well_built, judged_s = run(work())
    assert isinstance(broken, Rejected), broken
    assert (broken.stage, judged_s) == (Stage.BUILD, 0), "no lane was asked"
    assert isinstance(well_built, Rejected), well_built
    assert well_built.stage is Stage.COMPARE
    assert workers_below(os.getpid()) == []


def test_the_work_of_a_lost_node_is_done_elsewhere(cluster: Any) -> None:
    """The last test on this cluster: it has one node less afterwards."""

    async def kill() -> None:
        await asyncio.sleep(0.5)
        (second,) = cluster.worker_nodes
        await asyncio.to_thread(cluster.remove_node, second, allow_graceful=False)

    async def work() -> tuple[int, dict[int, Verdict]]:
        async with on(cluster) as engine:
            devices = {lane.device for lane in engine.facilities.lanes}
            asked = [wrong(n, sleeps_s=1) for n in range(6)]
            return len(devices), await verdicts_of(engine, asked, kill())

    devices, found = run(work())
    assert devices == 2
    assert {type(verdict) for verdict in found.values()} == {Rejected}, found
    assert workers_below(os.getpid()) == []


OPEN_AND_WAIT = """
import asyncio
from warpsmith.engine.engine import Engine
from warpsmith.engine.ray_crew import Ray

async def wait():
    async with Engine(Ray().open(("cpu",))):
        print("open", flush=True)
        await asyncio.sleep(3600)

asyncio.run(wait())
"""


def is_of_warpsmith(command: list[str]) -> bool:
    """Whether it does our work; agents of Ray's own see a minute later that their node is gone."""
    return command[0].startswith("ray::Post") or any(word.startswith("warpsmith") for word in command)


def test_killed_by_force_it_leaves_no_work_behind() -> None:
    command = [sys.executable, "-c", OPEN_AND_WAIT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == "open\n"
        below = {pid: command_of(pid) for pid in descendants(engine.pid)}
        engine.kill()
    ours = {pid: command[0] for pid, command in below.items() if is_of_warpsmith(command)}
    assert any(name.startswith("ray::Post") for name in ours.values())
    assert wait_until_gone(list(ours)) == []


@pytest.mark.parametrize("address", ["127.0.0.1:1", "somewhere"])
def test_a_cluster_that_is_not_there_is_a_usage_error(address: str) -> None:
    start = time.monotonic()
    with pytest.raises(UsageError, match="ray start --head"):
        run(Ray(address=address).open(("cpu",)).start())
    assert time.monotonic() - start < 60, "Ray's own patience is minutes"


def test_without_ray_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'warpsmith\[ray\]'"):
        run(Ray().open(("cpu",)).start())


@pytest.mark.parametrize("options", [{"lanes": "-1"}, {"gpus": "-1"}, {"address": "ray://head:10001"}])
def test_odd_options_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        EXECUTORS.make("ray", options).open(("cpu",))


def devices(*wanted: str, of: list[Node] | None = None, **limits: int) -> list[str]:
    return [place.device for place in places_for(wanted, CLUSTER if of is None else of, **limits)]


def test_every_gpu_of_the_cluster_is_used_unless_fewer_are_asked_for() -> None:
    assert devices("cuda") == devices("auto") == ["a/cuda:0", "a/cuda:1", "b/cuda:0"]
    assert devices("cuda", gpus=2) == devices("cuda", nodes=1) == ["a/cuda:0", "a/cuda:1"]


def test_without_gpus_every_node_s_cpu_is_used() -> None:
    assert devices("auto", of=[PLAIN]) == ["c/cpu"]
    assert devices("cpu") == ["a/cpu", "b/cpu", "c/cpu"]
    assert devices("cpu", nodes=1) == ["a/cpu"]


@pytest.mark.parametrize(("wanted", "nodes"), [("cuda", [PLAIN]), ("cuda:0", CLUSTER), ("cpu", [])])
def test_a_device_that_the_cluster_can_t_give_is_a_usage_error(wanted: str, nodes: list[Node]) -> None:
    with pytest.raises(UsageError):
        devices(wanted, of=nodes)


def test_builders_stand_on_the_nodes_of_devices_alone() -> None:
    assert builders_for(places_for(("cuda",), CLUSTER), 0) == {FIRST: 8, SECOND: 8}
    assert builders_for(places_for(("cpu",), [PLAIN]), 0) == {PLAIN: 0}
    assert builders_for(places_for(("cpu",), CLUSTER), 3) == {FIRST: 3, SECOND: 3, PLAIN: 3}


@pytest.mark.parametrize(("cpus", "actors"), [(16, 10), (16, 16), (2, 9), (3, 7)])
def test_the_actors_of_a_node_ask_for_no_more_than_it_has(cpus: int, actors: int) -> None:
    share = cpu_share(Node("1", "a", cpus, 0), actors)
    assert 0 < share <= 1
    assert share * actors <= cpus


def test_nodes_of_one_host_have_different_names_and_dead_ones_none() -> None:
    def listed(node: str, host: str, *, alive: bool = True, **resources: float) -> dict[str, Any]:
        return {"NodeID": node, "NodeManagerHostname": host, "Alive": alive, "Resources": resources}

    found = nodes_of(
        [
            listed("aaaaaaaaaa", "one", CPU=2.0),
            listed("bbbbbbbbbb", "one", CPU=2.0),
            listed("c", "two", CPU=8.0, GPU=4.0),
            listed("d", "gone", alive=False, CPU=8.0),
        ]
    )
    assert [node.name for node in found] == ["two", "one-aaaaaaaa", "one-bbbbbbbb"]
    assert [node.gpus for node in found] == [4, 0, 0]
