"""Running ONNX graphs. The only file that imports ONNX Runtime."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from pyface import _memory, _threads
from pyface.errors import ModelFileError, PyfaceError, one_line, require_extra

__all__ = ["Port", "Session", "available_providers"]

CPU = "CPUExecutionProvider"
# More than the input that a detector gets for any photo whose longer side is 1,280 pixels, by the bytes of a number:
# dlib's takes a pyramid of floats, the others take the photo as it is.
_LARGE_BYTES = {4: 96 << 20, 1: 5 << 20}


def _runtime() -> ModuleType:
    """ONNX Runtime, silenced: its official builds report every session to their maker, and we promise that none does.

    The variable is read once, when the library is loaded. If the caller has loaded it before us, or on Windows, where
    it is not read, the function stops what would still be sent.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    onnxruntime = require_extra("onnxruntime")
    onnxruntime.disable_telemetry_events()
    return onnxruntime


def available_providers() -> list[str]:
    """The execution providers of the installed ONNX Runtime, best first."""
    return list(_runtime().get_available_providers())


def _providers(wanted: Sequence[Any] | str | None) -> list[Any]:
    if wanted is None:
        return [CPU]
    chosen = [wanted] if isinstance(wanted, str) else list(wanted) if isinstance(wanted, Sequence) else [wanted]
    for one in chosen:
        if not isinstance(one, str) and not (isinstance(one, tuple | list) and one and isinstance(one[0], str)):
            raise TypeError(f"providers must be names of execution providers, or (name, options), got {one!r}")
    if not chosen:
        raise ValueError("providers must name at least one execution provider, or be None for the CPU")
    available = available_providers()
    for provider in chosen:
        name = provider if isinstance(provider, str) else provider[0]
        # ONNX Runtime itself would go on with the CPU and a warning.
        if name not in available:
            raise PyfaceError(
                f"the execution provider {name!r} is not available; this ONNX Runtime has: {', '.join(available)}"
            )
    return chosen


class Port(NamedTuple):
    """An input or output of a graph. Free sizes in ``shape`` are names or None; ``kind`` is ONNX Runtime's, as in
    ``"tensor(float)"``.
    """

    name: str
    shape: tuple[int | str | None, ...]
    kind: str


class _Held:
    """A session of ONNX Runtime, and the process that made it: the only one that may end it.

    Ending it joins the threads of its pool. A child of a fork has a copy of the session without those threads, and
    would wait for them for ever, or crash. So there it is never ended: one reference too many keeps it until the child
    itself is gone, also where Python cleans up at exit.
    """

    __slots__ = ("process", "session")

    def __init__(self, session: Any) -> None:
        self.process, self.session = os.getpid(), session

    def __del__(
        self,
        getpid: Callable[[], int] = os.getpid,  # arguments, as globals may be gone at exit
        keep: Any = ctypes.pythonapi.Py_IncRef,
        whole: Any = ctypes.py_object,
    ) -> None:
        if self.process != getpid():
            keep(whole(self.session))


