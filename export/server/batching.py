"""Merges the requests of several clients into one run of the model.

TF-Serving's rules: requests for the same outputs of the same signature are
concatenated along the first axis in the order they came, padded to an allowed
size by repeating the first row of the last request, run, and split again.
"""

import asyncio
import collections
import concurrent.futures
import dataclasses
import time
from collections.abc import Callable, Hashable, Mapping

import numpy as np

from export.server import status
from export.serving_config import BatchingParameters

Arrays = dict[str, np.ndarray]
Run = Callable[[Arrays, int], Arrays]


@dataclasses.dataclass
class _Task:
    inputs: Arrays
    rows: int
    expires: float | None
    answer: asyncio.Future


@dataclasses.dataclass
class _Batch:
    run: Run
    closes: float
    tasks: list[_Task] = dataclasses.field(default_factory=list)
    rows: int = 0
    full: bool = False


class Batcher:
    """Queues of batches, all run by the same threads.

    Used from one event loop; only the model itself runs in the threads.

    Args:
      parameters: how to merge.
      threads: runs the models; at least `num_batch_threads` of them.
    """

    def __init__(
        self,
        parameters: BatchingParameters,
        threads: concurrent.futures.Executor,
    ):
        self._parameters = parameters
        self._threads = threads
        self._idle = parameters.num_batch_threads
        self._queues: dict[Hashable, collections.deque[_Batch]] = {}
        self._running: set[asyncio.Task] = set()

    async def run(
        self, key: Hashable, run: Run, inputs: Arrays, timeout_ms: int = 0
    ) -> Arrays:
        """Runs one request as part of a batch.

        Args:
          key: requests with the same key may be merged.
          run: runs the model on the merged inputs within milliseconds.
          inputs: arrays [rows, ...] by name.
          timeout_ms: 0 for none.

        Raises:
          ServingError: the request cannot be merged, the queue is full, or
            the model failed.
        """
        rows = check_inputs(inputs, self._parameters.max_batch_size)
        expires = time.monotonic() + timeout_ms / 1e3 if timeout_ms else None
        answer = asyncio.get_running_loop().create_future()
        self._enqueue(key, run, _Task(inputs, rows, expires, answer))
        self._dispatch()
        return await answer

    def _enqueue(self, key: Hashable, run: Run, task: _Task) -> None:
        queue = self._queues.setdefault(key, collections.deque())
        limit = self._parameters.max_batch_size
        if queue and queue[-1].rows + task.rows > limit:
            queue[-1].full = True
        if not queue or queue[-1].full:
            if len(queue) >= self._parameters.max_enqueued_batches:
                raise status.ServingError(
                    status.Code.UNAVAILABLE,
                    "The batch scheduling queue to which this task was "
                    f"submitted is full; currently {len(queue)} batches "
                    "enqueued and max_enqueued_batches is "
                    f"{self._parameters.max_enqueued_batches}",
                )
            wait = self._parameters.batch_timeout_micros / 1e6
            queue.append(_Batch(run, time.monotonic() + wait))
            asyncio.get_running_loop().call_later(wait, self._dispatch)
        queue[-1].tasks.append(task)
        queue[-1].rows += task.rows
        queue[-1].full = queue[-1].rows >= limit

    def _dispatch(self) -> None:
        """Starts what is due, the queues taking turns, while threads idle."""
        for key in list(self._queues):
            if not self._idle:
                return
            queue = self._queues.pop(key)
            now = time.monotonic()
            if queue and (queue[0].full or queue[0].closes <= now):
                self._idle -= 1
                work = asyncio.ensure_future(self._process(queue.popleft()))
                self._running.add(work)
                work.add_done_callback(self._finish)
                if queue:
                    self._queues[key] = queue  # At the end: others go first.
            elif queue:
                self._queues[key] = queue
                delay = max(queue[0].closes - now, 0.0)
                asyncio.get_running_loop().call_later(delay, self._dispatch)

    def _finish(self, work: asyncio.Task) -> None:
        self._running.discard(work)
        self._idle += 1
        self._dispatch()

    async def _process(self, batch: _Batch) -> None:
        tasks = batch.tasks
        try:
            timeout_ms = _remaining_ms(tasks)
            merged = merge([task.inputs for task in tasks])
            # A request of no rows gives none to repeat.
            last = next((t.inputs for t in reversed(tasks) if t.rows), None)
            size = self._parameters.padded(batch.rows) if last else 0
            padded = pad(merged, last or {}, size - batch.rows)
            loop = asyncio.get_running_loop()
            outputs = await loop.run_in_executor(
                self._threads, batch.run, padded, timeout_ms
            )
            parts = split(outputs, [task.rows for task in tasks], size)
        except Exception as error:
            for task in tasks:
                if not task.answer.done():
                    task.answer.set_exception(status.from_exception(error))
            return
        for task, part in zip(tasks, parts, strict=True):
            if not task.answer.done():
                task.answer.set_result(part)


