"""Reads GPUs through NVML, by the real `pynvml` (nvidia-ml-py), which is imported only here and only when used."""

import ctypes
import importlib
import math
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from spanwand.gpu import processes, samples
from spanwand.gpu.queries import FIELD_VALUES, PROCESSES, QUERIES, Query
from spanwand.gpu.reader import GpuUnavailable
from spanwand.gpu.visible import Visible, visible_devices
from spanwand.gpu_sample import GpuSample, Sharing

LIBRARY = "libnvidia-ml.so.1"
_ABSENT = ("NVML_ERROR_LIBRARY_NOT_FOUND", "NVML_ERROR_DRIVER_NOT_LOADED", "NVML_ERROR_NOT_FOUND")
_DRIVER_LOST = ("NVML_ERROR_UNINITIALIZED", "NVML_ERROR_DRIVER_NOT_LOADED", "NVML_ERROR_LIB_RM_VERSION_MISMATCH")
"""Errors after which no handle is worth anything."""
_DEVICE_LOST = ("NVML_ERROR_GPU_IS_LOST", "NVML_ERROR_RESET_REQUIRED", "NVML_ERROR_GPU_NOT_FOUND")
_NEVER = (
    *("NVML_ERROR_NOT_SUPPORTED", "NVML_ERROR_FUNCTION_NOT_FOUND", "NVML_ERROR_NO_PERMISSION"),
    *("NVML_ERROR_INVALID_ARGUMENT", "NVML_ERROR_ARGUMENT_VERSION_MISMATCH", "NVML_ERROR_DEPRECATED"),
)
"""Errors that the same call will give again."""

Ask = Callable[[], dict[str, Any]]


class Device(msgspec.Struct):
    """A device and what can be asked of it. Mutable: what it never answers is not asked again."""

    handle: Any
    uuid: str
    index: str
    name: str
    sharing: str
    asks: list[Ask]


