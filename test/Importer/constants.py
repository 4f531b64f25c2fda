# RUN: rm -rf %t && %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/constants.onnx | FileCheck %s
# RUN: tenon-translate --onnx-to-graph %t/external.onnx | FileCheck %s --check-prefix=EXTERNAL
# RUN: tenon-translate --onnx-to-graph %t/snapshot/model.onnx | FileCheck %s --check-prefix=EXTERNAL
# RUN: not tenon-translate --onnx-to-graph < %t/external.onnx 2>&1 | FileCheck %s --check-prefix=MEMORY
# RUN: tenon-translate --onnx-to-graph --mlir-print-debuginfo %t/constants.onnx | FileCheck %s --check-prefix=LOC
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


@case
def constants():
    """Up to 64 elements are dense, more are resources over the file; bool, half and narrow integers keep their type."""
    return model([node("Constant", [], ["c"], value_floats=[1.0, 2.0]), node("Identity", ["flags"], ["f"]),
                  node("Add", ["x", "large"], ["y"])],
                 [value("x", (65,))],
                 [value("y", None), value("c", None), value("f", None, BOOL), value("h", None, TensorProto.FLOAT16),
                  value("u", None, TensorProto.UINT8), value("bf", None, TensorProto.BFLOAT16)],
                 [constant("large", np.arange(65), np.float32), constant("flags", [True, False]),
                  constant("h", [0.5], np.float16), constant("u", [200], np.uint8),
                  helper.make_tensor("bf", TensorProto.BFLOAT16, [2], [1.0, -2.0]), constant("unused", np.ones(70))])


# CHECK: graph.constant dense_resource<w_large> : tensor<65xf32>
# CHECK: graph.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
# CHECK: graph.constant dense<[true, false]> : tensor<2xi1>
# CHECK: graph.constant dense<5.000000e-01> : tensor<1xf16>
# CHECK: graph.constant dense<200> : tensor<1xui8>
# CHECK: graph.constant dense<[1.000000e+00, -2.000000e+00]> : tensor<2xbf16>
# CHECK: w_large: "0x04000000000000000000803F00000040
# CHECK-NOT: unused

# LOC: graph.constant dense_resource<w_large> : tensor<65xf32> loc(#[[LARGE:.+]])
# LOC: #[[LARGE]] = loc("large")


@case
def external():
    weight = TensorProto(name="weight", data_type=FLOAT, data_location=TensorProto.EXTERNAL, dims=[70])
    for key, text in (("location", "weight.bin"), ("offset", "4"), ("length", "280")):
        weight.external_data.add(key=key, value=text)
    return model([node("Add", ["x", "weight"], ["y"])], [value("x", (70,))], initializers=[weight])


# EXTERNAL: graph.constant dense_resource<w_weight> : tensor<70xf32>
# EXTERNAL: w_weight: "0x040000000000803F00000040
# MEMORY: loc("weight"): TN1011: a model in memory has no folder for 'weight.bin'

write_cases()
folder = pathlib.Path(sys.argv[1])
(folder / "weight.bin").write_bytes(np.arange(71, dtype=np.float32).tobytes())
# A hub's cache: names in a snapshot are links into a folder of blobs.
(folder / "blobs").mkdir()
(folder / "snapshot").mkdir()
(folder / "blobs" / "1").write_bytes((folder / "external.onnx").read_bytes())
(folder / "blobs" / "2").write_bytes((folder / "weight.bin").read_bytes())
(folder / "snapshot" / "model.onnx").symlink_to("../blobs/1")
(folder / "snapshot" / "weight.bin").symlink_to("../blobs/2")
