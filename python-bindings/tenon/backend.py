"""The interface of ONNX for backends (onnx.backend.base), as the ONNX backend test suite uses it.

    import tenon.backend
    outputs = tenon.backend.run_model(model, [x])

Needs the Python package onnx. Devices: "CPU", and "VGPU", the virtual GPU.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.shape_inference
from onnx.backend.base import Backend, BackendRep

from ._plan import compile as _compile
from ._session import Session, cpu_arch

_TARGETS = {"CPU": "cpu", "VGPU": "vgpu"}


class TenonBackendRep(BackendRep):
    """A model that was compiled."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs in model order. `inputs`: a value for each input in model order, or a mapping of names.

        Values are arrays, lists of arrays for sequences, and None for empty optionals, as for tenon.Session.run.
        """
        if not isinstance(inputs, Mapping):
            inputs = dict(zip((info.name for info in self.session.inputs), _as_sequence(inputs), strict=True))
        return tuple(self.session.run(None, inputs))


class TenonBackend(Backend):
    """Compiles for the machine it runs on."""

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device in _TARGETS

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> TenonBackendRep:
        """Compiles `model`; raises tenon.Error where it is wrong or not supported."""
        if device not in _TARGETS:
            raise ValueError(f"unknown device {device!r}; the devices are {', '.join(_TARGETS)}")
        archs = [cpu_arch()] if device == "CPU" else None
        plan = _compile(model, target=_TARGETS[device], archs=archs, jobs=1)
        return TenonBackendRep(Session(plan, threads=1))

    @classmethod
    def run_node(cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU",
                 outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None,
                 **kwargs: Any) -> tuple[Any, ...]:
        """Runs one node on `inputs`, an array for each of its operands that is not absent."""
        super().run_node(node, inputs, device, outputs_info, **kwargs)
        arrays = [np.asarray(value) for value in _as_sequence(inputs)]
        names = [name for name in node.input if name]
        graph = onnx.helper.make_graph(
            [node], "node",
            [onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
             for name, array in zip(names, arrays, strict=True)],
            [_describe_output(name, i, outputs_info) for i, name in enumerate(node.output) if name])
        opset = kwargs.get("opset_version", onnx.defs.onnx_opset_version())
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid(node.domain, opset)])
        if outputs_info is None:
            model = onnx.shape_inference.infer_shapes(model)  # gives the outputs their types
        return cls.prepare(model, device).run(arrays)


def _as_sequence(inputs: Any) -> Sequence[Any]:
    return inputs if isinstance(inputs, (list, tuple)) else [inputs]


def _describe_output(name: str, i: int, infos: Any) -> onnx.ValueInfoProto:
    if infos is None:
        return onnx.ValueInfoProto(name=name)
    dtype, shape = infos[i]
    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


is_compatible = TenonBackend.is_compatible
prepare = TenonBackend.prepare
run_model = TenonBackend.run_model
run_node = TenonBackend.run_node
supports_device = TenonBackend.supports_device