def check_inputs(inputs: Mapping[str, np.ndarray], max_rows: int) -> int:
    """Returns the rows of a request that may be merged.

    Raises:
      ServingError: no inputs, no first axis, unequal rows, or too many.
    """
    if not inputs:
        raise status.invalid(
            "Batching Run() must have at least one input tensor"
        )
    sizes = set()
    for array in inputs.values():
        if array.ndim == 0:
            raise status.invalid(
                "Batching Run() input tensors must have at least one dimension"
            )
        sizes.add(len(array))
    if len(sizes) > 1:
        raise status.invalid(
            "Batching Run() input tensors must have equal 0th-dimension size"
        )
    rows = sizes.pop()
    if rows > max_rows:
        raise status.invalid(
            f"Task size {rows} is larger than maximum input batch size "
            f"{max_rows}"
        )
    return rows


def merge(requests: list[Arrays]) -> Arrays:
    """Concatenates requests with the same input names.

    Raises:
      ServingError: they differ in an axis other than the first.
    """
    merged = {}
    for name in requests[0]:
        arrays = [request[name] for request in requests]
        if len({array.shape[1:] for array in arrays}) > 1:
            raise status.ServingError(
                status.Code.FAILED_PRECONDITION,
                f"Tensors with name '{name}' from different tasks have "
                "different shapes and padding is turned off. Ensure that all "
                "tensors with the same name have equal dimensions starting "
                "with the first dim.",
            )
        merged[name] = np.concatenate(arrays)
    return merged


def pad(merged: Arrays, last: Arrays, rows: int) -> Arrays:
    """Appends `rows` copies of the first row of the last request."""
    if rows <= 0:
        return merged
    return {
        name: np.concatenate([array, np.repeat(last[name][:1], rows, axis=0)])
        for name, array in merged.items()
    }


def split(outputs: Arrays, rows: list[int], size: int) -> list[Arrays]:
    """Cuts outputs [size, ...] into the requests' rows; padding is dropped.

    Raises:
      ServingError: an output does not have one row per input row.
    """
    for array in outputs.values():
        if array.ndim == 0:
            raise status.ServingError(
                status.Code.FAILED_PRECONDITION,
                "Batched output tensor has 0 dimensions",
            )
        if len(array) != size:
            raise status.ServingError(
                status.Code.FAILED_PRECONDITION,
                "Batched output tensor's 0th dimension does not equal the sum "
                "of the 0th dimension sizes of the input tensors",
            )
    starts = np.cumsum([0, *rows])
    return [
        {name: array[start : start + count] for name, array in outputs.items()}
        for start, count in zip(starts, rows, strict=False)
    ]


def _remaining_ms(tasks: list[_Task]) -> int:
    """The longest time that a task still has; 0 when one has no limit.

    Raises:
      ServingError: nobody waits any longer.
    """
    now = time.monotonic()
    left = 0.0
    for task in tasks:
        if task.expires is None:
            return 0
        left = max(left, task.expires - now)
    if left <= 0:
        raise status.ServingError(
            status.Code.RESOURCE_EXHAUSTED,
            "Run() timeout exceeded while waiting in batching queue",
        )
    return max(int(left * 1e3), 1)
