"""Merging, padding and splitting requests, without a model."""

import asyncio
import concurrent.futures
import threading
from typing import Any

import numpy as np
import pytest

from export import serving_config
from export.server import batching, status


def rows(*values):
    return {"x": np.array(values, np.float32)}


def run_all(parameters, requests, run, timeout_ms=0) -> list[Any]:
    """Sends the requests at once; returns the answers and errors."""

    async def ask():
        batcher = batching.Batcher(parameters, threads)
        return await asyncio.gather(
            *(
                batcher.run("key", run, request, timeout_ms)
                for request in requests
            ),
            return_exceptions=True,
        )

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        return asyncio.run(ask())


def parameters(**values):
    defaults = {"batch_timeout_micros": 20_000, "num_batch_threads": 1}
    return serving_config.BatchingParameters(**{**defaults, **values})


def test_requests_share_runs_of_allowed_sizes():
    seen = []

    def run(inputs, timeout_ms):
        seen.append(inputs["x"].tolist())
        return {"y": inputs["x"] * 2}

    answers = run_all(
        parameters(max_batch_size=4, allowed_batch_sizes=(2, 4)),
        [rows(1), rows(2, 3), rows(4, 5)],
        run,
    )
    # The third does not fit; the first row of the last request pads.
    assert seen == [[1, 2, 3, 2], [4, 5]]
    assert [a["y"].tolist() for a in answers] == [[2], [4, 6], [8, 10]]


@pytest.mark.parametrize("sizes", [(), (2, 4)])
def test_a_request_of_no_rows_harms_nobody(sizes):
    answers = run_all(
        parameters(max_batch_size=4, allowed_batch_sizes=sizes),
        [rows(1), rows(2, 3), rows()],
        lambda inputs, timeout_ms: {"y": inputs["x"] * 2},
    )
    assert [a["y"].tolist() for a in answers] == [[2], [4, 6], []]
    alone = run_all(
        parameters(max_batch_size=4, allowed_batch_sizes=sizes),
        [rows()],
        lambda inputs, timeout_ms: {"y": inputs["x"] * 2},
    )
    assert alone[0]["y"].tolist() == []


def test_a_failing_run_fails_its_requests_alone():
    def run(inputs, timeout_ms):
        if (inputs["x"] < 0).any():
            raise ValueError("negative")
        return {"y": inputs["x"]}

    answers = run_all(
        parameters(max_batch_size=2), [rows(-1, -2), rows(3, 4)], run
    )
    assert isinstance(answers[0], status.ServingError)
    assert answers[0].code is status.Code.INVALID_ARGUMENT
    assert answers[1]["y"].tolist() == [3, 4]


def test_a_full_queue_refuses():
    release = threading.Event()

    def run(inputs, timeout_ms):
        release.wait(5)
        return {"y": inputs["x"]}

    async def ask(threads):
        batcher = batching.Batcher(
            parameters(
                max_batch_size=1, max_enqueued_batches=1, batch_timeout_micros=0
            ),
            threads,
        )
        tasks = [
            asyncio.ensure_future(batcher.run("k", run, rows(i)))
            for i in range(3)
        ]
        await asyncio.sleep(0.1)
        release.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        answers: list[Any] = asyncio.run(ask(threads))
    refused = answers[2]
    assert isinstance(refused, status.ServingError)
    assert refused.code is status.Code.UNAVAILABLE
    assert [a["y"].tolist() for a in answers[:2]] == [[0], [1]]


def test_time_out_while_waiting():
    answers = run_all(
        parameters(max_batch_size=8, batch_timeout_micros=50_000),
        [rows(1)],
        lambda inputs, timeout_ms: {"y": inputs["x"]},
        timeout_ms=1,
    )
    assert answers[0].code is status.Code.RESOURCE_EXHAUSTED
    assert "waiting in batching queue" in answers[0].message


def test_requests_of_other_shapes_are_not_merged():
    wide = {"x": np.zeros([1, 3], np.float32)}
    answers = run_all(
        parameters(max_batch_size=2),
        [rows(1), wide],
        lambda inputs, timeout_ms: inputs,
    )
    assert {a.code for a in answers} == {status.Code.FAILED_PRECONDITION}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "at least one input tensor"),
        ({"x": np.float32(1)}, "at least one dimension"),
        ({"x": np.zeros(1), "y": np.zeros(2)}, "equal 0th-dimension size"),
        ({"x": np.zeros(9)}, "Task size 9 is larger than maximum input batch"),
    ],
)
def test_what_cannot_be_merged(inputs, message):
    arrays = {name: np.asarray(value) for name, value in inputs.items()}
    with pytest.raises(status.ServingError, match=message) as info:
        batching.check_inputs(arrays, 8)
    assert info.value.code is status.Code.INVALID_ARGUMENT
