func.func @main(%x: tensor<?x64xf32, #graph.shape<[N, 64]>> {graph.name = "x"}) -> (tensor<?x32xf32, #graph.shape<[N, 32]>> {graph.name = "y"}) {
  %w0 = graph.constant dense<0.25> : tensor<64x128xf32>
  %w1 = graph.constant dense<0.5> : tensor<128x32xf32>
  %0 = graph.matmul %x, %w0 : (tensor<?x64xf32, #graph.shape<[N, 64]>>, tensor<64x128xf32>) -> tensor<?x128xf32, #graph.shape<[N, 128]>> loc("first")
  %1 = graph.relu %0 : tensor<?x128xf32, #graph.shape<[N, 128]>> -> tensor<?x128xf32, #graph.shape<[N, 128]>>
  %2 = graph.matmul %1, %w1 : (tensor<?x128xf32, #graph.shape<[N, 128]>>, tensor<128x32xf32>) -> tensor<?x32xf32, #graph.shape<[N, 32]>> loc("second")
  return %2 : tensor<?x32xf32, #graph.shape<[N, 32]>>
}
