"""Reading CUPTI's records, from a library of its form that says what a GPU would have done.

The library is compiled against CUPTI's own header, as Triton brings it: an offset that is off shows here.
"""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest
import triton

from warpsmith.worker.cupti import Activity, Recorder, recorder

FAKE = r"""
#include <cstring>
#include <cupti.h>
#include <initializer_list>

static CUpti_BuffersCallbackRequestFunc lend;
static CUpti_BuffersCallbackCompleteFunc complete;
static int refused = 0;
static unsigned enabled = 0;
static int is_damaged = 0;

template <typename T> static size_t put(uint8_t *to, const T &record) {
  memcpy(to, &record, sizeof record);
  return sizeof record;
}

extern "C" {
void refuse(int kind) { refused = kind; }
void damage(int yes) { is_damaged = yes; }
unsigned still_enabled() { return enabled; }

CUptiResult cuptiActivityRegisterCallbacks(
    CUpti_BuffersCallbackRequestFunc requested, CUpti_BuffersCallbackCompleteFunc completed) {
  lend = requested;
  complete = completed;
  return CUPTI_SUCCESS;
}

CUptiResult cuptiActivityEnable(CUpti_ActivityKind kind) {
  if (kind == refused) return CUPTI_ERROR_NOT_COMPATIBLE;
  enabled |= 1u << kind;
  return CUPTI_SUCCESS;
}

CUptiResult cuptiActivityDisable(CUpti_ActivityKind kind) {
  enabled &= ~(1u << kind);
  return CUPTI_SUCCESS;
}

CUptiResult cuptiActivityFlushAll(uint32_t) {
  CUpti_ActivityKernel9 kernel = {};
  kernel.kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL;
  kernel.start = 1000;
  kernel.end = 4500;
  kernel.correlationId = 7;
  CUpti_ActivityMemcpy6 copy = {};
  copy.kind = CUPTI_ACTIVITY_KIND_MEMCPY;
  copy.start = 50;
  copy.end = 80;
  CUpti_ActivityMemset4 fill = {};
  fill.kind = CUPTI_ACTIVITY_KIND_MEMSET;
  fill.start = 5;
  fill.end = 6;
  CUpti_ActivityOverhead3 other = {};
  other.kind = CUPTI_ACTIVITY_KIND_OVERHEAD;
  for (const char *name : {"_ZN4mine4workILi4EEEvPf", "triton_softmax"}) {
    uint8_t *buffer = nullptr;
    size_t size = 0, most = 0, used = 0;
    lend(&buffer, &size, &most);
    kernel.name = name;
    used += put(buffer + used, kernel);
    used += put(buffer + used, other);
    used += put(buffer + used, copy);
    used += put(buffer + used, fill);
    complete(nullptr, 0, buffer, size, used);
  }
  return CUPTI_SUCCESS;
}

CUptiResult cuptiActivityGetNextRecord(uint8_t *buffer, size_t valid, CUpti_Activity **record) {
  static const size_t sizes[] = {sizeof(CUpti_ActivityKernel9), sizeof(CUpti_ActivityOverhead3),
                                 sizeof(CUpti_ActivityMemcpy6), sizeof(CUpti_ActivityMemset4)};
  size_t at = 0;
  int step = 0;
  if (*record)
    for (; buffer + at <= (uint8_t *)*record; ++step) at += sizes[step];
  if (at >= valid) return is_damaged ? CUPTI_ERROR_INVALID_PARAMETER : CUPTI_ERROR_MAX_LIMIT_REACHED;
  *record = (CUpti_Activity *)(buffer + at);
  return CUPTI_SUCCESS;
}
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("cupti")
    source, built = folder / "fake.cpp", folder / "libfake.so"
    source.write_text(FAKE)
    include = Path(triton.__file__).parent / "backends" / "nvidia" / "include"
    command = ["g++", "-O1", "-w", "-fPIC", "-shared", f"-I{include}", str(source), "-o", str(built)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(built))


def test_kernels_copies_and_fills_are_seen_with_their_names_and_times(library: ctypes.CDLL) -> None:
    told: list[str] = []
    seen = Recorder(library).record(lambda: told.append("called"), lambda: told.append("waited"))
    assert seen == [
        Activity("void mine::work<4>(float*)", 3500),
        Activity("Memcpy", 30),
        Activity("Memset", 1),
        Activity("triton_softmax", 3500),
        Activity("Memcpy", 30),
        Activity("Memset", 1),
    ]
    assert told == ["waited", "called", "waited"]
    assert library.still_enabled() == 0


def test_a_recorder_begins_anew_with_every_call(library: ctypes.CDLL) -> None:
    found = Recorder(library)
    first = found.record(lambda: None, lambda: None)
    assert found.record(lambda: None, lambda: None) == first


def test_a_call_that_raises_leaves_nothing_switched_on(library: ctypes.CDLL) -> None:
    def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Recorder(library).record(fails, lambda: None)
    assert library.still_enabled() == 0


def test_where_kernels_cant_be_recorded_nothing_is_said(library: ctypes.CDLL) -> None:
    library.refuse(10)
    try:
        assert Recorder(library).record(lambda: None, lambda: None) is None
    finally:
        library.refuse(0)


def test_of_records_that_break_off_nothing_is_said(library: ctypes.CDLL) -> None:
    library.damage(1)
    try:
        assert Recorder(library).record(lambda: None, lambda: None) is None
    finally:
        library.damage(0)
    assert Recorder(library).record(lambda: None, lambda: None)


def test_a_torch_without_cupti_has_no_recorder() -> None:
    if "/libcupti.so" in Path("/proc/self/maps").read_text():
        assert recorder() is not None
    else:
        assert recorder() is None