class NvmlReader:
    """The visible devices of this machine."""

    def __init__(self, visible: Visible | None = None) -> None:
        """Open the driver. Raises GpuUnavailable."""
        self._nvml = _pynvml()
        self._is_open = False
        self._codes = {name: getattr(self._nvml, name) for name in (*_ABSENT, *_DRIVER_LOST, *_DEVICE_LOST, *_NEVER)}
        self._never = {self._codes[name] for name in _NEVER}
        self._driver_lost = {self._codes[name] for name in _DRIVER_LOST}
        self._device_lost = {self._codes[name] for name in _DEVICE_LOST}
        self._refused = ""
        try:
            self._nvml.nvmlInit()
            self._is_open = True
            self._devices = list(self._find(visible_devices(os.environ) if visible is None else visible))
        except self._nvml.NVMLError as error:
            self.close()
            raise self._unavailable(error) from None
        if not self._devices:
            self.close()
            why = f": {self._refused}" if self._refused else ""
            raise GpuUnavailable(f"the driver shows no GPU to this container{why}", is_absent=not why)

    def read(self) -> list[GpuSample]:
        """See `GpuReader`."""
        return [self._sample(device) for device in self._devices]

    def close(self) -> None:
        """See `GpuReader`."""
        if self._is_open:
            self._is_open = False
            try:
                self._nvml.nvmlShutdown()
            except self._nvml.NVMLError:
                return  # it went before us

    def _sample(self, device: Device) -> GpuSample:
        time_ns, fields, trouble = time.time_ns(), dict[str, Any](), "it answers nothing"
        for ask in tuple(device.asks):
            try:
                fields |= ask()
            except self._nvml.NVMLError as error:
                if error.value in self._driver_lost:
                    raise self._unavailable(error) from None
                trouble = str(error)
                if error.value in self._device_lost:
                    fields.clear()
                    break
                if error.value in self._never:
                    device.asks.remove(ask)
        said = fields or {"trouble": trouble}
        return GpuSample(time_ns, device.uuid, device.index, device.name, device.sharing, **said)

    def _find(self, visible: Visible) -> Iterator[Device]:
        """The GPUs and their slices; a GPU is there too if only a slice is visible, for it alone knows its power."""
        nvml = self._nvml
        handles = [(number, self._handle(number)) for number in range(nvml.nvmlDeviceGetCount())]
        found = [self._device(handle, str(number), visible) for number, handle in handles if handle is not None]
        slices = {gpu.uuid: list(self._slices(gpu, visible)) for gpu in found}
        numbers = {gpu.uuid: gpu.index for gpu in found}
        for gpu in found:
            numbers |= {device.uuid: f"{gpu.index}:{place}" for place, device in enumerate(slices[gpu.uuid])}
        chosen = visible.choose(numbers)
        for gpu in found:
            mine = [device for device in slices[gpu.uuid] if {device.uuid, gpu.uuid} & chosen]
            if gpu.uuid in chosen or mine:
                yield gpu
                yield from mine

    def _handle(self, number: int) -> Any:
        """A device's handle; None if it cannot be had: it is another container's, or lost."""
        try:
            return self._nvml.nvmlDeviceGetHandleByIndex(number)
        except self._nvml.NVMLError as error:
            if error.value in self._device_lost | self._never:
                self._refused = str(error)
                return None
            raise

    def _device(self, handle: Any, index: str, visible: Visible) -> Device:
        nvml = self._nvml
        uuid = nvml.nvmlDeviceGetUUID(handle)
        name = self._maybe(partial(nvml.nvmlDeviceGetName, handle), "")
        mode = self._maybe(partial(nvml.nvmlDeviceGetVirtualizationMode, handle), None)
        sharing = Sharing.TIME_SLICED if uuid in visible.replicas else Sharing.NONE
        if mode == nvml.NVML_GPU_VIRTUALIZATION_MODE_VGPU:
            sharing = Sharing.VGPU
        return Device(handle, uuid, index, name, sharing, self._asks(handle))

    def _slices(self, gpu: Device, visible: Visible) -> Iterator[Device]:
        nvml = self._nvml
        mode, _ = self._maybe(partial(nvml.nvmlDeviceGetMigMode, gpu.handle), (0, 0))
        if mode != nvml.NVML_DEVICE_MIG_ENABLE:
            return
        for number in range(self._maybe(partial(nvml.nvmlDeviceGetMaxMigDeviceCount, gpu.handle), 0)):
            handle = self._maybe(partial(nvml.nvmlDeviceGetMigDeviceHandleByIndex, gpu.handle, number), None)
            if handle is not None:
                instance = self._maybe(partial(nvml.nvmlDeviceGetGpuInstanceId, handle), number)
                device = self._device(handle, f"{gpu.index}.{instance}", visible)
                device.sharing = device.sharing or Sharing.MIG
                if "MIG" not in device.name:  # what drivers call it differs
                    profile = _profile(self._maybe(partial(nvml.nvmlDeviceGetAttributes_v2, handle), None))
                    device.name = f"{gpu.name} MIG {profile}".rstrip()
                yield device

    def _asks(self, handle: Any) -> list[Ask]:
        """In this order: what comes later, and is known, is better."""
        buffers = [partial(samples.ask, self._nvml, handle, buffer) for buffer in samples.buffers()]
        return [
            partial(self._field_values, handle),
            *(partial(self._ask, handle, query) for query in QUERIES),
            partial(self._processes, handle, processes.Busy()),
            *buffers,
        ]

    def _ask(self, handle: Any, query: Query) -> dict[str, Any]:
        nvml = self._nvml
        arguments = [getattr(nvml, value) if isinstance(value, str) else value for value in query.arguments]
        for name in query.functions[:-1]:
            try:
                answer = getattr(nvml, name)(handle, *arguments)
                break
            except nvml.NVMLError as error:
                if error.value != self._codes["NVML_ERROR_FUNCTION_NOT_FOUND"]:
                    raise
        else:
            answer = getattr(nvml, query.functions[-1])(handle, *arguments)
        return {field: convert(answer) for field, convert in query.fields.items()}

    def _processes(self, handle: Any, busy: processes.Busy) -> dict[str, Any]:
        """That a driver does not say how busy they are is no reason not to say that they are there."""
        running = self._ask(handle, PROCESSES)["processes"]
        return {"processes": processes.together(running, processes.utilization(self._nvml, handle, busy))}

    def _field_values(self, handle: Any) -> dict[str, Any]:
        """One call, each value with an error of its own."""
        nvml, fields = self._nvml, dict[str, Any]()
        wanted = [(getattr(nvml, one.name), one.scope) for one in FIELD_VALUES]
        for one, value in zip(FIELD_VALUES, nvml.nvmlDeviceGetFieldValues(handle, wanted), strict=True):
            if value.nvmlReturn == nvml.NVML_SUCCESS:
                known = samples.number(value.value, value.valueType)
                fields |= {} if known is None else {one.field: int(known) * one.scale}
        return fields

    def _maybe(self, call: Callable[[], Any], otherwise: Any) -> Any:
        """What a call answers; `otherwise` if this device or driver cannot."""
        try:
            return call()
        except self._nvml.NVMLError as error:
            if error.value in self._driver_lost:
                raise
            return otherwise

    def _unavailable(self, error: Any) -> GpuUnavailable:
        return GpuUnavailable(str(error), is_absent=error.value in {self._codes[name] for name in _ABSENT})


def _profile(slice_: Any) -> str:
    """What kind of slice it is, as NVIDIA writes it: compute slices if they are fewer, GPU slices, memory."""
    if slice_ is None:
        return ""
    compute, gpu = slice_.computeInstanceSliceCount, slice_.gpuInstanceSliceCount
    part = f"{compute}c." if compute < gpu else ""
    return f"{part}{gpu}g.{math.ceil(slice_.memorySizeMB / 1024)}gb"


def _pynvml() -> Any:
    """The module; looked for only once the library is there, because most machines have none."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        raise GpuUnavailable("no GPU: NVML's library is not found", is_absent=True) from None
    try:
        return importlib.import_module("pynvml")
    except ImportError:
        raise GpuUnavailable("nvidia-ml-py is not installed: pip install 'spanwand[gpu]'", is_absent=True) from None
