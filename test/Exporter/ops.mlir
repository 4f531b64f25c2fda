// RUN: tenon-translate --graph-to-onnx %s -o %t.onnx
// RUN: %python -c "import onnx, onnx.printer, sys; m = onnx.load(sys.argv[1]); onnx.checker.check_model(m, full_check=True); print(onnx.printer.to_text(m))" %t.onnx | FileCheck %s

// Extents that are expressions are computed from the inputs' shapes; names are those of the model.
// CHECK: opset_import: ["" : 21]
// CHECK: (float[N,6] x) => (float[?,3] y, float[3,N] z)
// CHECK: Shape <start: int = 0, end: int = 1> (x)
// CHECK: Reshape <allowzero: int = 1>
// CHECK: Transpose <perm: ints = [1, 0]>
// CHECK: MatMul
func.func @main(%x: tensor<?x6xf32, #graph.shape<[N, 6]>> {graph.name = "x"})
    -> (tensor<?x3xf32, #graph.shape<[2 * N, 3]>> {graph.name = "y"}, tensor<3x?xf32, #graph.shape<[3, N]>> {graph.name = "z"}) {
  %0 = graph.reshape %x : tensor<?x6xf32, #graph.shape<[N, 6]>> -> tensor<?x3xf32, #graph.shape<[2 * N, 3]>>
  %w = graph.constant dense<1.0> : tensor<3x6xf32>
  %t = graph.transpose %x {perm = array<i64: 1, 0>} : tensor<?x6xf32, #graph.shape<[N, 6]>> -> tensor<6x?xf32, #graph.shape<[6, N]>>
  %1 = graph.matmul %w, %t : (tensor<3x6xf32>, tensor<6x?xf32, #graph.shape<[6, N]>>) -> tensor<3x?xf32, #graph.shape<[3, N]>>
  return %0, %1 : tensor<?x3xf32, #graph.shape<[2 * N, 3]>>, tensor<3x?xf32, #graph.shape<[3, N]>>
}
