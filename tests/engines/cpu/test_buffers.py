"""Recycled memory: returned when nobody looks at it any more, never before, and never too much of it."""

import threading

import numpy as np
import pytest
import torch

from normwise.engines.cpu.buffers import LARGE, Buffers

F64 = np.dtype("float64")
SIZE = LARGE // 8


@pytest.fixture
def buffers() -> Buffers:
    return Buffers(bound=4 * LARGE)


def test_a_small_result_is_not_worth_recycling(buffers: Buffers) -> None:
    array = buffers.empty(SIZE - 1, F64)
    assert array.shape == (SIZE - 1,)
    del array
    assert buffers.kept == 0


def test_a_large_one_is_recycled_for_one_of_about_its_size(buffers: Buffers) -> None:
    array = buffers.empty(2 * SIZE, F64)
    place = array.ctypes.data
    del array
    assert buffers.kept == 2 * LARGE
    assert buffers.empty(SIZE - 1, F64).ctypes.data != place
    other = buffers.empty(3 * SIZE // 2, np.dtype("float64"))
    assert other.ctypes.data == place
    assert other.shape == (3 * SIZE // 2,)
    assert buffers.kept == 0


@pytest.mark.parametrize("hold", ["view", "slice", "other dtype", "tensor", "view of tensor", "memoryview", "gradient"])
def test_whatever_looks_at_it_keeps_it(buffers: Buffers, hold: str) -> None:
    array = buffers.empty(SIZE, F64)
    array[:] = 7.0
    place = array.ctypes.data
    holder: object
    match hold:
        case "view":
            holder = array.reshape(2, -1)
        case "slice":
            holder = array[5:9]
        case "other dtype":
            holder = array.view(np.uint8)
        case "tensor":
            holder = torch.from_numpy(array)
        case "view of tensor":
            holder = torch.from_numpy(array).view(2, -1)[1]
        case "memoryview":
            holder = memoryview(array)
        case _:
            parameter = torch.nn.Parameter(torch.zeros(SIZE, dtype=torch.float64))
            parameter.grad = torch.from_numpy(array)
            holder = parameter
    del array
    assert buffers.kept == 0
    fresh = buffers.empty(SIZE, F64)
    assert fresh.ctypes.data != place
    fresh[:] = 0.0
    del holder
    if hold == "gradient":
        del parameter
    assert buffers.kept == LARGE


def test_no_more_than_the_bound_is_kept_and_the_longest_unused_goes_first(buffers: Buffers) -> None:
    arrays = [buffers.empty(SIZE, F64) for _ in range(6)]
    places = [array.ctypes.data for array in arrays]
    while arrays:
        arrays.pop(0)
        assert buffers.kept <= buffers.bound
    assert buffers.kept == 4 * LARGE
    again = [buffers.empty(SIZE, F64) for _ in range(4)]
    assert {array.ctypes.data for array in again} == set(places[2:])


def test_one_that_is_lent_for_long_does_not_keep_others_from_being_recycled(buffers: Buffers) -> None:
    gradient = buffers.empty(3 * SIZE, F64)
    gradient[:] = 7.0
    step = buffers.empty(3 * SIZE, F64)
    place = step.ctypes.data
    for _ in range(3):
        del step
        step = buffers.empty(3 * SIZE, F64)
        step[:] = 0.0
        assert step.ctypes.data == place
    assert np.all(gradient == 7.0)


def test_one_that_is_larger_than_the_bound_is_let_go(buffers: Buffers) -> None:
    array = buffers.empty(5 * SIZE, F64)
    del array
    assert buffers.kept == 0


def test_clearing_forgets_the_unused(buffers: Buffers) -> None:
    lent = buffers.empty(SIZE, F64)
    unused = buffers.empty(SIZE, F64)
    del unused
    buffers.clear()
    assert buffers.kept == 0
    del lent
    assert buffers.kept == LARGE


def test_threads_never_share_a_buffer(buffers: Buffers) -> None:
    failures: list[int] = []

    def work(mark: int) -> None:
        for _ in range(200):
            array = buffers.empty(SIZE, F64)
            array[:8] = mark
            array[-8:] = mark
            if not (np.all(array[:8] == mark) and np.all(array[-8:] == mark)):
                failures.append(mark)

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert buffers.kept <= buffers.bound
