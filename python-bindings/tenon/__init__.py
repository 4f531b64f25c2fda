"""Tenon compiles ONNX models ahead of time into one file that runs.

    plan = tenon.compile("model.onnx")
    plan.save("model.tenon")
    session = tenon.Session("model.tenon")
    outputs = session.run(None, {"x": x})

Needs numpy; the compiler's library is loaded by the first call of `compile`.
"""
from . import data
from ._errors import Error
from ._plan import Plan, compile, compress
from ._session import Session, TensorInfo, __version__, cpu_arch

__all__ = ["Error", "Plan", "Session", "TensorInfo", "__version__", "compile", "compress", "cpu_arch", "data"]