class Session:
    """One graph, ready to run from any number of threads at once.

    providers : names (or (name, options) pairs) of execution providers in order of preference; ``None`` is the CPU.
        One that is not available is an error, never a silent fallback.
    n_threads : threads of one call; ``None`` as everywhere.
    prepack : whether weights are laid out once more for products of many rows. Where each call has one row that takes
        time and memory at the start and gives none back.

    A child of a fork may use, drop and inherit it like its own: what ONNX Runtime holds is made anew when the child
    first runs it, from the graph, which is kept for that.
    """

    def __init__(
        self,
        graph: bytes,
        *,
        name: str,
        providers: Sequence[Any] | str | None = None,
        n_threads: int | None = None,
        prepack: bool = True,
    ) -> None:
        self._prepack = prepack
        self._graph, self._graph_name = graph, name
        self._providers, self._n_threads = _providers(providers), n_threads
        # One of each process, by its number: that of the parent may be held for ever in a child.
        self._locks: dict[int, threading.Lock] = {}
        self._held = self._start()
        # Memory given back has to be got again page by page: 5 % of the time of a photo of 1,280 pixels. But after
        # a run on something much larger the arena would keep all of its memory for good.
        self._shrink = _runtime().RunOptions()
        self._shrink.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self.inputs = tuple(Port(one.name, tuple(one.shape), one.type) for one in self._held.session.get_inputs())
        self.outputs = tuple(Port(one.name, tuple(one.shape), one.type) for one in self._held.session.get_outputs())

    def _start(self) -> _Held:
        onnxruntime = _runtime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _threads.resolve(self._n_threads)
        options.inter_op_num_threads = 1
        # Nothing: what it would print is in its exceptions as well.
        options.log_severity_level = 4
        # Idle workers that spin take the processor away from the kernels that run between two calls.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not self._prepack:
            options.add_session_config_entry("session.disable_prepacking", "1")
        # Photos come in many sizes: a memory pattern for each shape seen would only be held.
        options.enable_mem_pattern = False
        name = self._graph_name
        with _memory.told(f"to load {name}", "end what else takes memory"):
            try:
                # Without the fallback: Python's part of it would go on with the CPU after an error, and print that.
                session = onnxruntime.InferenceSession(
                    self._graph, options, providers=self._providers, enable_fallback=0
                )
                held = _Held(session)
            except Exception as error:  # ONNX Runtime's exceptions share no base of their own
                if _memory.ran_out(error):
                    raise
                raise ModelFileError(f"{name}: ONNX Runtime refuses the graph: {one_line(error)}") from error
        missing = {_name(p) for p in self._providers} - set(held.session.get_providers())
        if missing:
            raise PyfaceError(f"{name}: the execution provider {', '.join(sorted(missing))} could not be started")
        return held

    def _here(self) -> Any:
        """ONNX Runtime's session of this process."""
        process = os.getpid()
        if self._held.process != process:
            with self._locks.setdefault(process, threading.Lock()):
                if self._held.process != process:
                    self._held = self._start()
        return self._held.session

    @property
    def is_on_cpu(self) -> bool:
        """Whether it computes in the memory of this machine alone."""
        return [_name(provider) for provider in self._providers] == [CPU]

    @property
    def input_shape(self) -> list[Any]:
        """Of the first input, as the graph declares it; free sizes are names."""
        return list(self.inputs[0].shape)

    @property
    def output_shape(self) -> list[Any]:
        """Of the first output, as the graph declares it; free sizes are names."""
        return list(self.outputs[0].shape)

    def run(self, value: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """The first output for one input, float32 or uint8 as the graph wants it. The call releases the GIL.

        MemoryError if ONNX Runtime has no memory left for it. Smaller inputs can be run afterwards.
        """
        result: NDArray[np.float32] = self._run([self.outputs[0].name], (value,))[0]
        return result

    def run_all(self, *values: NDArray[Any]) -> list[NDArray[Any]]:
        """Every output, in the order of the graph, for a value for each input in its order. Otherwise as :meth:`run`.

        What the runtime refuses, as sizes that the graph cannot take, is a ModelFileError.
        """
        try:
            return self._run([port.name for port in self.outputs], values)
        except MemoryError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            raise ModelFileError(f"{self._graph_name}: ONNX Runtime cannot run it: {one_line(error)}") from error

    def _run(self, names: list[str], values: tuple[NDArray[Any], ...]) -> list[NDArray[Any]]:
        value = values[0]
        options = self._shrink if value.nbytes > _LARGE_BYTES.get(value.itemsize, 5 << 20) else None
        shape = " x ".join(map(str, value.shape))
        given = {port.name: value for port, value in zip(self.inputs, values, strict=True)}
        with _memory.told(f"to run {self._graph_name} on {shape} numbers", "give it a smaller input"):
            results: list[NDArray[Any]] = self._here().run(names, given, options)
        return results

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self._graph_name}: a network that is loaded cannot be pickled or copied; models of pyface.models.load "
            "can, since they are loaded again"
        )


def _name(provider: Any) -> str:
    return provider if isinstance(provider, str) else str(provider[0])
