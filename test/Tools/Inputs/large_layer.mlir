func.func @main(%x: tensor<?x512xf32, #graph.shape<[N, 512]>> {graph.name = "x"}) -> (tensor<?x512xf32, #graph.shape<[N, 512]>> {graph.name = "y"}) {
  %w = graph.constant dense<0.25> : tensor<512x512xf32>
  %0 = graph.matmul %x, %w : (tensor<?x512xf32, #graph.shape<[N, 512]>>, tensor<512x512xf32>) -> tensor<?x512xf32, #graph.shape<[N, 512]>> loc("only")
  return %0 : tensor<?x512xf32, #graph.shape<[N, 512]>>
}
