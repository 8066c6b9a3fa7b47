"""Running ONNX graphs. The only file that imports ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _threads
from pyface.errors import ModelFileError, PyfaceError, one_line, require_extra

__all__ = ["Session", "available_providers"]

CPU = "CPUExecutionProvider"
# Larger than the input that the detector gets for any photo whose longer side is 1,280 pixels.
_LARGE_BYTES = 96 << 20


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
    chosen = [wanted] if isinstance(wanted, str) else list(wanted)
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


class Session:
    """One graph with one input and one output, ready to run from any number of threads at once.

    providers : names (or (name, options) pairs) of execution providers in order of preference; ``None`` is the CPU.
        One that is not available is an error, never a silent fallback.
    n_threads : threads of one call; ``None`` as everywhere.
    """

    def __init__(
        self,
        graph: bytes,
        *,
        name: str,
        providers: Sequence[Any] | str | None = None,
        n_threads: int | None = None,
    ) -> None:
        chosen = _providers(providers)
        onnxruntime = _runtime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _threads.resolve(n_threads)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Idle workers that spin take the processor away from the kernels that run between two calls.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Photos come in many sizes: a memory pattern for each shape seen would only be held.
        options.enable_mem_pattern = False
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=chosen)
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            raise ModelFileError(f"{name}: ONNX Runtime refuses the graph: {one_line(error)}") from error
        missing = {_name(p) for p in chosen} - set(self._session.get_providers())
        if missing:
            raise PyfaceError(f"{name}: the execution provider {', '.join(sorted(missing))} could not be started")
        # Memory given back has to be got again page by page: 5 % of the time of a photo of 1,280 pixels. But after
        # a run on something much larger the arena would keep all of its memory for good.
        self._shrink = onnxruntime.RunOptions()
        self._shrink.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name

    @property
    def output_shape(self) -> list[Any]:
        """As the graph declares it; free sizes are names."""
        return list(self._session.get_outputs()[0].shape)

    def run(self, value: NDArray[np.float32]) -> NDArray[np.float32]:
        """The output for one input. Both are float32 arrays; the call releases the GIL."""
        options = self._shrink if value.nbytes > _LARGE_BYTES else None
        result: NDArray[np.float32] = self._session.run([self._output], {self._input: value}, options)[0]
        return result


def _name(provider: Any) -> str:
    return provider if isinstance(provider, str) else str(provider[0])
